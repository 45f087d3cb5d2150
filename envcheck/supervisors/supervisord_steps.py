"""How to have supervisord start a program anew: `update` where its definition changed, else `restart`."""

from __future__ import annotations

from envcheck.model import Configured, Disruption, Hazard, Owner, Server, Snapshot, Step
from envcheck.secrecy import Policy
from envcheck.supervisors import unsupervised
from envcheck.supervisors.known import Known
from envcheck.supervisors.supervisord_config import Configuration
from envcheck.supervisors.supervisord_loading import DEFINITION, Found, defined_as, given_path, load


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Give `update` where the definition has to be read anew, else `restart`."""
    del policy
    if owner is None:
        return ()
    if "orphaned" in owner.facts:
        why = "stop what supervisord has tried meanwhile, and start it as its own child"
        again = Step((*_without_file(owner), "restart", owner.name), why, Disruption.DOWNTIME)
        return (*unsupervised.end(server), again)
    known = Known(snapshot.answers)
    found = load(owner, known)
    configuration = found.configuration if found else None
    client = _client(owner, found, configuration)
    if client is None:
        why = "supervisorctl cannot reach it: HUP has it read its configuration and restart all its programs"
        return (Step(("kill", "-HUP", str(owner.pid)), why, Disruption.DOWNTIME),)
    defined = defined_as(owner, configuration) if configuration else None
    name = f"{defined.group}:{defined.name}" if defined else owner.name
    group = name.partition(":")[0]
    again = Step((*client, "restart", name), "stop it and start it anew", Disruption.DOWNTIME)
    if not _edited(configured):
        return (again,)
    why = f"read the configuration again, and restart the group {group}: its definition has changed"
    update = Step((*client, "update", group), why, Disruption.DOWNTIME)
    if defined and not defined.autostart:
        why = "autostart is off: `update` leaves it stopped"
        return update, Step((*client, "start", f"{group}:*"), why, Disruption.NONE)
    # Nothing that the definition sets differs: `update` may find nothing to do.
    return (update,) if _differs(server, configured) else (update, again)


def _client(owner: Owner, found: Found | None, configuration: Configuration | None) -> tuple[str, ...] | None:
    """Give the words before a command of supervisorctl; None: nothing listens for it."""
    program = owner.facts.get("client", "supervisorctl")
    if found and (configuration is None or configuration.has_client):
        return program, "-c", found.path
    if not owner.facts.get("url") and configuration and not configuration.has_server:
        return None
    return _without_file(owner)


def _without_file(owner: Owner) -> tuple[str, ...]:
    program = owner.facts.get("client", "supervisorctl")
    return (program, "-s", url) if (url := owner.facts.get("url")) else (program,)


def _edited(configured: Configured) -> bool:
    return configured.start is not None and configured.start.edited


def _differs(server: Server, configured: Configured) -> bool:
    """Tell whether the process has not what the definition sets."""
    has = server.first.running.variables
    winners = [(n, s[-1]) for n, s in configured.settings.items() if s[-1].source.kind in DEFINITION]
    return any(has.get(name) != setting.assignment.value for name, setting in winners)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    if owner is None:
        return ()
    if "orphaned" in owner.facts:
        why = "the stray master goes on serving and holds the address: what supervisord starts ends at once"
        words = _without_file(owner)
        return tuple(Step((*words, command, owner.name), why) for command in ("restart", "start"))
    given = given_path(owner)
    words = (owner.facts.get("client", "supervisorctl"), *(("-c", given) if given else ()))
    signal = Step(
        (*words, "signal", "HUP", owner.name), "the server keeps the environment that it was started with"
    )
    if not _edited(configured):
        why = "its configuration has not changed: it restarts nothing"
        return signal, Step((*words, "update", owner.name.partition(":")[0]), why)
    del server
    keeps = "supervisord starts it with the definition that it read before the change; stop and start too"
    reread = "it reads the new definition and does not use it: not even a restart after it does"
    return signal, Step((*words, "restart", owner.name), keeps), Step((*words, "reread"), reread)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    if owner is None:
        return ()
    if "orphaned" in owner.facts:
        message = (
            f"a supervisord that runs starts {owner.name} again and again meanwhile (address in "
            "use), and after `startretries` gives up (FATAL)"
        )
        unknown = (
            f"whether a supervisord runs, and what it gives {owner.name}, is not known: see its `status`"
        )
        return Hazard(None, "restart-loop", message), Hazard(None, "unknown-start", unknown)
    found = load(owner, Known(snapshot.answers))
    configuration = found.configuration if found else None
    defined = defined_as(owner, configuration) if configuration else None
    if configuration is None or defined is None:
        return ()
    hazards: list[Hazard] = []
    others = [d for d in configuration.processes if d.group == defined.group and d.name != defined.name]
    if others:
        names = ", ".join(d.name for d in others)
        message = f"`update` restarts the whole group {defined.group}: {names} too"
        hazards.append(Hazard(None, "group-restart", message))
    if owner.distance and not defined.stops_group:
        message = (
            f"supervisord stops only its own child, and {server.kind} is not that: it may stay behind and "
            "hold the port; `stopasgroup=true` and `killasgroup=true` end it too"
        )
        hazards.append(Hazard(None, "left-behind", message))
    return tuple(hazards)

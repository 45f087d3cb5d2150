"""supervisord: programs in an ini file, started with its own environment and what the file adds.

Source of the knowledge: supervisor 4.3.0 (options.py, process.py `_spawn_as_child`, supervisorctl.py
`do_update`). What it has loaded cannot be asked for (no RPC tells the environment): a file that changed after
supervisord started, and says something else than the process has, is taken for not loaded.
"""

from __future__ import annotations

import getopt
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    Disruption,
    Hazard,
    Owner,
    Parsed,
    Problem,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.supervisors import ancestry
from envcheck.supervisors.known import Known
from envcheck.supervisors.refusals import RejectError, UnreadError
from envcheck.supervisors.supervisord_config import Configuration, Defined, Loader

KIND = "supervisord"
DEFINITION = ("supervisord", "supervisord-program")  # kinds of sources that only `update` brings in
UNKNOWN = "?"

# options.py `Options` and `ServerOptions`: what its command line may hold.
SHORT = "h?c:vnu:m:d:l:y:z:e:j:i:q:a:kts"
LONG = (
    *("help", "configuration=", "version", "nodaemon", "user=", "umask=", "directory=", "logfile="),
    *("logfile_maxbytes=", "logfile_backups=", "loglevel=", "pidfile=", "identifier=", "childlogdir="),
    *("minfds=", "minprocs=", "nocleanup", "strip_ansi", "profile_options=", "silent"),
)

# Where it looks without -c, relative to its folder; before that beside the folder of its program.
SEARCH = ("supervisord.conf", "etc/supervisord.conf")
SEARCH_LAST = ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")

# What it sets for each process anew, whatever its own environment has.
OWN = ("SUPERVISOR_ENABLED", "SUPERVISOR_SERVER_URL", "SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME")


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = ancestry.nearest(process, ancestors, KIND)
    if found is None:
        return None
    has = {**process.at_exec.variables, **process.running.variables}
    names = (has.get("SUPERVISOR_GROUP_NAME", ""), has.get("SUPERVISOR_PROCESS_NAME", ""))
    facts = {
        "child": "\0".join(found.child.argv),
        "since": str(found.child.started),
        "url": url if "@" not in (url := has.get("SUPERVISOR_SERVER_URL", "")) else "",  # no password
        "client": ancestry.program_beside(found.process, KIND, wanted="supervisorctl"),
    }
    return Owner(
        kind=KIND,
        name=":".join(names) if all(names) else UNKNOWN,
        distance=found.distance,
        pid=found.process.pid,
        facts=facts,
        supervising=found.process,
    )


class _Found(NamedTuple):
    path: str
    configuration: Configuration | None = None
    gap: UnreadError | None = None
    refusal: RejectError | None = None


def _given(owner: Owner) -> str | None:
    """Give the configuration that its command line names."""
    supervising = owner.supervising
    words = ancestry.words_after(supervising, KIND, "supervisor.supervisord") if supervising else None
    if words is None or supervising is None:
        return None
    try:
        options, _ = getopt.getopt(list(words), SHORT, list(LONG))
    except getopt.GetoptError:
        return None
    named = [value for name, value in options if name in ("-c", "--configuration")]
    return ancestry.absolute(supervising, named[-1]) if named else None


def _path(owner: Owner, known: Known) -> str | None:
    """Give the configuration that it reads: None: not known yet, or there is none."""
    if given := _given(owner):
        return given
    supervising = owner.supervising
    if supervising is None:
        return None
    beside = owner.facts.get("client", "").rpartition("/bin/")[0]
    places = [f"{beside}/{place}" for place in ("etc/supervisord.conf", "supervisord.conf") if beside]
    places += [ancestry.absolute(supervising, place) for place in SEARCH]
    facts = {place: known.file(place) for place in (*places, *SEARCH_LAST)}
    if None in facts.values():
        return None
    return next((place for place, f in facts.items() if f and f.status != "missing"), None)


def _load(owner: Owner, known: Known) -> _Found | None:
    """Read the configuration as far as it can be; None: the host has not answered yet, or there is none."""
    path = _path(owner, known)
    if path is None:
        return None
    supervising = owner.supervising
    usable = supervising is not None and supervising.running.usable
    environment = supervising.running.variables if supervising and usable else None
    try:
        configuration = Loader(path, environment, known).load()
    except UnreadError as error:
        return _Found(path, gap=error)
    except RejectError as error:
        return _Found(path, refusal=error)
    return _Found(path, configuration)


def start(owner: Owner, process: Process, known: Known) -> Start:
    base = ancestry.inherited(owner, process, OWN)
    since = float(owner.facts["since"])
    found = _load(owner, known)
    if found is None:
        source = Source(KIND, "the configuration of supervisord", Stage.EXEC)
        return Start((base, Applied(source, None, 0.0, "it was not found, or not read")), since=since)
    if found.gap:
        source = Source(KIND, found.gap.path, Stage.EXEC, "supervisor")
        return Start((base, Applied(source, None, found.gap.changed, str(found.gap))), since=since)
    if found.refusal:
        return _refused(base, found.refusal, since)
    configuration = found.configuration
    if configuration is None:
        return Start((base,), since=since)
    defined = _defined(owner, configuration)
    if defined is None:
        source = Source(KIND, found.path, Stage.EXEC, "supervisor")
        why = "it defines no such process any more"
        unstartable = f"{found.path} {why}: {owner.name}"
        return Start(
            (base, Applied(source, None, configuration.changed, why)),
            (),
            unstartable=unstartable,
            since=since,
        )
    applied = (base, _marks(owner, defined), configuration.common, defined.environment)
    command, unstartable = _command(defined)
    folder = ancestry.absolute(owner.supervising, defined.folder) if owner.supervising else None
    return Start(applied, command, unstartable=unstartable, since=since, folder=folder)


def _refused(base: Applied, refusal: RejectError, since: float) -> Start:
    place = f"{refusal.path}:{refusal.line}" if refusal.line else refusal.path
    problem = Problem(refusal.line, f"{refusal}: supervisord refuses the configuration")
    source = Source(KIND, refusal.path, Stage.EXEC, "supervisor")
    applied = (base, Applied(source, Parsed((), (problem,), refused=True), 0.0))
    return Start(
        applied, (), unstartable=f"supervisord refuses its configuration: {refusal} ({place})", since=since
    )


def _command(defined: Defined) -> tuple[tuple[str, ...], str]:
    """Cut the command into words as process.py `get_execv_args` does."""
    try:
        words = tuple(shlex.split(defined.command))
    except ValueError:
        return (), "its command cannot be cut into words: a quote is not closed"
    return words, "" if words else "its command is empty"


def _marks(owner: Owner, defined: Defined) -> Applied:
    """Give what supervisord itself sets; of the address of its server only what the program names."""
    marks = {
        "SUPERVISOR_ENABLED": "1",
        **({"SUPERVISOR_SERVER_URL": defined.server_url} if defined.server_url else {}),
        "SUPERVISOR_PROCESS_NAME": defined.name,
        "SUPERVISOR_GROUP_NAME": defined.group,
    }
    source = Source("supervisord-marks", f"supervisord {owner.pid}", Stage.EXEC)
    assignments = (Assignment(name, value, 1) for name, value in marks.items())
    started = owner.supervising.started if owner.supervising else 0.0
    return Applied(source, Parsed(tuple(assignments)), started)


def _defined(owner: Owner, configuration: Configuration) -> Defined | None:
    """Find the process by its names, else by its command."""
    if owner.name != UNKNOWN:
        named = (d for d in configuration.processes if f"{d.group}:{d.name}" == owner.name)
        return next(named, None)
    argv = tuple(owner.facts["child"].split("\0"))
    alike = [d for d in configuration.processes if ancestry.started_by(_command(d)[0], argv)]
    return alike[0] if len(alike) == 1 else None


# --- its restart ---------------------------------------------------------------------------------


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Give `update` where the definition has to be read anew, else `restart`."""
    del policy
    if owner is None:
        return ()
    known = Known(snapshot.answers)
    found = _load(owner, known)
    configuration = found.configuration if found else None
    client = _client(owner, found, configuration)
    if client is None:
        why = "supervisorctl cannot reach it: HUP has it read its configuration and restart all its programs"
        return (Step(("kill", "-HUP", str(owner.pid)), why, Disruption.DOWNTIME),)
    defined = _defined(owner, configuration) if configuration else None
    name = f"{defined.group}:{defined.name}" if defined else owner.name
    group = name.partition(":")[0]
    again = Step((*client, "restart", name), "stop it and start it anew", Disruption.DOWNTIME)
    if not _edited(owner, configured):
        return (again,)
    why = f"read the configuration again, and restart the group {group}: its definition has changed"
    update = Step((*client, "update", group), why, Disruption.DOWNTIME)
    if defined and not defined.autostart:
        why = "autostart is off: `update` leaves it stopped"
        return update, Step((*client, "start", f"{group}:*"), why, Disruption.NONE)
    # Nothing that the definition sets differs: `update` may find nothing to do.
    return (update,) if _differs(server, configured) else (update, again)


def _client(
    owner: Owner, found: _Found | None, configuration: Configuration | None
) -> tuple[str, ...] | None:
    """Give the words before a command of supervisorctl; None: nothing listens for it."""
    program = owner.facts.get("client", "supervisorctl")
    if found and (configuration is None or configuration.has_client):
        return program, "-c", found.path
    if url := owner.facts.get("url"):
        return program, "-s", url
    return None if configuration and not configuration.has_server else (program,)


def _edited(owner: Owner, configured: Configured) -> bool:
    """Tell whether a file of the definition changed after supervisord started."""
    started = owner.supervising.started if owner.supervising else 0.0
    return any(a.changed > started for a in configured.applied if a.source.kind in DEFINITION)


def _differs(server: Server, configured: Configured) -> bool:
    """Tell whether the process has not what the definition sets."""
    has = server.first.running.variables
    winners = [(n, s[-1]) for n, s in configured.settings.items() if s[-1].source.kind in DEFINITION]
    return any(has.get(name) != setting.assignment.value for name, setting in winners)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    if owner is None:
        return ()
    given = _given(owner)
    words = (owner.facts.get("client", "supervisorctl"), *(("-c", given) if given else ()))
    signal = Step(
        (*words, "signal", "HUP", owner.name), "the server keeps the environment that it was started with"
    )
    if not _edited(owner, configured):
        why = "its configuration has not changed: it restarts nothing"
        return signal, Step((*words, "update", owner.name.partition(":")[0]), why)
    del server
    keeps = "supervisord starts it with the definition that it read before the change; stop and start too"
    reread = "it reads the new definition and does not use it: not even a restart after it does"
    return signal, Step((*words, "restart", owner.name), keeps), Step((*words, "reread"), reread)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    if owner is None:
        return ()
    found = _load(owner, Known(snapshot.answers))
    configuration = found.configuration if found else None
    defined = _defined(owner, configuration) if configuration else None
    if configuration is None or defined is None:
        return ()
    hazards: list[Hazard] = []
    others = [d for d in configuration.processes if d.group == defined.group and d.name != defined.name]
    if others:
        message = f"`update` restarts the whole group {defined.group}: {len(others)} more"
        hazards.append(Hazard(None, "group-restart", message))
    if owner.distance and not defined.stops_group:
        message = (
            f"supervisord stops only its own child, and {server.kind} is not that: it may stay behind and "
            "hold the port; `stopasgroup=true` and `killasgroup=true` end it too"
        )
        hazards.append(Hazard(None, "left-behind", message))
    return tuple(hazards)

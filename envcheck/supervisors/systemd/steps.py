"""How to have a unit started anew: with `daemon-reload` only where something else is loaded than on disk."""

from __future__ import annotations

from envcheck.model import Configured, Disruption, Hazard, Owner, Server, Snapshot, Step
from envcheck.secrecy import Policy
from envcheck.supervisors import unsupervised
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import loaded, siblings, starting
from envcheck.supervisors.systemd.loaded import Loaded

RELOAD = "a reload signals the master, which keeps the environment it was started with"
ALONE = "systemd has not read the changed unit: it starts what it has loaded"
UNREAD = "systemd has to read the changed files first"
NOTHING = "it reads the units anew and starts nothing"
LOADED = "; stop and start do the same, as long as the unit is enabled: it stays loaded in between"
ONLY_RELOADS = "the unit says how to reload it: so this reloads, and restarts nothing"
# What a restart does not end.
OUTLIVE = {
    "process": "KillMode=process: a restart ends the master alone; who outlives it keeps what it has",
    "none": "KillMode=none: a restart ends nothing by itself; who outlives it keeps what it has",
}
# What becomes of connections in the meantime, by what is seen of the socket.
SOCKETS = {
    "held": ": it holds the socket itself, connections wait meanwhile",
    "given": "; connections wait meanwhile if it still holds the socket that it gave, which is not seen",
    "": "",
}
USR2 = "the new master inherits the environment of the old one"
# gunicorn/sock.py closes what it was given, and its successor looks for it: seen with 20.1, 23 and 27.
DIES = "the new master dies: it does not find the socket that systemd gave to the old one, which stays"
ENDED = "; and when the old one ends, systemd takes that for the end of the service, and ends both"


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    if owner is None or is_stray(configured):
        return unsupervised.restart(owner, server, configured, snapshot, policy)
    run = systemctl(owner, snapshot)
    socket = _socket(owner, loaded.ask(owner, Known(snapshot.answers)))
    disruption = Disruption.WORKERS if socket == "held" else Disruption.CONNECTIONS
    step = Step((*run, "restart", owner.name), f"started anew by systemd{SOCKETS[socket]}", disruption)
    if not needs_reload(configured):
        return (step,)
    return Step((*run, "daemon-reload"), UNREAD, Disruption.NONE), step


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    if owner is None or is_stray(configured):
        return ()
    run = systemctl(owner)
    traits = configured.start.traits if configured.start else frozenset[str]()
    told = [Step((*run, "reload", owner.name), RELOAD)]
    if "reloads" in traits:
        told.append(Step((*run, "reload-or-restart", owner.name), ONLY_RELOADS))
    if needs_reload(configured):
        told.insert(0, Step((*run, "restart", owner.name), ALONE + (LOADED if "enabled" in traits else "")))
    else:
        told.append(Step((*run, "daemon-reload"), NOTHING))
    # A forking unit may follow a pid file to the new master, where that is Unicorn's: Gunicorn's has `.2`.
    follows = "forking" in traits and server.kind == "unicorn"
    ended = "" if not traits or follows else ENDED
    given = server.kind == "gunicorn" and owner.facts.get("socket")
    why = DIES if given else USR2 + ended
    return *told, Step(("kill", "-USR2", str(server.first.pid)), why)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    if owner is None:
        return ()
    said = loaded.ask(owner, Known(snapshot.answers))
    if why := starting.stray(owner, said):
        return (Hazard(None, "stray", why), *unsupervised.hazards(owner, server, snapshot))
    outlive = OUTLIVE.get(said.one("KillMode"))
    left = [Hazard(None, "kill-mode", outlive)] if outlive else []
    return (*left, *_without_service(owner, said), *siblings.stale(owner, snapshot))


def _socket(owner: Owner, said: Loaded) -> str:
    """Say what is seen of the socket of its socket unit: a process may share others with the manager."""
    triggered = any(name.endswith(".socket") for name in said.one("TriggeredBy").split())
    socket = owner.facts.get("socket", "")
    return socket if triggered or socket != "held" else ""


def _without_service(owner: Owner, said: Loaded) -> tuple[Hazard, ...]:
    """Say how long nobody may serve: until the old ones have ended, and the new ones are up."""
    limit = said.one("TimeoutStopUSec")
    if _socket(owner, said) == "held" or not limit:
        return ()
    waits = "as long as that takes" if limit == "infinity" else f"up to {limit}"
    message = f"nobody serves until the new workers are up: systemd waits {waits} for the old ones to end"
    return (Hazard(None, "downtime", message),)


def is_stray(configured: Configured) -> bool:
    return configured.start is not None and bool(configured.start.stray)


def needs_reload(configured: Configured) -> bool:
    return configured.start is not None and configured.start.loaded is not None


def systemctl(owner: Owner, snapshot: Snapshot | None = None) -> tuple[str, ...]:
    """Give the words that reach the unit's manager: the system's, or a user's as that user."""
    user = owner.facts.get("user")
    if not user:
        return ("systemctl",)
    words = ("env", f"XDG_RUNTIME_DIR={owner.facts['runtime']}", "systemctl", "--user")
    if snapshot is not None and snapshot.uid == 0 and user != "0":
        return ("runuser", "-u", snapshot.users.get(int(user), f"#{user}"), "--", *words)
    return words

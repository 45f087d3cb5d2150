"""Who may give a command as it stands: anybody, the user of a process or a manager, who may write, or root.

What a supervisor listens on decides: sv(8) and svc(8) write into a FIFO of the service, supervisorctl
connects to a socket (Linux asks for the right to write it). The system's managers ask for root; that polkit
may let others in cannot be read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from envcheck.model import Owner, Process, Server, Snapshot
from envcheck.supervisors.known import Known

# They read only, act as who calls them, or have told all that is known of a container to who looks.
ANYBODY = frozenset({"timeout", "sleep", "setsid", "podman", "docker", "nerdctl", "kubectl", "circusctl"})
# Their service is the last word.
SERVICES = frozenset({"sv", "svc", "s6-svc"})
FIFO = "supervise/control"
SOCKET = "unix://"
# They ask whoever has started the supervisor.
OF_SUPERVISOR = frozenset({"monit"})
BY_ROOT = frozenset({"sysv", "openrc", "upstart"})  # kinds of supervisors


class Right(NamedTuple):
    """Whether who looks may run a command, and who may: a name for sudo."""

    given: bool
    user: str = "root"
    shown: str = "root"


def right(argv: Sequence[str], server: Server, snapshot: Snapshot) -> Right:
    """Tell who may run the command of a step."""
    program = posixpath.basename(argv[0])
    if snapshot.uid == 0 or program in ANYBODY:
        return Right(given=True)
    if program == "kill":
        return _signal(argv, server, snapshot)
    owners = list(_chain(server))
    if program in ("env", "systemctl") and "--user" in argv:
        user = next((o.facts["user"] for o in owners if o.facts.get("user")), "")
        return _as(int(user), snapshot) if user.isdigit() else Right(given=False)
    if program in SERVICES:
        return Right(given=_writable(posixpath.join(argv[-1], FIFO), snapshot))
    if program == "supervisorctl":
        url = next((o.facts["url"] for o in owners if o.facts.get("url")), "")
        remote = bool(url) and not url.startswith(SOCKET)
        return Right(given=remote or _writable(url.removeprefix(SOCKET), snapshot))
    started = [o.supervising.uid for o in owners if o.supervising and program in OF_SUPERVISOR]
    return Right(given=bool(started) and started[0] == snapshot.uid)


def suffices(server: Server, uid: int, known: Known) -> bool:
    """Tell whether a user needs nobody's help for any step there may be; True as long as it is not known."""
    own = all(p.uid == uid for p in server.processes)
    others = [owner for owner in _chain(server) if not _controls(owner, uid, known)]  # all have to be asked
    return own and not others


def _controls(owner: Owner, uid: int, known: Known) -> bool:
    if owner.kind == "systemd":
        return owner.facts.get("user") == str(uid)
    if owner.kind in ("runit", "daemontools", "s6"):
        return known.writable(posixpath.join(owner.name, FIFO)) is not False
    if (url := owner.facts.get("url", "")).startswith(f"{SOCKET}/"):
        return known.writable(url.removeprefix(SOCKET)) is not False
    by_signals = owner.supervising is None or owner.supervising.uid == uid
    return owner.kind not in BY_ROOT and by_signals


def _writable(path: str, snapshot: Snapshot) -> bool:
    return snapshot.answers.writable.get(path, False)


def _signal(argv: Sequence[str], server: Server, snapshot: Snapshot) -> Right:
    known: dict[int, Process] = {**snapshot.ancestors, **{p.pid: p for p in server.processes}}
    process = known.get(int(argv[-1])) if argv[-1].isdigit() else None
    return _as(process.uid, snapshot) if process else Right(given=False)


def _as(uid: int, snapshot: Snapshot) -> Right:
    name = snapshot.users.get(uid)
    return Right(uid == snapshot.uid, name or f"#{uid}", name or f"uid {uid}")


def _chain(server: Server) -> Iterator[Owner]:
    for first in server.owners:
        owner: Owner | None = first
        while owner is not None:
            yield owner
            owner = owner.outer

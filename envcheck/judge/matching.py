"""Which servers a target or an app of the spec means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from envcheck.errors import EnvcheckError, NothingMatchedError
from envcheck.model import App, Match, Server, Snapshot
from envcheck.servers import SERVERS
from envcheck.sources import chain

# Beside a pid file a server keeps that of the master it replaces, or that replaces it.
PIDFILES = ("", ".oldbin", ".2")

# Where Linux lists its TCP sockets.
SOCKETS = ("/proc/net/tcp", "/proc/net/tcp6")

PREFIXES = ("unit", "pidfile", "cwd", "port", "server")
LONGEST_PID = 10  # digits


def targets(snapshot: Snapshot, target: str) -> tuple[Server, ...]:
    """Find the servers that a target of the command line means: a pid, `cwd:PATH`, ..., or a name."""
    kind, separator, value = target.partition(":")
    if (pid := number(target)) is not None:
        return _with_pid(snapshot, pid)
    if separator and kind in PREFIXES:
        key = {"port": "listen"}.get(kind, kind)
        return tuple(s for s in snapshot.servers if KEYS[key](s, value, snapshot))
    return tuple(s for s in snapshot.servers if s.name == target)


def number(text: str) -> int | None:
    """Read a process id; what only Unicode calls digits is none, nor is what no kernel counts to."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_PID else None


def files(named: Iterable[str]) -> tuple[str, ...]:
    """Give the files and folders that tell what targets mean."""
    pairs = [target.partition(":")[::2] for target in named]
    pidfiles = [value + suffix for kind, value in pairs if kind == "pidfile" for suffix in PIDFILES]
    folders = [value for kind, value in pairs if kind == "cwd" and value.startswith("/")]
    return (*pidfiles, *folders, *(SOCKETS if any(kind == "port" for kind, _ in pairs) else ()))


def pids(targets: Iterable[str]) -> list[int]:
    """Give the process ids among the targets."""
    return [pid for target in targets if (pid := number(target)) is not None]


def reason(snapshot: Snapshot, target: str) -> str:
    """Say why a target means no server, as far as that can be told; else ""."""
    kind, _, path = target.partition(":")
    if (pid := number(target)) is not None:
        return _not_a_server(snapshot, pid)
    if kind == "unit":
        names = sorted({o.name for s in snapshot.servers for o in s.owners if o.kind == "systemd"})
        return f"the units that run servers are {', '.join(names)}" if names else "no unit runs a server"
    if kind != "pidfile":
        return ""
    facts = snapshot.files.get(path)
    if facts is None or facts.status != "ok":
        return chain.why(facts) if facts else ""
    held = number(facts.content.strip().decode("ascii", "replace"))
    return (
        "it holds no process id" if held is None else f"it is stale: process {held} is no master of a server"
    )


def nothing(snapshot: Snapshot, target: str, what: str) -> EnvcheckError:
    """Make the error for a target that means nothing, as far as it could be seen."""
    if gap := next((gap for gap in snapshot.gaps if gap.hides), None):
        return EnvcheckError(f"unable to tell what is meant by {target}: {gap.what}: {gap.why}", gap.hint)
    why = reason(snapshot, target)
    return NothingMatchedError(f"no running {what} is meant by {target}{why and ': ' + why}")


def _not_a_server(snapshot: Snapshot, pid: int) -> str:
    stray = next((p for p in snapshot.strays if p.pid == pid), None)
    if stray is None:
        return f"there is no process {pid}"
    return (
        f"process {pid} ({stray.comm}) is no application server; envcheck show {pid} prints its environment"
    )


def _with_pid(snapshot: Snapshot, pid: int) -> tuple[Server, ...]:
    return tuple(s for s in snapshot.servers if any(p.pid == pid for p in s.processes))


def of_app(snapshot: Snapshot, app: App) -> tuple[Server, ...]:
    """Find the servers of an app; without a `match` its name is the server's."""
    if not app.matches:
        return tuple(s for s in snapshot.servers if s.name == app.name)
    return tuple(s for s in snapshot.servers if any(_matches(s, m, snapshot) for m in app.matches))


def _matches(server: Server, match: Match, snapshot: Snapshot) -> bool:
    """All keys that are given must hold, each for one of its values."""
    given: Sequence[tuple[str, tuple[str, ...]]] = [(key, getattr(match, key)) for key in Match._fields]
    return all(
        (all if key in ALL else any)(KEYS[key](server, value, snapshot) for value in values)
        for key, values in given
        if values
    )


def _cwd(server: Server, value: str, snapshot: Snapshot) -> bool:
    """Match a glob, or a symbolic link: the kernel tells a process' folder without any."""
    pattern = value.rstrip("/") or "/"
    # A folder that a later deploy has removed is still the one that was meant.
    folders = {p.cwd.removesuffix(" (deleted)") for p in server.processes if p.cwd is not None}
    return any(fnmatchcase(folder, pattern) for folder in folders) or not folders.isdisjoint(
        snapshot.real.get(value, ())
    )


def _unit(server: Server, value: str, snapshot: Snapshot) -> bool:
    """Match a unit's name or a glob; a template means all its instances, a name without a type a service."""
    del snapshot
    full = value if value.endswith((".service", ".scope")) else f"{value}.service"
    pattern = full.replace("@.", "@*.", 1)
    return any(fnmatchcase(o.name, pattern) for o in server.owners if o.kind == "systemd")


def _user(server: Server, value: str, snapshot: Snapshot) -> bool:
    return any(value in (str(p.uid), snapshot.users.get(p.uid)) for p in server.processes)


def _pidfile(server: Server, value: str, snapshot: Snapshot) -> bool:
    """A pid file means the server that is alive under its number; a stale one means none."""
    masters = {g.master.pid for g in server.generations if g.master}
    facts = (snapshot.files.get(value + suffix) for suffix in PIDFILES)
    held = (f.content.strip().decode("ascii", "replace") for f in facts if f is not None and f.status == "ok")
    return any(number(text) in masters for text in held)


def _cmdline(server: Server, value: str, snapshot: Snapshot) -> bool:
    del snapshot
    return any(re.search(value, " ".join(p.argv)) for p in server.processes)


def _has(server: Server, value: str, snapshot: Snapshot) -> bool:
    """Tell whether a process has NAME=VALUE."""
    del snapshot
    name, _, wanted = value.partition("=")
    return any(p.running.usable and p.running.variables.get(name) == wanted for p in server.processes)


def _owned(*kinds: str) -> Callable[[Server, str, Snapshot], bool]:
    return lambda server, value, _: any(fnmatchcase(o.name, value) for o in server.owners if o.kind in kinds)


# Keys of which every value has to hold, not one.
ALL = frozenset({"env_has"})
KEYS: dict[str, Callable[[Server, str, Snapshot], bool]] = {
    "server": lambda server, value, _: server.kind == value or (value == "any" and server.kind in SERVERS),
    "unit": _unit,
    "cwd": _cwd,
    "pidfile": _pidfile,
    "user": _user,
    "pid": lambda server, value, _: any(str(p.pid) == value for p in server.processes),
    "cmdline": _cmdline,
    "supervisor_program": _owned("supervisord", "circus", "honcho", "foreman", "runit", "daemontools", "s6"),
    "container": _owned("docker", "podman", "kubernetes"),
    "env_has": _has,
    "hosts": lambda _, value, snapshot: fnmatchcase(snapshot.host, value),
    "listen": lambda server, value, _: any(value in p.listens for p in server.processes),
}

"""Processes, servers and snapshots for tests, with all that a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envcheck.model import FileFacts, Process, Reading, Snapshot
from envcheck.secrecy import Policy
from envcheck.servers.grouping import servers
from envcheck.servers.signals import mask

NOW = 1_800_000_000.0
OPEN = Policy(key=bytes(32), reveal=("*",))

GUNICORN_MASTER = mask("HUP", "USR2", "CHLD")
GUNICORN_WORKER = mask("ABRT")
UNICORN_MASTER = mask("TTIN", "TTOU", "WINCH", "USR2")
UNICORN_WORKER = mask("HUP", "USR2", "TTIN", "TTOU", "WINCH")


def reading(given: Mapping[str, str] | str) -> Reading:
    """Make a reading of variables, or of a state that could not be read."""
    return Reading(given) if isinstance(given, str) else Reading("ok", dict(given))


def process(pid: int, argv: Sequence[str], **given: Any) -> Process:
    at_exec = reading(given.pop("at_exec", {}))
    live = reading(given.pop("live", dict(at_exec.variables) if at_exec.usable else "denied"))
    defaults: dict[str, Any] = {
        "parent": 1,
        "started": NOW - 1000,
        "uid": 1000,
        "gid": 1000,
        "comm": "gunicorn",
        "exe": "/usr/bin/python3",
        "cwd": "/srv/shop",
        "caught": 0,
        "ignored": 0,
        "image": "one",
    }
    return Process(pid=pid, argv=tuple(argv), at_exec=at_exec, live=live, **{**defaults, **given})


def gunicorn(pid: int, parent: int = 1, *arguments: str, **given: Any) -> Process:
    """Make a gunicorn process without a title: a master if its parent is init, else a worker."""
    caught = given.pop("caught", GUNICORN_MASTER if parent == 1 else GUNICORN_WORKER)
    argv = ("/usr/bin/python3", "/usr/bin/gunicorn", *(arguments or ("app:app",)))
    return process(pid, argv, parent=parent, caught=caught, **given)


def unicorn(pid: int, title: str, parent: int = 1, **given: Any) -> Process:
    """Make a unicorn process with a title."""
    return process(pid, (title,), parent=parent, exe="/usr/bin/ruby3.1", comm="unicorn", **given)


def snapshot(
    *processes: Process, files: Mapping[str, FileFacts] | None = None, tools: Sequence[str] = ("envdir",)
) -> Snapshot:
    return Snapshot(
        host="localhost",
        taken=NOW,
        uid=0,
        servers=servers(processes),
        files=dict(files or {}),
        commands={tool: f"/usr/bin/{tool}" for tool in tools},
        users={0: "root", 1000: "deploy"},
    )


def folder(changed: float, **files: str | tuple[str, float] | None) -> FileFacts:
    """Make an envdir: NAME="value", NAME=("value", changed), NAME="" for a file of no bytes."""
    entries: dict[str, FileFacts] = {}
    for name, given in files.items():
        content, when = given if isinstance(given, tuple) else (given, NOW - 5000)
        entries[name] = FileFacts("folder") if content is None else FileFacts("ok", content.encode(), when)
    return FileFacts("ok", changed=changed, entries=entries)

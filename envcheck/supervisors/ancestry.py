"""What a supervising ancestor tells: who it is, and the environment that all its children inherit."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from typing import NamedTuple

from envcheck.model import Applied, Assignment, Owner, Parsed, Process, Source, Stage

# The kind of source that the environment of a supervisor itself is, which it hands on.
INHERITED = "supervisor-environment"

COMM_LENGTH = 15  # of bytes that the kernel keeps of a program's name

# A shell on the way writes these anew: they are inherited where the process still has them.
REWRITTEN = frozenset(("_", "OLDPWD", "PWD", "SHLVL"))


class Found(NamedTuple):
    """A supervising ancestor, and the process nearest to it on the way to the server."""

    process: Process
    distance: int
    child: Process


def nearest(process: Process, ancestors: Sequence[Process], *programs: str) -> Found | None:
    """Find the nearest ancestor that is one of *programs*."""
    for distance, ancestor in enumerate(ancestors):
        if runs(ancestor, *programs):
            return Found(ancestor, distance, ancestors[distance - 1] if distance else process)
    return None


def runs(process: Process, *programs: str) -> bool:
    """Tell by its name, or by one of its first words: a script is started through its interpreter."""
    words = {posixpath.basename(word) for word in process.argv[:3]}
    return any(process.comm == program[:COMM_LENGTH] or program in words for program in programs)


def words_after(process: Process, *programs: str) -> tuple[str, ...] | None:
    """Give the arguments of a program that may have been started through its interpreter."""
    for i, word in enumerate(process.argv[:3]):
        if posixpath.basename(word) in programs:
            return process.argv[i + 1 :]
    return None


def program_beside(process: Process, *programs: str, wanted: str) -> str:
    """Give *wanted* from the folder of the supervisor's own program; else its name alone."""
    for word in process.argv[:3]:
        if posixpath.basename(word) in programs and "/" in word:
            folder = posixpath.join(process.cwd or "/", posixpath.dirname(word))
            return posixpath.join(posixpath.normpath(folder), wanted)
    return wanted


def started_by(command: tuple[str, ...], argv: tuple[str, ...]) -> bool:
    """Tell whether a command line is that of a command: an interpreter may stand before it."""
    if not command or len(argv) < len(command):
        return False
    tail = argv[len(argv) - len(command) :]
    return tail[1:] == command[1:] and tail[0].rpartition("/")[2] == command[0].rpartition("/")[2]


def absolute(process: Process, path: str) -> str:
    """Resolve a path as the process would."""
    return posixpath.normpath(posixpath.join(process.cwd or "/", path))


def inherited(owner: Owner, process: Process, without: Collection[str] = ()) -> Applied:
    """Give what every child of the supervisor starts with; *without*: what it sets itself each time."""
    source = Source(INHERITED, f"the environment of PID {owner.pid}", Stage.EXEC)
    supervising = owner.supervising
    if supervising is None or not supervising.running.usable:
        why = supervising.running.status if supervising else "gone"
        return Applied(source, None, 0.0, f"the supervisor's own environment could not be read ({why})")
    assignments = tuple(
        Assignment(name, value, line)
        for line, (name, value) in enumerate(supervising.running.variables.items(), 1)
        if name not in without and is_handed_on(name, value, process)
    )
    return Applied(source, Parsed(assignments), supervising.started)


def is_handed_on(name: str, value: str, process: Process) -> bool:
    """Tell whether a variable of the supervisor comes through, as far as shells on the way are concerned."""
    return name not in REWRITTEN or process.running.variables.get(name) == value

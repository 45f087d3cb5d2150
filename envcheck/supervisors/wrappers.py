"""Wrappers between a supervisor and the server: what is exec'd on the way, and what it sets.

Each program takes its own words off the front of the command and says what it does to the environment. A
shell script is read by `sources.shell`; a program that is not known here ends the chain with a gap, because
what it does to the environment could only be guessed.
"""

from __future__ import annotations

import posixpath

from envcheck.model import Process, Start
from envcheck.sources import UNKNOWN
from envcheck.supervisors.known import Known
from envcheck.supervisors.programs import PLAIN, SHELLS, ends, skip
from envcheck.supervisors.wrapped import Chain
from envcheck.supervisors.wrapper_programs import STEPS
from envcheck.supervisors.wrapper_scripts import script, shell_command

LIMIT = 30  # programs in one chain: one that calls itself has no end


def follow(start: Start, process: Process, known: Known) -> Start:
    """Add the sources of the wrappers in the command of *start*, in the order in which they are applied."""
    if not start.command:
        return start
    done = Chain(start, process, known)
    _go(done)
    return start._replace(
        applied=tuple(done.applied),
        command=tuple(done.command),
        unstartable=start.unstartable or done.unstartable,
        folder=done.folder,
    )


def _go(done: Chain) -> None:
    for _ in range(LIMIT):
        if not done.command or not _step(done):
            return
    done.gap("dynamic: a chain of commands that does not end")


def _step(done: Chain) -> bool:
    """Take one program off the front; False at the end of the chain."""
    first, *words = done.command
    name = posixpath.basename(first)
    if UNKNOWN in first:
        return done.gap("dynamic: what is started is not known")
    if name in PLAIN:
        return done.rest(skip(PLAIN[name], words), name)
    if name in STEPS:
        return done.rest(STEPS[name](done, words), name)
    if name in SHELLS:
        return done.rest(shell_command(done, words), name)
    if ends(name) or first in done.process.argv[:2]:
        return False
    return script(done, first, words)

"""Owners of owners: a supervisor hands its own environment on, and has that from who keeps it running.

Restarting a server does not change what its supervisor has. So two chains are told: what a fresh start of the
supervisor would give it, and with that the server; and what it hands on as it runs now (`Start.kept`). Where
they differ, the supervisor itself has to be started anew, by its own owner.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from envcheck.model import (
    Applied,
    Owner,
    Process,
    Reading,
    Start,
)
from envcheck.noise import is_noise
from envcheck.sources import chain
from envcheck.supervisors import ancestry
from envcheck.supervisors.ancestry import INHERITED, REWRITTEN
from envcheck.supervisors.programs import SUPERVISING

Begin = Callable[[Owner], Start]


def tells(outer: Start) -> bool:
    """Tell whether it is known what a fresh start of the supervisor would give it."""
    return bool(outer.applied) and not outer.stray and not outer.unstartable


def untitled(owner: Owner, outer: Start) -> Owner:
    """Give the supervisor the command line that it was started with, where a process title hides it."""
    supervising, command = owner.supervising, outer.command
    if supervising is None or not command:
        return owner
    program = next((p for p in map(posixpath.basename, command[:3]) if p in SUPERVISING), "")
    if not program or ancestry.words_after(supervising, program):
        return owner
    return owner._replace(supervising=supervising._replace(argv=command))


def renewed(owner: Owner, outer: Start, begin: Begin) -> Start:
    """Give the start by a supervisor that has been started anew itself, by *outer*."""
    supervising = owner.supervising
    if supervising is None:
        return begin(owner)
    fresh = _environment(supervising, outer)
    start = begin(owner._replace(supervising=supervising._replace(at_exec=fresh, live=fresh)))
    at = next((i for i, a in enumerate(start.applied) if a.source.kind == INHERITED), None)
    if at is None:
        return start
    base = start.applied[at].parsed
    hidden = fresh.variables.keys() - {a.name for a in base.assignments} if base else REWRITTEN
    cleared = any(a.source.kind == "cleared" for a in start.applied[at:])
    handed_on = [_without(a, hidden) for a in outer.applied if a.parsed or not cleared]
    return start._replace(applied=(*start.applied[:at], *handed_on, *start.applied[at + 1 :]))


def _environment(supervising: Process, outer: Start) -> Reading:
    """Give what it would have; what is set anew at each start is taken as it is now."""
    if any(a.parsed is None or a.parsed.refused for a in outer.applied):
        return Reading("unread")
    now = supervising.running.variables
    anew = {n: v for n, v in now.items() if is_noise(n)}
    return Reading("ok", {**anew, **chain.values(outer.applied)})


def _without(applied: Applied, hidden: AbstractSet[str]) -> Applied:
    if applied.parsed is None:
        return applied
    kept = tuple(a for a in applied.parsed.assignments if a.value is None or a.name not in hidden)
    return applied._replace(parsed=applied.parsed._replace(assignments=kept))

"""Owners of owners: a supervisor hands its own environment on, and has that from who keeps it running.

Restarting a server does not change what its supervisor has. So two chains are told: what a fresh start of the
supervisor would give it, and with that the server; and what it hands on as it runs now (`Start.kept`). Where
they differ, the supervisor itself has to be started anew, by its own owner.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from envcheck.model import (
    Applied,
    Assignment,
    Owner,
    Parsed,
    Process,
    Reading,
    Source,
    Stage,
    Start,
)
from envcheck.noise import is_noise
from envcheck.sources import chain
from envcheck.supervisors.ancestry import REWRITTEN
from envcheck.supervisors.wrappers import INHERITED

# Those whose environment is what they hand on, whatever else they add.
HANDING_ON = frozenset({"runit", "daemontools", "s6", "supervisord", "circus", "honcho"})

Begin = Callable[[Owner], Start]


def tells(outer: Start) -> bool:
    """Tell whether it is known what a fresh start of the supervisor would give it."""
    return bool(outer.applied) and not outer.stray and not outer.unstartable


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
    handed_on = [_without(a, hidden) for a in (*outer.applied, *_own(supervising)) if a.parsed or not cleared]
    return start._replace(applied=(*start.applied[:at], *handed_on, *start.applied[at + 1 :]))


def _environment(supervising: Process, outer: Start) -> Reading:
    """Give what it would have; what is set anew at each start is taken as it is now."""
    if any(a.parsed is None or a.parsed.refused for a in outer.applied):
        return Reading("unread")
    now = supervising.running.variables
    anew = {n: v for n, v in now.items() if is_noise(n)}
    return Reading("ok", {**anew, **chain.values(outer.applied), **_changes(supervising)})


def _changes(supervising: Process) -> dict[str, str]:
    """Give what it sets for itself: an interpreter may set its locale."""
    at_exec, live = supervising.at_exec, supervising.live
    if not at_exec.usable or not live.usable:
        return {}
    return {n: v for n, v in live.variables.items() if at_exec.variables.get(n) != v}


def _own(supervising: Process) -> tuple[Applied, ...]:
    source = Source(INHERITED, f"the environment of PID {supervising.pid}", Stage.EXEC)
    assignments = tuple(Assignment(n, v, 0) for n, v in _changes(supervising).items())
    return (Applied(source, Parsed(assignments), supervising.started),) if assignments else ()


def _without(applied: Applied, hidden: AbstractSet[str]) -> Applied:
    if applied.parsed is None:
        return applied
    kept = tuple(a for a in applied.parsed.assignments if a.value is None or a.name not in hidden)
    return applied._replace(parsed=applied.parsed._replace(assignments=kept))

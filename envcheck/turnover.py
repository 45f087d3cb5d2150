"""Masters whose workers end as soon as they have started: seen only by looking several times.

A reload replaces all workers too, but once: what is replaced twice within a few seconds does not come up.
How long a worker lives that does not come up is as long as the application takes to load, on a busy host. It
may be too short to be seen at all: then a master waits for child after child, and the kernel counts that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from envcheck.model import Server

# Workers younger than this many seconds, of a master that is older than they are, are looked at again.
YOUNG = 10.0
SETTLED = 1.0

PAUSE = 0.2
# Looks at any such master, and where its workers were replaced once meanwhile.
LOOKS = 4
MORE = 16
ENOUGH = 2
# Looks in a row between which children ended and no worker stayed.
ROW = 3


class Look(NamedTuple):
    workers: frozenset[int]
    reaped: int = 0  # what the kernel counts of the children that have ended


def looping(servers: Sequence[Server], now: float, again: Callable[[], Sequence[Server]]) -> tuple[int, ...]:
    """Give the masters whose workers end and are replaced, again and again; *again* groups servers anew."""
    seen = {s.first.pid: [_look(s)] for s in servers if _restless(s, now)}
    for number in range(MORE):
        undecided = [looks for looks in seen.values() if not _loops(looks)]
        if not any(number < LOOKS or replacements(looks) or row(looks) for looks in undecided):
            break
        time.sleep(PAUSE)
        found = {s.first.pid: _look(s) for s in again()}
        seen = {pid: [*looks, found[pid]] for pid, looks in seen.items() if pid in found}
    return tuple(pid for pid, looks in seen.items() if _loops(looks))


def _loops(looks: Sequence[Look]) -> bool:
    return replacements(looks) >= ENOUGH or row(looks) >= ROW


def row(looks: Sequence[Look]) -> int:
    """Count the last looks that children have ended before, and at which no worker was there any more.

    A child that ends beside workers that stay is no worker that does not come up, or it is one of many.
    """
    count = 0
    for before, after in pairwise(looks):
        turned = after.reaped > before.reaped and not after.workers & before.workers
        count = count + 1 if turned else 0
    return count


def replacements(looks: Iterable[Look]) -> int:
    """Count how often none was left of the workers that were there: a look may fall between two."""
    count, current = 0, frozenset[int]()
    for look in filter(None, (look.workers for look in looks)):
        if not look & current:
            count += bool(current)
            current = look
    return count


def _restless(server: Server, now: float) -> bool:
    """Tell whether its workers, if it has any, are young, and their master is older."""
    newest = server.generations[-1]
    if newest.master is None:
        return False
    first = min((p.started for p in newest.workers), default=now)
    return first > max(now - YOUNG, newest.master.started + SETTLED)


def _look(server: Server) -> Look:
    newest = server.generations[-1]
    return Look(frozenset(p.pid for p in newest.workers), newest.master.reaped if newest.master else 0)

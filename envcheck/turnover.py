"""Masters whose workers end as soon as they have started: seen only by looking several times.

A reload replaces all workers too, but once: what is replaced twice within a few seconds does not come up.
How long a worker lives that does not come up is as long as the application takes to load, on a busy host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from envcheck.model import Server

# Workers younger than this many seconds, of a master that is older than they are, are looked at again.
YOUNG = 10.0
SETTLED = 1.0

PAUSE = 0.2
# Looks at any such master, and where its workers were replaced once meanwhile.
LOOKS = 4
MORE = 16
ENOUGH = 2


def looping(servers: Sequence[Server], now: float, again: Callable[[], Sequence[Server]]) -> tuple[int, ...]:
    """Give the masters whose workers were replaced by others at least twice; *again* groups servers anew."""
    seen = {s.first.pid: [_workers(s)] for s in servers if _restless(s, now)}
    for number in range(MORE):
        counts = {pid: replacements(looks) for pid, looks in seen.items()}
        if not any(n < ENOUGH and (number < LOOKS or n) for n in counts.values()):
            break
        time.sleep(PAUSE)
        found = {s.first.pid: _workers(s) for s in again()}
        seen = {pid: [*looks, found[pid]] for pid, looks in seen.items() if pid in found}
    return tuple(pid for pid, looks in seen.items() if replacements(looks) >= ENOUGH)


def replacements(looks: Iterable[frozenset[int]]) -> int:
    """Count how often none was left of the workers that were there: a look may fall between two."""
    count, current = 0, frozenset[int]()
    for look in filter(None, looks):
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


def _workers(server: Server) -> frozenset[int]:
    return frozenset(p.pid for p in server.generations[-1].workers)

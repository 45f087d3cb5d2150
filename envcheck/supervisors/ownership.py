"""Who owns a server: told from /proc alone, the nearest supervising ancestor first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from envcheck.model import Owner, Process
from envcheck.supervisors import SUPERVISORS

# What a parent did is certain, a cgroup is inherited by all that a unit starts, marks outlive their author.
TRUST = ("ancestor", "cgroup", "marks")


def owners(process: Process, processes: Mapping[int, Process]) -> tuple[Owner, ...]:
    """Name all owners of a master, innermost first: the first one owns its restart.

    Marks in the environment count only where neither an ancestor nor the cgroup tells.
    """
    chain = tuple(_ancestors(process, processes))
    found: Iterable[Owner | None] = (module.owner(process, chain) for module in SUPERVISORS.values())
    ranked = sorted((o for o in found if o is not None), key=lambda o: (TRUST.index(o.evidence), o.distance))
    certain = [o for o in ranked if o.evidence != "marks"]
    return tuple(certain or ranked[:1])


def _ancestors(process: Process, processes: Mapping[int, Process]) -> Iterator[Process]:
    """Give the ancestors as far as they are known, nearest first."""
    seen = {process.pid}
    parent = processes.get(process.parent)
    while parent is not None and parent.pid not in seen:
        yield parent
        seen.add(parent.pid)
        parent = processes.get(parent.parent)

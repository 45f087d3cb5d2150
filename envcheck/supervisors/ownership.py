"""Who owns a server: told from /proc alone, the nearest supervising ancestor first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from envcheck.model import Answers, Generation, Owner, Process, Server
from envcheck.supervisors import candidates, herder, supervisor

# What a parent did is certain, a cgroup is inherited by all that a unit starts, marks outlive their author.
TRUST = ("ancestor", "cgroup", "marks")

# Those whose environment is what they hand on, whatever else they add.
HANDING_ON = frozenset({"runit", "daemontools", "s6", "supervisord", "circus", "honcho", "foreman"})

STOPPED = "T"  # the state of a process that a signal has stopped

DEPTH = 4  # supervisors over supervisors

# Below these stands a shell, which is older than what it has started.
BY_HAND = frozenset({"tmux"})


def owned(server: Server, processes: Mapping[int, Process]) -> Server:
    """Add who owns a server, and since when it has its environment: from the start of the chain of programs.

    A master that was re-executed, or that a herder has started, is younger than what it has.
    """
    found = owners(server.first, processes)
    if found and "orphaned" in found[0].facts:
        generations = tuple(_lost(g) for g in server.generations)
        return server._replace(owners=found, generations=generations)
    read = _since(found[0], server.first, processes) if found else None
    if read is None:
        return server._replace(owners=found)
    generations = tuple(_dated(g, read) for g in server.generations)
    return server._replace(owners=found, generations=generations)


def line(owner: Owner | None) -> Iterator[Owner]:
    """Give an owner, and those who keep it running, innermost first."""
    while owner is not None:
        yield owner
        owner = owner.outer


def confirmed(server: Server, answers: Answers) -> Server:
    """Leave out who turned out not to be there, and name who was not known by name."""
    found = (_confirmed(o, answers) for o in server.owners)
    return server._replace(owners=tuple(o for o in found if o is not None))


def _confirmed(owner: Owner, answers: Answers) -> Owner | None:
    outer = _confirmed(owner.outer, answers) if owner.outer else None
    confirm = getattr(supervisor(owner), "confirmed", None)
    found: Owner | None = confirm(owner, answers) if confirm else owner
    return found and found._replace(outer=outer)


def _lost(generation: Generation) -> Generation:
    """What its supervisor has lost is nobody's current generation."""
    return generation._replace(role="orphaned") if generation.role == "current" else generation


def _dated(generation: Generation, read: float) -> Generation:
    if generation.master is None or generation.master.started < read:
        return generation
    return generation._replace(environment_read=read)


def _since(owner: Owner, process: Process, processes: Mapping[int, Process]) -> float | None:
    """Say when its supervisor started the process that became the server, or has started it."""
    line = [process, *_ancestors(process, processes)]
    if owner.kind not in BY_HAND and owner.evidence == "ancestor" and 0 <= owner.distance < len(line):
        return line[owner.distance].started
    herders = [p for p in line if herder.is_herder(p)]
    return herders[0].started if herders else None


def owners(process: Process, processes: Mapping[int, Process], depth: int = DEPTH) -> tuple[Owner, ...]:
    """Name all owners of a master, innermost first: the first one owns its restart.

    Marks in the environment count only where neither an ancestor nor the cgroup tells.
    """
    chain = tuple(_ancestors(process, processes))
    found: Iterable[Owner | None] = (module.owner(process, chain) for module in candidates(process, chain))
    ranked = sorted((o for o in found if o is not None), key=lambda o: (TRUST.index(o.evidence), o.distance))
    certain = [o for o in ranked if o.evidence != "marks"]
    return tuple(_nested(o, processes, depth) for o in certain or ranked[:1])


def _nested(owner: Owner, processes: Mapping[int, Process], depth: int) -> Owner:
    """Add who keeps the supervisor itself running; marks are what it has from elsewhere, and do not count."""
    if owner.kind not in HANDING_ON or owner.supervising is None or not depth:
        return owner
    above = [o for o in owners(owner.supervising, processes, depth - 1) if o.evidence != "marks"]
    return owner._replace(outer=above[0] if above else None)


def _ancestors(process: Process, processes: Mapping[int, Process]) -> Iterator[Process]:
    """Give the ancestors as far as they are known, nearest first; a herder stands in for the parent."""
    seen = {process.pid}
    parent = _parent(process, processes)
    while parent is not None and parent.pid not in seen:
        yield parent
        seen.add(parent.pid)
        parent = _parent(parent, processes)


def _parent(process: Process, processes: Mapping[int, Process]) -> Process | None:
    return herder.guardian(process, processes.values()) or processes.get(process.parent)

"""What a server's own configuration file sets, put into the order in which a fresh process runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envcheck.model import Assignment, FileFacts, Parsed, Process, Server, Setting, Source, Stage
from envcheck.servers.signals import started_in

# Stands in an order for the loading of the application.
APPLICATION = "application"

# What a file sets, and when the file changed.
Place = tuple[Source, Assignment, float]


def ordered(
    places: Iterable[Place], order: Sequence[str], stages: Mapping[str, Stage]
) -> tuple[Setting, ...]:
    """Give the settings of what a fresh process runs; *order* names by what, `stages` what that is."""
    found = [
        Setting(
            source._replace(stage=stages[assignment.by]),
            assignment,
            changed,
            late=order.index(assignment.by) > order.index(APPLICATION),
        )
        for source, assignment, changed in places
        if assignment.by in order
    ]
    return tuple(sorted(found, key=lambda s: order.index(s.assignment.by)))


def others(places: Iterable[Place], order: Sequence[str]) -> tuple[Setting, ...]:
    """Give what hooks set that a fresh process does not run: at a reload, before a re-exec."""
    return tuple(Setting(s, a, changed) for s, a, changed in places if a.by not in order)


def readable(sources: Iterable[Source], files: Mapping[str, FileFacts]) -> list[tuple[Source, FileFacts]]:
    named = [(source, files.get(source.path)) for source in sources]
    return [(source, facts) for source, facts in named if facts is not None and facts.status == "ok"]


def missing(source: Source, files: Mapping[str, FileFacts], process: Process) -> str:
    """Say that a file is not there without which the server does not come up, where it is known where it was.

    A server may have left the folder it was started in, in which a relative path was meant.
    """
    sure = process.begun_in is not None or started_in(process) in (process.cwd, None)
    facts = files.get(source.path)
    gone = facts is not None and facts.status == "missing" and not source.optional
    return f"there is no {source.path}" if gone and sure else ""


FEW = 3  # places that are told one by one


def doubts(source: Source, *parts: Parsed) -> str:
    """Say what leaves it open what a file sets, or ""."""
    problems = sorted((p for parsed in parts for p in parsed.problems), key=lambda p: p.line or 0)
    told = [
        f"{source.path}:{p.line} {p.message}" if p.line else f"{source.path} {p.message}" for p in problems
    ]
    more = f"; and {len(told) - FEW} more" if len(told) > FEW else ""
    return "; ".join(told[:FEW]) + more


def is_half_done(server: Server) -> bool:
    return sum(g.master is not None for g in server.generations) > 1

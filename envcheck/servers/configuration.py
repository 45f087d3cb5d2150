"""What a server's own configuration file sets, put into the order in which a fresh process runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envcheck.model import Assignment, FileFacts, Parsed, Server, Setting, Source, Stage

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


def doubt(source: Source, parsed: Parsed) -> str:
    """Say what leaves it open what a file sets, or ""."""
    problem = next(iter(parsed.problems), None)
    if problem is None:
        return ""
    where = f"{source.path}:{problem.line}" if problem.line else source.path
    return f"{where} {problem.message}"


def is_half_done(server: Server) -> bool:
    return sum(g.master is not None for g in server.generations) > 1

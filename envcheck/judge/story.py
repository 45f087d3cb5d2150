"""One variable's whole story: every place that sets it, who has what, when what happened, and near misses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from envcheck.judge.evidence import Context
from envcheck.judge.names import near
from envcheck.judge.remedy import remedy
from envcheck.model import AppReport, Cause, Configured, Finding, Process, Remedy, Setting, Snapshot

# What is true of a server as a whole and decides about every restart of it.
BEARING = (Cause.UNSTARTABLE, Cause.ORPHANED, Cause.MIXED_GENERATIONS)


class Moment(NamedTuple):
    when: float
    what: str


class Story(NamedTuple):
    name: str
    app: AppReport
    finding: Finding | None  # None: nothing is wrong with it, and no rule names it
    places: tuple[Setting, ...]  # the winner last
    timeline: tuple[Moment, ...]
    hints: tuple[str, ...]  # where else it is, or something like it
    remedy: Remedy  # for this variable alone, as far as the server can be restarted at all


def story(
    name: str,
    app: AppReport,
    others: Iterable[AppReport],
    elsewhere: Mapping[str, Iterable[str]],
    snapshot: Snapshot,
) -> Story:
    """Tell the story of one variable of one app.

    *others*: the other apps of the host. *elsewhere*: names set in places that servers do not see.
    """
    finding = next((f for f in app.findings if f.variable == name), None)
    places = app.configured.settings.get(name, ())
    hints = tuple(_hints(name, app, others, elsewhere))
    context = Context(app.server, app.configured, snapshot.taken)
    about_all = [f for f in app.findings if f.variable is None and f.cause in BEARING]
    wrong = [finding, *about_all] if finding and finding.wrong else [finding]
    alone = remedy(context, [f for f in wrong if f], snapshot, app.policy) if finding else Remedy()
    return Story(name, app, finding, places, _timeline(app, places), hints, alone)


def _timeline(app: AppReport, places: tuple[Setting, ...]) -> tuple[Moment, ...]:
    moments = [Moment(s.changed, f"{s.origin} changed") for s in places if s.changed]
    for generation in app.server.generations:
        if generation.environment_read is not None:
            moments.append(Moment(generation.environment_read, "the environment was read"))
        if generation.master:
            how = "re-exec'd" if generation.reexeced else "started"
            moments.append(Moment(generation.master.started, f"master {generation.master.pid} was {how}"))
        moments += [Moment(at, f"{who} forked") for at, who in _forks(generation.workers)]
    return tuple(sorted(set(moments)))


def _forks(workers: Iterable[Process]) -> list[tuple[float, str]]:
    """Sum up the workers that were forked in the same second."""
    seconds: dict[int, list[Process]] = {}
    for worker in workers:
        seconds.setdefault(int(worker.started), []).append(worker)
    return [
        (
            members[0].started,
            f"worker {members[0].pid} was" if len(members) == 1 else f"{len(members)} workers were",
        )
        for members in seconds.values()
    ]


def _hints(
    name: str, app: AppReport, others: Iterable[AppReport], elsewhere: Mapping[str, Iterable[str]]
) -> Iterable[str]:
    """Say where the variable is after all, where it is not in this app's sources."""
    yield from _lines(name, app.configured)
    if app.configured.settings.get(name):
        return
    for other in others:
        settings = other.configured.settings.get(name)
        if settings and other.server != app.server:
            yield f"{other.name} gets it, from {settings[-1].origin}"
    here = any(name in p.running.variables for p in app.server.processes)
    for place, names in elsewhere.items():
        if name in set(names) and not here:
            yield f"{place} sets it, but servers do not see that"
    known = {*_names(app.configured), *(n for p in app.server.processes for n in p.running.variables)} - {
        name
    }
    for similar in near(name, known):
        settings = app.configured.settings.get(similar)
        where = f"at {settings[-1].origin}" if settings else "in the process"
        yield f"there is {similar} {where}: is that the name?"


def _lines(name: str, configured: Configured) -> Iterable[str]:
    """Say which lines would set it, were they understood."""
    for applied in configured.applied:
        for problem in applied.parsed.problems if applied.parsed else ():
            if problem.variable == name:
                yield f"{applied.source.path}:{problem.line} looks as if it set it, but {problem.message}"
    if configured.unread and not configured.settings.get(name):
        yield f"the server's own configuration may set it: {configured.unread}"


def _names(configured: Configured) -> set[str]:
    return set(configured.settings)

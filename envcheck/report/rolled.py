"""What came of a restart on many hosts: who did not end well in full, the others named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from envcheck.escaping import escape
from envcheck.model import HostReport, Outcome, Report, Result
from envcheck.report import advice, fleet, grouping, text
from envcheck.report.folding import fold

Told = tuple[Result, str, str]  # how it ended, for which app, and why

NOT_REACHED = "not reached"
# In the order in which they decide the exit status.
WORST_FIRST: tuple[str, ...] = (
    grouping.NOTHING_MATCHED,
    Result.INTERRUPTED,
    Result.FAILED,
    Result.NOT_VERIFIED,
    Result.REFUSED,
    NOT_REACHED,
    Result.NOT_TRIED,
    Result.DONE,
    Result.NOTHING_TO_DO,
)
BRIEFLY = {
    Result.NOT_TRIED: "NOT TRIED: {name} is not touched on {hosts}: {why}",
    Result.DONE: "DONE: {name} was restarted on {hosts}, and has the environment it should have",
    Result.NOTHING_TO_DO: "NOTHING TO DO: {name} has the environment it should have on {hosts}",
}


def headline(hosts: Sequence[HostReport]) -> str:
    """Count hosts by how it ended there, the worst first."""
    counts = Counter(_word(host) for host in hosts)
    first, *others = sorted(counts, key=WORST_FIRST.index)
    rest = [f"{counts[word]} {_plain(word)}" for word in others]
    return "; ".join([f"{_plain(first).upper()}: {counts[first]} of {len(hosts)} hosts", *rest])


def to_mend(hosts: Sequence[HostReport]) -> str:
    """Say what to do about hosts that were not reached; "" where all were."""
    dead = fold(host.name for host in hosts if not host.looked)
    return f"mend what keeps {', '.join(map(escape, dead))} from being reached" if dead else ""


def briefly(report: Report, width: int) -> Iterator[list[str]]:
    """Tell what needs no more than names: each outcome once."""
    yield from fleet.not_reached(report.hosts, width)
    yield from fleet.unmatched([host for host in report.hosts if grouping.is_unmatched(host)], width)
    groups: dict[Told, list[str]] = {}
    for host in report.hosts:
        for app in host.apps:
            if app.outcome and app.outcome.result in BRIEFLY:
                groups.setdefault(_told(app.outcome, app.name), []).append(host.name)
    for (result, name, why), names in groups.items():
        hosts = text.count(len(names), "host", "hosts")
        told = BRIEFLY[result].format(name=escape(name), hosts=hosts, why=why)
        yield [
            *advice.wrapped(told, width, ""),
            *advice.wrapped(", ".join(map(escape, fold(names))), width, "  "),
        ]


def _told(outcome: Outcome, name: str) -> Told:
    return outcome.result, name, outcome.why if outcome.result is Result.NOT_TRIED else ""


def _word(host: HostReport) -> str:
    """Say how it ended on a host: the worst that is said of it."""
    if not host.looked:
        return NOT_REACHED
    if grouping.is_unmatched(host):
        return grouping.NOTHING_MATCHED
    results = [app.outcome.result for app in host.apps if app.outcome]
    return min(results, key=WORST_FIRST.index, default=Result.REFUSED)


def _plain(word: str) -> str:
    return word.replace("-", " ")

"""Many hosts for people: how many are well, those that are not one by one, and when each was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from envcheck.escaping import escape
from envcheck.model import Diagnosis, HostReport, Report
from envcheck.moments import iso

FINE = (Diagnosis.IN_SYNC, Diagnosis.UNPROVEN)
FEW = 8  # names that are told
OLD = 600.0  # seconds: what was seen longer ago says little of now
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def is_fine(host: HostReport) -> bool:
    """Tell whether there is nothing to say of a host but that it is well."""
    return host.status == "ok" and not host.unmatched and all(a.state is Diagnosis.IN_SYNC for a in host.apps)


def lines(report: Report, blocks: Sequence[tuple[HostReport, Sequence[str]]], width: int) -> Iterator[str]:
    """Put a line about all hosts before the blocks of those that are not well."""
    if len(report.hosts) > 1:
        yield from wrap(_summary(report), max(width, 40), subsequent_indent="  ", break_on_hyphens=False)
    elif not blocks:
        yield from (
            f"IN-SYNC: {_count(len(h.apps), 'server')} of {_title(h, report.made)}" for h in report.hosts
        )
    for host, told in blocks:
        yield ""
        yield f"== {_title(host, report.made)}"
        yield from told


def _summary(report: Report) -> str:
    """Say how many hosts are how: each by its worst, and which are not well."""
    groups: dict[str, list[str]] = {}
    for host in report.hosts:
        groups.setdefault(_state(host), []).append(escape(host.name))
    parts: list[str] = []
    for state in sorted(groups, key=_rank):
        names = groups[state]
        told = "" if state in FINE else f" ({', '.join(names[:FEW])}{', ...' if len(names) > FEW else ''})"
        parts.append(f"{len(names)} {state}{told}")
    return f"{_count(len(report.hosts), 'host')}: {', '.join(parts)}"


def _state(host: HostReport) -> str:
    if host.status != "ok" and not host.apps:
        return host.status
    if host.unmatched:
        return "not matched"
    return min((app.state for app in host.apps), key=list(Diagnosis).index, default=Diagnosis.IN_SYNC)


def _rank(state: str) -> int:
    return list(Diagnosis).index(Diagnosis(state)) if state in list(Diagnosis) else -1


def _title(host: HostReport, made: float | None) -> str:
    if host.taken is None:
        return escape(host.name)
    age = 0.0 if made is None else made - host.taken
    old = f", {_age(age)} ago" if age > OLD else ", by a clock that is ahead" if age < -OLD else ""
    return f"{escape(host.name)}, seen at {iso(host.taken)}{old}"


def _age(seconds: float) -> str:
    size, unit = next((s, u) for s, u in UNITS if seconds >= s)
    return _count(int(seconds // size), unit)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

"""The report over many hosts, for people: what is wrong and on how many, each outcome once, last the plan.

A screen for hundreds of hosts: who is well is counted, who is not is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from envcheck.escaping import command, escape
from envcheck.model import (
    AppReport,
    Diagnosis,
    Difference,
    Finding,
    HostReport,
    Report,
)
from envcheck.report import age, grouping, unlike
from envcheck.report.advice import incomplete, merged, step_lines, wrapped
from envcheck.report.folding import fold
from envcheck.report.grouping import AppGroup, GapGroup
from envcheck.report.naming import FEW, few, hosts_of, names_of
from envcheck.report.text import HEADLINES, count, field, meaning

MOST = 6  # outcomes that are told one by one, the largest groups


def render(report: Report, *, width: int = 80) -> str:
    hosts = report.hosts
    groups = [group for group in grouping.apps(hosts) if group.app.state is not Diagnosis.IN_SYNC]
    blocks = [
        list(_seen(report, width)),
        *_namesakes(hosts, width),
        *not_reached(hosts, width),
        *unmatched(hosts, width),
        *_gaps(hosts, width),
        *_others(groups[MOST:], width),
        *(list(_outcome(group, width)) for group in reversed(groups[:MOST])),
        list(unlike.told(report.differences, width)),
        list(unlike.uncompared(report.uncompared, width)),
        list(_plan(report, groups[:MOST], width)),
    ]
    lines = wrapped(_headline(report, groups), width, "")
    for block in blocks:
        lines += ["", *block] if block else []
    return "\n".join(lines) + "\n"


# --- the first line ----------------------------------------------------------------------------------


def _headline(report: Report, groups: Sequence[AppGroup]) -> str:
    counts = Counter(grouping.word(host) for host in report.hosts)
    total = len(report.hosts)
    worst, *others = sorted(counts, key=grouping.WORST_FIRST.index)
    if worst == Diagnosis.IN_SYNC:
        first = f"IN-SYNC: all {total} hosts have the environment they should have"
    else:
        first = f"{worst.upper()}: {counts[worst]} of {total} hosts{_same_cause(worst, groups)}"
    odd = {
        name for difference in report.differences for group in unlike.odd(difference) for name in group.hosts
    }
    rest = [f"{counts[word]} {word.replace('-', ' ')}" for word in others]
    rest += [f"{len(odd)} unlike the others"] if odd else []
    rest += [f"{len(report.uncompared)} not compared"] if report.uncompared else []
    return "; ".join([first, *rest])


def _same_cause(state: str, groups: Sequence[AppGroup]) -> str:
    of_state = [group.app for group in groups if group.app.state == state]
    causes = {f.cause for app in of_state for f in app.findings if f.diagnosis == state and f.cause}
    many = sum(len(group.hosts) for group in groups if group.app.state == state) > 1
    return f", same cause ({next(iter(causes))})" if many and len(causes) == 1 else ""


def _seen(report: Report, width: int) -> Iterator[str]:
    """Say how old records are: the oldest stands for all."""
    oldest = min((h for h in report.hosts if h.taken is not None), key=lambda h: h.taken or 0.0, default=None)
    if oldest is not None:
        text = f"judged by records; the oldest is of {escape(oldest.name)}, {age.told(oldest, report.made)}"
        yield from wrapped(text, width, "")


def _namesakes(hosts: Sequence[HostReport], width: int) -> Iterator[list[str]]:
    """Say which records call their hosts the same: they may be of one host, or of several."""
    groups: dict[str, list[str]] = {}
    for host in hosts:
        if host.called:
            groups.setdefault(host.called, []).append(host.name)
    for name, found in groups.items():
        text = f"SAME NAME: {len(found)} records call their host {escape(name)}: they are told by their files"
        yield [*wrapped(f"{text} (snapshot --as names a host)", width, ""), *names_of(found, width)]


# --- what could not be looked at ----------------------------------------------------------------------


def not_reached(hosts: Sequence[HostReport], width: int) -> Iterator[list[str]]:
    """Name the hosts that could not be looked at, and why."""
    for group in grouping.gaps(hosts, reached=False):
        of_records = group.status == grouping.UNREAD  # what to do about those is the same for all
        yield [
            *wrapped(_why_not(group), width, ""),
            *names_of(group.hosts, width),
            *(field("hint", escape(group.gap.hint), width) if group.gap.hint and not of_records else []),
        ]


def _why_not(group: GapGroup) -> str:
    if group.status == grouping.UNREAD:
        return f"NOT READ: {count(len(group.hosts), 'record', 'records')} ({escape(group.gap.why)})"
    what = f"{escape(group.status)}, {escape(group.gap.what)}: {_reason(group)}"
    title = "COULD NOT TELL" if group.status == grouping.UNJUDGED else "NOT REACHED"
    return f"{title}: {hosts_of(group.hosts)} ({what})"


def _reason(group: GapGroup) -> str:
    """Say why; what differs from host to host (an address, what it answers) is said of the first alone."""
    why = escape(group.gap.why)
    return why if group.alike else f"on {escape(group.hosts[0])}: {why}"


def unmatched(hosts: Sequence[HostReport], width: int) -> Iterator[list[str]]:
    """Say what does not run, and on which hosts."""
    for (target, why), names in grouping.unmatched(hosts).items():
        text = f"NOTHING MATCHED on {hosts_of(names)}: no running server is meant by {escape(target)}"
        yield [*wrapped(text + (f": {escape(why)}" if why else ""), width, ""), *names_of(names, width)]


def _gaps(hosts: Sequence[HostReport], width: int) -> Iterator[list[str]]:
    for group in grouping.gaps(hosts, reached=True):
        gap = group.gap
        hint = f"; {gap.hint}" if gap.hint else ""
        text = f"not read on {hosts_of(group.hosts)}: {escape(gap.what)}: {_reason(group)}{escape(hint)}"
        yield [*wrapped(text, width, ""), *names_of(group.hosts, width)]


# --- outcomes --------------------------------------------------------------------------------------------


def _outcome(group: AppGroup, width: int) -> Iterator[str]:
    app = group.app
    title = f"{app.state.upper()}: {hosts_of(group.hosts)}: {escape(app.name)} {HEADLINES[app.state]}"
    yield from wrapped(f"{title} ({app.server.kind})", width, "")
    yield from names_of(group.hosts, width)
    for (diagnosis, cause), found in _by_cause(app).items():
        names = [escape(f.variable) for f in found if f.variable is not None]
        told = (
            f"{few(names)}  {diagnosis} ({cause or 'no cause known'})" if names else f"{cause or diagnosis}"
        )
        yield from wrapped(told, width, "  ")
        yield from field("why", f"on {escape(group.hosts[0])}: {escape(found[0].message)}", width)
    if app.remedy.insufficient:
        commands = [command(step.argv) for step in app.remedy.insufficient]
        yield from wrapped(f"not enough: {'; '.join(commands)}", width, "  ")
    for message in list(merged(app.remedy))[:FEW]:
        yield from wrapped(f"beware: {message}", width, "  ")


def _by_cause(app: AppReport) -> dict[tuple[object, object], list[Finding]]:
    found: dict[tuple[object, object], list[Finding]] = {}
    for finding in app.findings:
        if grouping.is_told(finding):
            found.setdefault((finding.diagnosis, finding.cause), []).append(finding)
    return found


def _others(groups: Sequence[AppGroup], width: int) -> Iterator[list[str]]:
    """Name the hosts of outcomes that are too many to be told."""
    by_state: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        by_state.setdefault((group.app.state, group.app.name), []).extend(group.hosts)
    for (state, name), hosts in by_state.items():
        text = (
            f"{state.upper()}: {hosts_of(hosts)}: {escape(name)}, each for other reasons; -f json tells them"
        )
        yield [*wrapped(text, width, ""), *names_of(hosts, width)]


# --- what is to be done ------------------------------------------------------------------------------------


def _plan(report: Report, groups: Sequence[AppGroup], width: int) -> Iterator[str]:
    """Say what to do, in order: configuration first, then what cannot be judged yet, then host after host."""
    named = {host.name: host for host in report.hosts}
    items = [
        *(_note(group, width) for group in groups if group.app.remedy.note),
        *_look_again(report.hosts, width),
        *_take_again(report.uncompared, width),
        *_which(report.differences, width),
        *(list(_steps(group, named[group.hosts[0]], width)) for group in groups if group.app.remedy.steps),
    ]
    if not items:
        return
    if len(items) == 1:
        items[0][0] = f"do: {items[0][0].strip()}"
        yield from items[0]
        return
    yield "do, in this order:"
    for number, (first, *more) in enumerate(items, 1):
        yield f"{number}. {first.strip()}"
        yield from more


def _note(group: AppGroup, width: int) -> list[str]:
    where = few(map(escape, fold(group.hosts)))
    return wrapped(f"{escape(group.app.name)} on {where}: {group.app.remedy.note}", width - 4, "   ")


def _look_again(hosts: Sequence[HostReport], width: int) -> Iterator[list[str]]:
    words = Counter(map(grouping.word, hosts))
    if unread := words[grouping.NOT_READ]:
        text = f"take the snapshots anew of {count(unread, 'host', 'hosts')} whose record could not be read"
        yield wrapped(text, width - 4, "   ")
    if unreached := words[grouping.NOT_REACHED]:
        text = f"mend what keeps {count(unreached, 'host', 'hosts')} from being reached, and check them again"
        yield wrapped(text, width - 4, "   ")
    if any(host.unmatched for host in hosts):
        yield wrapped(look(hosts), width - 4, "   ")


def look(hosts: Sequence[HostReport]) -> str:
    """Say how to look at the hosts on which something that is meant does not run."""
    missed = next(host for host in hosts if host.unmatched)
    return f"see what does run where nothing matched: envcheck ps {meaning(missed, 'HOST')}"


def _take_again(uncompared: Sequence[str], width: int) -> Iterator[list[str]]:
    if uncompared:
        text = (
            f"take the records of all hosts with one --key-file, to compare those of {hosts_of(uncompared)}"
        )
        yield wrapped(text, width - 4, "   ")


def _which(differences: Sequence[Difference], width: int) -> Iterator[list[str]]:
    if differences:
        names = few(map(escape, dict.fromkeys(d.variable for d in differences)))
        yield wrapped(f"say in a spec which is right, where hosts differ: {names}", width - 4, "   ")


def _steps(group: AppGroup, first: HostReport, width: int) -> Iterator[str]:
    """Write the steps as they are on the first host, which shows whether they help."""
    hosts = few(map(escape, fold(group.hosts)))
    order = own = ""
    if len(group.hosts) > 1:
        order = f", one host after another, {escape(group.hosts[0])} first; look whether it has helped"
        see = f", and see each one's own steps with envcheck check {meaning(first, 'HOST')}"
        own = "" if group.alike else see
    notes = incomplete(group.app.remedy)
    text = f"{group.app.remedy.action} {escape(group.app.name)} on {hosts}{order}{own}{notes}:"
    yield from wrapped(text, width - 4, "   ")
    for step in group.app.remedy.steps:
        yield from step_lines(step, width)

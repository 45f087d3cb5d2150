"""Hosts with the same outcome, told once: the same but for process ids, times and names of hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from envcheck.model import AppReport, Diagnosis, Finding, Gap, HostReport, Step

UNJUDGED = "unjudged"  # the state of a host that took too long to be judged
UNREAD = "unreadable"  # the state of a host whose record could not be read
NOT_REACHED, NOT_READ = "not reached", "not read"
NOTHING_MATCHED, COULD_NOT_TELL = "nothing matched", "could not tell"

APART = r"(?<![\w.-]){}(?![\w-])"  # no part of a longer word
NUMBER = re.compile(APART.format(r"\d+"))

# What a host counts as, the worst first.
WORST_FIRST: tuple[str, ...] = (
    Diagnosis.MISCONFIGURED,
    Diagnosis.STALE,
    Diagnosis.UNEXPLAINED,
    NOTHING_MATCHED,
    NOT_REACHED,
    NOT_READ,
    COULD_NOT_TELL,
    Diagnosis.UNDECIDED,
    Diagnosis.LATENT,
    Diagnosis.UNPROVEN,
    Diagnosis.IN_SYNC,
)


class AppGroup(NamedTuple):
    """Hosts on which an app is in the same state, for the same reason, with the same remedy."""

    app: AppReport  # of the first of them
    hosts: tuple[str, ...]
    alike: bool  # the steps are the same to the letter


class GapGroup(NamedTuple):
    """Hosts that lack the same; *status* is that of the host."""

    status: str
    gap: Gap  # of the first of them
    hosts: tuple[str, ...]
    alike: bool  # the reasons are the same to the letter


def apps(hosts: Sequence[HostReport]) -> list[AppGroup]:
    """Group the apps of all hosts, the worst state first, and of one state the largest group.

    Of the servers of one host each that has steps of its own is in a group of its own: all are to be taken.
    """
    groups: dict[object, dict[str, AppReport]] = {}
    for host in hosts:
        known: dict[object, list[tuple[Step, ...]]] = {}
        for app in host.apps:
            same = outcome(app, host.name)
            steps = known.setdefault(same, [])
            if app.remedy.steps not in steps:
                steps.append(app.remedy.steps)
            place = steps.index(app.remedy.steps)
            groups.setdefault((same, place), {}).setdefault(host.name, app)
    made = [
        AppGroup(next(iter(of.values())), tuple(of), len({a.remedy.steps for a in of.values()}) == 1)
        for of in groups.values()
    ]
    return sorted(made, key=lambda group: (WORST_FIRST.index(group.app.state), -len(group.hosts)))


def gaps(hosts: Sequence[HostReport], *, reached: bool) -> list[GapGroup]:
    """Group what could not be read, of hosts that were reached or of those that were not.

    Of records the reason decides: all of them are files, and each may be wrong in its own way.
    """
    groups: dict[object, tuple[str, Gap, list[str], set[str]]] = {}
    for host in hosts:
        for gap in host.gaps if host.looked is reached else ():
            status = "" if reached else host.status
            same = gap.why if status == UNREAD else gap.what
            group = groups.setdefault((status, same, gap.hint), (status, gap, [], set()))
            group[2].append(host.name)
            group[3].add(gap.why)
    return [
        GapGroup(status, gap, tuple(names), len(whys) == 1) for status, gap, names, whys in groups.values()
    ]


def unmatched(hosts: Sequence[HostReport]) -> dict[tuple[str, str], list[str]]:
    """Give for what no server answers to, and why, the hosts."""
    groups: dict[tuple[str, str], list[str]] = {}
    for host in hosts:
        for target in host.unmatched:
            groups.setdefault((target, host.reasons.get(target, "")), []).append(host.name)
    return groups


def is_unmatched(host: HostReport) -> bool:
    """Tell whether it was looked at whole, and something that is meant does not run there."""
    return bool(host.unmatched) and host.status == "ok"


def word(host: HostReport) -> str:
    """Say what a host counts as: the worst of what is said of it."""
    if not host.looked:
        return {UNREAD: NOT_READ, UNJUDGED: COULD_NOT_TELL}.get(host.status, NOT_REACHED)
    words: list[str] = [app.state for app in host.apps]
    if host.unmatched or not words:
        words.append(NOTHING_MATCHED if host.status == "ok" else COULD_NOT_TELL)
    return min(words, key=WORST_FIRST.index)


def outcome(app: AppReport, host: str) -> object:
    """Give what has to be equal in two outcomes that are told as one."""
    pids = {str(process.pid) for process in app.server.processes}

    def plain(text: str) -> str:
        if host in text:
            text = re.sub(APART.format(re.escape(host)), "HOST", text)
        return NUMBER.sub(lambda found: "PID" if found[0] in pids else found[0], text)

    def commands(steps: Iterable[Step]) -> tuple[object, ...]:
        return tuple((step.runnable, *map(plain, step.argv)) for step in steps)

    remedy = app.remedy
    return (
        app.name,
        app.server.kind,
        app.state,
        frozenset(_findings(app)),
        (remedy.action, remedy.sufficient, plain(remedy.note)),
        (commands(remedy.steps), commands(remedy.insufficient)),
        frozenset((hazard.variable, hazard.cause) for hazard in remedy.hazards),
    )


def _findings(app: AppReport) -> Iterator[object]:
    """What is told of an app, without the evidence: pids and times are every host's own."""
    for finding in app.findings:
        if is_told(finding):
            whole = len(finding.pids) == len(app.server.processes)
            path = finding.origin.rpartition(":")[0] if finding.origin else None
            told = (finding.diagnosis, finding.cause, finding.severity, finding.waived is None)
            yield (finding.variable, finding.constraint, path, whole, *told)


def is_told(finding: Finding) -> bool:
    return finding.wrong or (finding.variable is None and finding.diagnosis is not Diagnosis.IN_SYNC)

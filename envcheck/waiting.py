"""To look again and again until all is well, and stays so for a while: cheaply, and not for ever."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from envcheck.judge import verdict
from envcheck.model import AppReport, Diagnosis, HostReport, Report, Severity

# How much of one core may go into looking: a look that costs 15 ms is followed by a second of rest.
SHARE = 0.015
BRISK = 0.15  # the same while somebody waits for a server to come up
SHORTEST, LONGEST = 0.1, 5.0  # seconds between two looks
FEW = 3  # hosts that are named
FIRST = 1.0  # seconds of rest after the first one: it pays for what is loaded only once


class Look(NamedTuple):
    """What was seen at one moment."""

    report: Report
    wrong: str  # what is not as it should be; "": all is well
    processes: frozenset[tuple[int, int]]  # pid and start of all that are judged


class Patience(NamedTuple):
    """How long to wait, in seconds, and for how long all has to be well."""

    seconds: float
    stable: float = 0.0
    share: float = SHARE


def wait(look: Callable[[], Look], patience: Patience, tell: Callable[[str], None]) -> tuple[Look, str]:
    """Look until all is well and the same processes run for `stable` seconds.

    Give the last look, and what was still wrong when the time was over; "" if nothing was. *tell* is called
    with what is wrong, or is waited for, whenever that changes.
    """
    end = time.monotonic() + patience.seconds
    since, before, told, longest = 0.0, None, "", FIRST
    while True:
        begun, spent = time.monotonic(), _spent()
        seen = look()
        now = time.monotonic()
        if seen.wrong or before is None or before != seen.processes:
            since = now
        before = None if seen.wrong else seen.processes
        if not seen.wrong and now - since >= patience.stable:
            return seen, ""
        wrong = seen.wrong or f"the same processes have not run for {patience.stable:g} s yet"
        if now >= end:
            return seen, wrong
        if wrong != told:
            tell(wrong)
            told = wrong
        rest = min(max(SHORTEST, (_spent() - spent) / patience.share), longest)
        longest = LONGEST
        time.sleep(max(0.0, min(rest, _latest(seen, since, end, patience, now - begun) - now)))


def _latest(seen: Look, since: float, end: float, patience: Patience, took: float) -> float:
    """Say when to look again at the latest: at the end, or while there is time for all to settle."""
    if not seen.wrong:
        return min(since + patience.stable, end)
    settling = end - patience.stable - 2 * took
    return settling if settling > time.monotonic() + SHORTEST else end


def _spent() -> float:
    """Give the seconds of CPU that went into this process and into what it has run."""
    return sum(os.times()[:4])


def judged(report: Report, fail_on: Severity) -> Look:
    """Judge a report: every app in sync, and no old generation left."""
    told: dict[str, list[str]] = {}
    for host in report.hosts:
        for what in _wrong_with_host(host, fail_on):
            told.setdefault(what, []).append(host.name)
    many = len(report.hosts) > 1
    wrong = [f"{what} on {_few(names)}" if many else what for what, names in told.items()]
    if report.exit_code and not wrong:
        wrong = ["not all could be told"]
    return Look(report, "; ".join(wrong), members(report))


def _few(names: Sequence[str]) -> str:
    """Name hosts in one line, however many there are."""
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def members(report: Report) -> frozenset[tuple[int, int]]:
    processes = (p for h in report.hosts for a in h.apps for p in a.server.processes)
    return frozenset((p.pid, p.ticks) for p in processes)


def _wrong_with_host(host: HostReport, fail_on: Severity) -> list[str]:
    unmatched = [f"no running server is meant by {name}" for name in host.unmatched]
    unseen = [] if host.looked else [f"not looked at ({host.status})"]
    return unseen + unmatched + [wrong for app in host.apps if (wrong := wrong_with(app, fail_on))]


def wrong_with(app: AppReport, fail_on: Severity) -> str:
    """Say what is not as it should be; "" for an app that is in sync, and has one generation."""
    status = verdict.of_app(app, fail_on)
    if status == verdict.COULD_NOT_TELL and app.state is not Diagnosis.UNDECIDED:
        return f"not all that is configured for {app.name} could be read"
    if status:
        pids = {pid for f in app.findings if f.wrong for pid in f.pids}
        return f"{app.name} is {app.state} in {len(pids)} of {len(app.server.processes)} processes"
    masters = [g.master for g in app.server.generations if g.master]
    if not masters:
        return f"{app.name} has no master"
    if len(app.server.generations) > 1:
        return f"{app.name} still has an old generation"
    return "" if any(g.workers for g in app.server.generations) else f"{app.name} has no workers"

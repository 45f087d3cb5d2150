"""From findings to one word and one exit status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envcheck.judge.compare import untold
from envcheck.model import AppReport, Cause, Diagnosis, Finding, HostReport, Severity

OK, DRIFT, NOTHING_MATCHED, COULD_NOT_TELL, NOT_VERIFIED, REFUSED = 0, 1, 2, 3, 4, 5

SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)
WORST_FIRST = tuple(Diagnosis)


def state(findings: Iterable[Finding]) -> Diagnosis:
    """Give the worst diagnosis."""
    return min((f.diagnosis for f in findings), key=WORST_FIRST.index, default=Diagnosis.IN_SYNC)


def exit_code(hosts: Sequence[HostReport], fail_on: Severity) -> int:
    """Over many, 2 beats 1 beats 3 beats 0: what matched nothing, drift, what could not be told."""
    if any(h.unmatched and h.status == "ok" for h in hosts):
        return NOTHING_MATCHED
    apps = [app for h in hosts for app in h.apps]
    if any(counts(f, fail_on) and f.diagnosis is not Diagnosis.UNDECIDED for a in apps for f in a.findings):
        return DRIFT
    unread = any(h.status != "ok" for h in hosts) or any(app.configured.gaps for app in apps)
    return COULD_NOT_TELL if unread or any(_untold(a, fail_on) for a in apps) else OK


def of_app(app: AppReport, fail_on: Severity) -> int:
    """Give the exit status of one app alone."""
    return exit_code((HostReport("", "ok", (), (app,)),), fail_on)


def counts(finding: Finding, fail_on: Severity) -> bool:
    """Tell whether a finding is drift, or may be, as far as the user cares."""
    return (
        finding.wrong
        and finding.waived is None
        and SEVERITIES.index(finding.severity) <= SEVERITIES.index(fail_on)
    )


def _untold(app: AppReport, fail_on: Severity) -> bool:
    undecided = any(f.diagnosis is Diagnosis.UNDECIDED and counts(f, fail_on) for f in app.findings)
    # A met expectation is enough; without one only the configuration could have said what is right.
    unproven = any(
        f.diagnosis is Diagnosis.UNPROVEN and f.expected is None and f.waived is None for f in app.findings
    )
    return undecided or unproven or _unstartable(app)


def _unstartable(app: AppReport) -> bool:
    """Tell whether nothing says what is right: no rule, and what is configured would not even start."""
    ruled = any(f.expected is not None for f in app.findings)
    waived = all(f.waived is not None for f in app.findings if f.cause is Cause.UNSTARTABLE)
    configured = app.configured
    begins = not configured.broken and not (configured.start and configured.start.unstartable)
    return not ruled and not waived and not (begins and not untold(configured))

"""Findings that somebody knows of and has answered for, until a day is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from envcheck.model import App, Cause, Finding, Snapshot, Waiver
from envcheck.moments import iso


def waived(findings: Iterable[Finding], app: App, snapshot: Snapshot) -> tuple[Finding, ...]:
    """Mark the findings that do not count; a waiver whose last day is over is none any more."""
    today = iso(snapshot.taken)[:10]
    valid = [w for w in app.waivers if today <= w.expires and _on(snapshot.host, w)]
    return tuple(_marked(f, valid) if f.wrong else f for f in findings)


def pressing(findings: Sequence[Finding]) -> list[Finding]:
    """Give what a remedy is for; that a restart would not come up is true, waived or not."""
    return [f for f in findings if f.waived is None or f.cause is Cause.UNSTARTABLE]


def _on(host: str, waiver: Waiver) -> bool:
    return not waiver.hosts or any(fnmatchcase(host, glob) for glob in waiver.hosts)


def _marked(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    return finding._replace(waived=next((w for w in waivers if _covers(w, finding)), None))


def _covers(waiver: Waiver, finding: Finding) -> bool:
    if waiver.variable and not fnmatchcase(finding.variable or "", waiver.variable):
        return False
    return waiver.code in ("", str(finding.diagnosis), str(finding.cause))

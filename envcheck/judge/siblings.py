"""Others that read the same source and are stale too: curing one server leaves them as they are."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.escaping import escape
from envcheck.model import AppReport, Diagnosis, Hazard


def told(apps: Sequence[AppReport], beside: Sequence[AppReport] = ()) -> tuple[AppReport, ...]:
    """Name in the remedy of each app the others that one source has left stale; *beside*: not asked about."""
    return tuple(_named(app, (*apps, *beside)) for app in apps)


def _named(app: AppReport, all_of_them: Sequence[AppReport]) -> AppReport:
    if not app.remedy.steps:
        return app
    mine = stale_sources(app)
    others = {o.server.first.pid: o for o in all_of_them if o.server.first.pid != app.server.first.pid}
    hazards = tuple(
        Hazard(None, "sibling", _message(other, shared))
        for other in others.values()
        if (shared := mine & stale_sources(other))
    )
    return app._replace(remedy=app.remedy._replace(hazards=(*app.remedy.hazards, *hazards)))


def _message(other: AppReport, shared: frozenset[str]) -> str:
    paths = ", ".join(map(escape, sorted(shared)))
    who = f"{escape(other.name)} ({other.server.kind} {other.server.first.pid})"
    return f"{who} uses the same source, and is stale too: {paths}"


def stale_sources(app: AppReport) -> frozenset[str]:
    """Give the files and folders whose values an app has not taken in."""
    found = (
        f.settings[-1].source.path for f in app.findings if f.diagnosis is Diagnosis.STALE and f.settings
    )
    return frozenset(path for path in found if path.startswith("/"))

"""What has changed since it was read, where only running it could tell what it sets now."""

from __future__ import annotations

from envcheck.judge.evidence import Context
from envcheck.model import Stage


def since(context: Context) -> str:
    """Say what may be other than it was; "" for nothing."""
    return _of_the_server(context) or _of_the_chain(context)


def _of_the_chain(context: Context) -> str:
    """Say which values only running a source could tell."""
    read = max((g.environment_read or 0.0 for g in context.server.generations), default=0.0)
    winners = context.configured.winners.values()
    found = [w for w in winners if w.assignment.dynamic and w.source.stage is Stage.EXEC]
    found = [w for w in found if w.changed > read > 0]
    names = ", ".join(w.assignment.name for w in found)
    paths = ", ".join(dict.fromkeys(w.source.path for w in found))
    return f"{paths} has changed since it was read, and only running it could tell {names}" if found else ""


def _of_the_server(context: Context) -> str:
    """Say what the server's own configuration may set by now.

    Whenever it is read, all workers are replaced: it has not been since the oldest of them was forked.
    """
    configured, newest = context.configured, context.server.generations[-1]
    read = min(p.started for p in newest.workers or newest.processes)
    changed = [a.source.path for a in configured.own if a.changed > read]
    winners = configured.winners.values()
    names = [w.assignment.name for w in winners if w.assignment.dynamic and w.source.path in changed]
    untold = "; ".join(filter(None, [", ".join(names), configured.unread]))
    if not changed or not untold:
        return ""
    return f"{', '.join(changed)} has changed since it was read, and only running it could tell: {untold}"

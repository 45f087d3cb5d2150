"""What a re-exec has handed on to a new master, although nothing sets it any more."""

from __future__ import annotations

from envcheck.judge.compare import Judged
from envcheck.judge.evidence import Context, Explanation
from envcheck.model import Cause
from envcheck.servers import SERVERS


def by_reexec(judged: Judged, context: Context) -> Explanation | None:
    """An older master's configuration had set it, and no longer says so; its own environment was handed on.

    A source of the chain may as well have set it once: of both, the one that has changed last tells.
    """
    configured = context.configured
    own = max(configured.own, key=lambda a: a.changed, default=None)
    if judged.fresh.settings or own is None:
        return None
    others = [a.changed for a in configured.applied]
    for process in judged.processes:
        generation = context.generation(process)
        master = generation.master
        if master is None or judged.name not in master.at_exec.variables:
            return None
        if not SERVERS[context.server.kind].hands_on(master):
            return None
        others.append(generation.environment_read or 0.0)
    if own.changed <= max(others):
        return None
    return Cause.POISONED_REEXEC, (
        f"no source sets it; an older master had set it, and its re-exec handed it on: {own.source.path} "
        f"changed at {context.clock(own.changed)}"
    )

"""What a restart loses, breaks or changes besides what it is for."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.judge.compare import OPTIONS, concerned, fresh
from envcheck.judge.evidence import Context
from envcheck.model import Action, Cause, Configured, Diagnosis, Finding, Hazard, Snapshot, Stage, Step
from envcheck.noise import same
from envcheck.servers import SERVERS
from envcheck.supervisors import acting

DROPPED = "no source sets it: a restart drops it"
WORKERS = "worker-count"
BY_HAND = "no source sets it, and a shell may have: start it with it, or forbid it in a spec"


def perhaps_by_hand(finding: Finding, configured: Configured) -> bool:
    """Tell whether nothing says that a variable with options of the server is not to be there again."""
    by_supervisor = any(a.source.kind == "supervisor-environment" for a in configured.applied)
    return finding.variable in OPTIONS and finding.expected is None and not by_supervisor


def hazards(
    action: Action,
    context: Context,
    findings: Sequence[Finding],
    snapshot: Snapshot,
    steps: Sequence[Step],
) -> tuple[Hazard, ...]:
    """Say what following the steps would lose, break or change besides."""
    told = [h for step in steps for h in step.hazards]
    if action in (Action.RELOAD, Action.RESTART, Action.ADOPT):
        told += counted(context, snapshot)
    if action not in (Action.RESTART, Action.ADOPT):
        return tuple(told)
    leaked = [
        Hazard(f.variable, Cause.LEAKED.value, "only the running process has it: a restart would lose it")
        for f in findings
        if f.cause is Cause.LEAKED and f.diagnosis is Diagnosis.LATENT
    ]
    leaked += [
        Hazard(f.variable, Cause.LEAKED.value, BY_HAND if perhaps_by_hand(f, context.configured) else DROPPED)
        for f in findings
        if f.variable and f.diagnosis is Diagnosis.STALE and f.expected is None and not f.settings
    ]
    told += _changing(context, findings)
    told += acting.hazards(context.server, context.configured, snapshot)
    return tuple(dict.fromkeys([*leaked, *told]))


def counted(context: Context, snapshot: Snapshot) -> list[Hazard]:
    """Say how many workers there will be, where TTIN or TTOU has made it another number."""
    server, recorded = context.server, context.configured.plan
    if recorded:  # the files of its configuration are not in a record
        return [h for h in recorded.hazards if h.cause == WORKERS]
    told = SERVERS[server.kind].workers(server, snapshot.seen_by(server))
    newest = server.generations[-1]
    if not told or newest.master is None or len(newest.workers) in (0, told):
        return []
    message = f"it runs {len(newest.workers)} workers, and starts with {told} as it is configured"
    return [Hazard(None, WORKERS, message)]


def _changing(context: Context, findings: Sequence[Finding]) -> list[Hazard]:
    """Name what a restart changes besides what is found wrong: what the spec ignores, or a waiver excuses."""
    wrong = {f.variable for f in findings if f.wrong}
    message = "a restart gives it another value too, although nothing asks for that"
    names = [name for name in context.configured.settings if name not in wrong]
    return [Hazard(name, "will-change", message) for name in names if _changes(name, context)]


def _changes(name: str, context: Context) -> bool:
    """Tell whether no process has what a fresh one would get; what may override it is left alone."""
    expected = fresh(name, context.configured)
    if not expected.known or any(s.source.stage is Stage.APPLICATION for s in expected.settings):
        return False
    seen = [p.running for p in concerned(name, expected, context.server) if p.running.usable]
    return bool(seen) and not any(same(name, expected.value, r.variables.get(name)) for r in seen)

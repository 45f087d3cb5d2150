"""What one finding asks for: mend, signal, restart; by its cause, its source and the server's own table."""

from __future__ import annotations

from envcheck.judge.evidence import Context
from envcheck.model import Action, Cause, Change, Diagnosis, Finding, Severity, Stage
from envcheck.servers import SERVERS
from envcheck.servers.table import What
from envcheck.supervisors import acting

# Causes that say by themselves what helps, whatever the source.
BY_CAUSE = {
    Cause.SET_BY_APPLICATION: Action.FIX_CONFIGURATION,
    Cause.REMOVED_BY_APPLICATION: Action.FIX_CONFIGURATION,
    Cause.KEPT_BY_DOTENV: Action.RESTART,
    Cause.POISONED_REEXEC: Action.RESTART,
    Cause.NOT_APPLIED: Action.RESTART,
}


HELPLESS = (Action.REFUSE, Action.FIX_CONFIGURATION)  # something else has to be done first


def pressing(wanted: list[tuple[Action, Finding]]) -> list[tuple[Action, Finding]]:
    """Leave out what must not keep a restart from curing the rest: warnings, what the application does."""
    curable = any(a is not Action.NONE and a not in HELPLESS for a, _ in wanted)
    return [(a, f) for a, f in wanted if not (curable and a in HELPLESS and _lesser(f))]


def _lesser(finding: Finding) -> bool:
    by_application = finding.cause in (Cause.SET_BY_APPLICATION, Cause.REMOVED_BY_APPLICATION)
    return by_application or (
        finding.expected is not None and finding.expected.severity is not Severity.ERROR
    )


def _stage(finding: Finding) -> Stage:
    if finding.cause is Cause.OLD_OPTIONS:
        return Stage.ARGUMENT
    by_configuration = finding.cause in (Cause.LEFT_BY_CONFIGURATION, Cause.DYNAMIC_SOURCE)
    if by_configuration and not finding.settings:
        return Stage.CODE
    if not finding.settings and finding.at_exec.present is False and finding.live.present:
        return Stage.APPLICATION  # a file of its own set it: it is loaded anew
    return finding.settings[-1].source.stage if finding.settings else Stage.EXEC


def what(finding: Finding) -> What:
    """Say where something has changed, and what has become of it as seen from the processes."""
    if not finding.settings and finding.cause is not Cause.DYNAMIC_SOURCE:
        return _stage(finding), Change.REMOVED
    had = finding.live.present if finding.live.present is not None else finding.at_exec.present
    if had is False:
        return _stage(finding), Change.ADDED
    kept = bool(finding.settings) and finding.settings[-1].assignment.keeps
    return _stage(finding), Change.KEPT if kept else Change.CHANGED


def action(finding: Finding, context: Context, *, preload: bool | None) -> Action:
    """Say what one finding asks for."""
    match finding.diagnosis:
        case Diagnosis.MISCONFIGURED:
            return Action.FIX_CONFIGURATION
        case Diagnosis.LATENT if finding.expected is not None and finding.cause not in (
            Cause.SET_BY_APPLICATION,
            Cause.EPHEMERAL,
        ):
            # It works today: what is configured would break it.
            return Action.REFUSE
        case Diagnosis.LATENT if finding.cause is Cause.MIXED_GENERATIONS:
            return _finished(context)
        case Diagnosis.LATENT if finding.cause is Cause.ORPHANED and _lost(context):
            return Action.ADOPT
        case Diagnosis.LATENT if finding.cause is Cause.ORPHANED:
            return Action.RETIRE_OLD if any(g.master for g in context.server.generations) else Action.RESTART
        case Diagnosis.STALE if finding.cause is Cause.NOT_APPLIED and _stage(finding) is Stage.APPLICATION:
            # The application does not load the file that is said to be its own.
            return Action.FIX_CONFIGURATION
        case Diagnosis.STALE | Diagnosis.UNEXPLAINED if finding.cause is Cause.MIXED_GENERATIONS:
            return _finished(context)
        case Diagnosis.STALE | Diagnosis.UNEXPLAINED if finding.cause and finding.cause in BY_CAUSE:
            return BY_CAUSE[finding.cause]
        case Diagnosis.STALE | Diagnosis.UNEXPLAINED if _curable(finding):
            return SERVERS[context.server.kind].cure(what(finding), context.server, preload=preload)
        case _:
            return Action.NONE


def _finished(context: Context) -> Action:
    """Say how a half-done upgrade ends: who watches the old master takes its end for that of the server."""
    return Action.RESTART if acting.watched(context.server.owner) else Action.RETIRE_OLD


def _curable(finding: Finding) -> bool:
    """Tell whether a server that runs its configuration again, or is started anew, may have it right."""
    if finding.diagnosis is Diagnosis.STALE:
        return True
    of_the_server = not finding.settings or bool(finding.settings[-1].assignment.by)
    return finding.cause is Cause.DYNAMIC_SOURCE and of_the_server


def _lost(context: Context) -> bool:
    """Tell whether its supervisor has lost it."""
    owner = context.server.owner
    return owner is not None and "orphaned" in owner.facts

"""Why a variable is as it is: one cause each, with its evidence.

Values come first, times only as evidence. A young process proves nothing: what counts is when its
environment was read from the source, which for a re-exec'd master is the start of an older one.
"""

from __future__ import annotations

from envcheck.judge.compare import Judged, beyond
from envcheck.judge.evidence import HELP, UNREAD, Context, Explanation, other_place, set_inside, told, unread
from envcheck.judge.names import near
from envcheck.judge.rules import accepts
from envcheck.judge.stale import mixed, stale
from envcheck.model import Cause, Diagnosis, Stage
from envcheck.noise import same


def explain(judged: Judged, context: Context) -> Explanation:
    """Give the cause of a verdict and what shows it; None where nothing is wrong, or nothing tells."""
    match judged.diagnosis:
        case Diagnosis.STALE:
            return stale(judged, context)
        case Diagnosis.LATENT if fleeting(judged):
            return Cause.EPHEMERAL, (
                "it is set in the memory of its supervisor alone, as by systemctl set-environment: "
                "after the next boot it is gone, unless a file sets it"
            )
        case Diagnosis.MISCONFIGURED | Diagnosis.LATENT:
            return _configuration(judged, context)
        case Diagnosis.UNEXPLAINED:
            return mixed(judged, context) or _unexplained(judged, context)
        case Diagnosis.UNDECIDED:
            if not judged.processes[0].running.usable:
                return unread(judged.processes)
            return _set_later(judged) if beyond(judged.fresh, judged.processes[0]) else _hidden(judged)
        case _:
            return None, ""


def fleeting(judged: Judged) -> bool:
    """Tell whether all is as it should be, but only as long as the supervisor runs."""
    winner, value = judged.fresh.winner, judged.fresh.value
    if winner is None or not winner.assignment.fleeting or not judged.fresh.known:
        return False
    return all(same(judged.name, value, p.running.variables.get(judged.name)) for p in judged.processes)


def _set_later(judged: Judged) -> Explanation:
    """Say that what the process was started with does not tell what has been set since."""
    winner, live = judged.fresh.winner, judged.processes[0].live
    by = winner.origin if winner else "the server"
    state = "; ".join(filter(None, (f"live: {live.status}", live.detail)))
    help_ = HELP.get(live.status, "")
    why = f"{by} sets it after the exec, and what it has by now could not be read ({state})"
    return UNREAD.get(live.status, Cause.UNREADABLE), why + (help_ and f": {help_}")


def _hidden(judged: Judged) -> Explanation:
    """Say what would be needed to judge a value of which a record holds the fingerprint alone."""
    shaped = judged.rule.shapes[0].key if judged.rule and judged.rule.shapes else ""
    rule = shaped or (judged.rule.rule if judged.rule else "")
    if shaped or rule == "pattern":
        help_ = "take it with this spec and 'secret: false', which keeps the value, if it is no secret"
    else:
        help_ = "take it with --key-file, and name the same key here"
    return Cause.HIDDEN, f"the record hides the value, and '{rule}' asks about it: {help_}"


LOST = "only the running process has it, no source sets it: a restart would lose it"


def _configuration(judged: Judged, context: Context) -> Explanation:
    name, rule, settings = judged.name, judged.rule, judged.fresh.settings
    if judged.diagnosis is Diagnosis.LATENT and set_inside(name, judged.processes, context):
        if other := other_place(judged, context):
            return Cause.LEFT_BY_CONFIGURATION, f"no fresh process comes to {told(other)}, which has set it"
        return Cause.SET_BY_APPLICATION, "the application sets it itself: no source does"
    winner = judged.fresh.winner
    if winner is None and (found := _dropped(judged, context) or _misnamed(judged, context)):
        return found
    if winner is None:
        if judged.diagnosis is Diagnosis.LATENT:
            return Cause.LEAKED, LOST + (
                f"; {told(other)} has set it" if (other := other_place(judged, context)) else ""
            )
        return Cause.NOT_CONFIGURED, "no source sets it: a restart alone cannot help"
    better = [s for s in settings[:-1] if rule and accepts(rule, s.assignment.value)]
    if better and better[-1].source.stage is Stage.APPLICATION:
        return Cause.KEPT_BY_DOTENV, (
            f"{better[-1].origin} has it right, but dotenv keeps what {winner.origin} has set already"
        )
    if winner.assignment.value is None:
        what = "an empty file unsets it" if winner.source.kind == "envdir" else "it is unset"
        if better:
            return Cause.SHADOWED, f"{better[-1].origin} sets it, but {what}: {winner.origin}"
        return Cause.UNSET_BY_EMPTY_FILE, f"{what}: {winner.origin}"
    if better:
        return Cause.SHADOWED, f"{better[-1].origin} has it right, but {winner.origin} is applied later"
    return Cause.WRONG_VALUE, f"{winner.origin} does not set it as the spec asks for"


def _dropped(judged: Judged, context: Context) -> Explanation | None:
    """Find a line that would set it, and that the program which reads the file does not take."""
    for applied in reversed(context.configured.applied):
        for problem in applied.parsed.problems if applied.parsed else ():
            if problem.variable == judged.name:
                lost = ": a restart would lose it" if judged.diagnosis is Diagnosis.LATENT else ""
                where = f"{applied.source.path}:{problem.line}"
                return Cause.IGNORED_LINE, f"{where} looks as if it set it, but {problem.message}{lost}"
    return None


def _misnamed(judged: Judged, context: Context) -> Explanation | None:
    """Find a variable that no rule asks for, and whose name is nearly this one."""
    if judged.rule is None:
        return None
    places = {n: s for n, s in context.configured.winners.items() if n not in context.ruled}
    found = near(judged.name, (n for n, s in places.items() if s.assignment.value is not None), most=1)
    if not found:
        return None
    lost = ", and a restart would lose it" if judged.diagnosis is Diagnosis.LATENT else ""
    return (
        Cause.WRONG_NAME,
        f"no source sets it{lost}, but {places[found[0]].origin} sets {found[0]}: is that meant?",
    )


def _unexplained(judged: Judged, context: Context) -> Explanation:
    winner = judged.fresh.winner
    if winner and winner.assignment.dynamic:
        return Cause.DYNAMIC_SOURCE, f"only running {winner.origin} could tell what it gives"
    if context.configured.unread and not judged.fresh.known:
        return Cause.DYNAMIC_SOURCE, f"the server's own configuration may set it: {context.configured.unread}"
    return None, "no configuration is known, or it could not be read, that says what a restart would give"

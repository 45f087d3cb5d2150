"""From the findings of one server to the least disruptive sequence of steps that suffices for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.escaping import escape
from envcheck.judge import cures, rights
from envcheck.judge.evidence import Context
from envcheck.judge.hazards import counted, hazards, perhaps_by_hand
from envcheck.model import (
    Action,
    Cause,
    Diagnosis,
    Finding,
    Plan,
    Remedy,
    Snapshot,
    Stage,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.servers import SERVERS, popular
from envcheck.servers.table import What
from envcheck.supervisors import acting, supervisor, unsupervised

# From the least disruptive on; what no restart can help with comes last, because it comes first to do.
ORDER = (
    Action.NONE,
    Action.RETIRE_OLD,
    Action.RELOAD,
    Action.REEXEC,
    Action.RESTART,
    Action.ADOPT,
    Action.REFUSE,
    Action.FIX_CONFIGURATION,
)

UNKNOWN = "what a restart would give is not known: name the sources in the spec"
UNCERTAIN = "only running the server's configuration tells what it gives: check again afterwards"
AS_ROOT = (
    "run envcheck as root, with sudo (on other hosts: --sudo), or as the user of the server: "
    "its environment may not be read"
)
HOOK_ENDS = (
    "a hook may give the new master what has changed, but who watches the old one takes its end for that of "
    "the server"
)
COMPARE = "say what is expected, in a spec: envcheck check -s FILE; what it has: envcheck show"
READABLE = "let envcheck read what it could not, or name the sources in a spec: envcheck check -s FILE"
RUN = (
    "restart the server if that change is meant, then check again: nothing but running it tells what it gives"
)
NOTES = {
    Action.FIX_CONFIGURATION: "mend the configuration first, no restart can help before",
    Action.REFUSE: "do not restart now, it would not come up, or would lose what it needs",
}


def remedy(context: Context, findings: Sequence[Finding], snapshot: Snapshot, policy: Policy) -> Remedy:
    """Merge what all findings ask for into one plan."""
    recorded = context.configured.plan
    server = context.server
    preload = (
        recorded.preloads if recorded else SERVERS[server.kind].preloads(server, snapshot.seen_by(server))
    )
    if preload is None and _loaded_by_workers(context):
        preload = False
    wanted = cures.pressing([(cures.action(f, context, preload=preload), f) for f in findings])
    action = max((a for a, _ in wanted), key=ORDER.index, default=Action.NONE)
    unstartable = next((f.message for f in findings if f.cause is Cause.UNSTARTABLE), "")
    if unstartable:
        action = max(action, Action.REFUSE, key=ORDER.index)
    whats = frozenset(cures.what(f) for a, f in wanted if a is action)
    context = _without_removed(context, findings)
    steps = all_or_none(_steps(action, context, snapshot, policy))
    unexplained = any(f.diagnosis is Diagnosis.UNEXPLAINED and f.cause is None for f in findings)
    by_hand = action is Action.RESTART and not steps
    uncertain = any(a is action is not Action.NONE and f.cause is Cause.DYNAMIC_SOURCE for a, f in wanted)
    helpless = action in NOTES or by_hand or (unexplained and not steps)
    sufficient = not (helpless or uncertain) and all(s.runnable for s in steps)
    steps = all_or_none(rights.allowed(steps, server, snapshot))
    return Remedy(
        action=_amounts_to(action, context),
        sufficient=sufficient,
        steps=steps,
        insufficient=_insufficient(action, context, whats, snapshot, policy)
        if steps or by_hand or action in cures.HELPLESS
        else (),
        hazards=hazards(action, context, findings, snapshot, steps),
        note=_note(action, [f for a, f in wanted if a is action], unstartable, helpless=helpless)
        or (_advice(context, snapshot) if by_hand else "")
        or (AS_ROOT if _refused(findings) else "")
        or (UNCERTAIN if uncertain else "")
        or _stopped(findings, steps)
        or _perhaps(action, whats, context)
        or (_comparison(context, steps) if _incomparable(findings) else ""),
    )


def plan(context: Context, findings: Sequence[Finding], snapshot: Snapshot, policy: Policy) -> Plan:
    """Say what a restart takes, whether or not one is asked for: for a record, which is judged elsewhere."""
    server, configured = context.server, _without_removed(context, findings).configured
    return Plan(
        steps=acting.restart(server, configured, snapshot, policy),
        insufficient=acting.insufficient(server, configured, snapshot, policy),
        hazards=(*acting.hazards(server, configured, snapshot), *counted(context, snapshot)),
        amounts_to=acting.amounts_to(server, configured),
        advice=_advice(context, snapshot),
        preloads=SERVERS[server.kind].preloads(server, snapshot.seen_by(server)),
    )


def _amounts_to(action: Action, context: Context) -> Action:
    """Say what a restart is in the words of its supervisor: a container has to be created anew."""
    restart = action is Action.RESTART
    return acting.amounts_to(context.server, context.configured) if restart else action


def _advice(context: Context, snapshot: Snapshot) -> str:
    """Say what is to be done where a supervisor does not tell enough for a command."""
    if context.configured.plan:
        return context.configured.plan.advice
    advice = getattr(supervisor(context.server.owner), "advice", None)
    return str(advice(context.server.owner, snapshot)) if advice else ""


def all_or_none(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Let none be run where one cannot: a server that was stopped must not stay so."""
    return steps if all(s.runnable for s in steps) else tuple(s._replace(runnable=False) for s in steps)


def _without_removed(context: Context, findings: Sequence[Finding]) -> Context:
    """Note what the restart is to take away: what is stale because no source sets it."""
    names = [
        f.variable
        for f in findings
        if f.diagnosis is Diagnosis.STALE and not f.settings and not perhaps_by_hand(f, context.configured)
    ]
    removed = frozenset(name for name in names if name is not None)
    return context._replace(configured=context.configured._replace(removed=removed))


def _loaded_by_workers(context: Context) -> bool:
    """Tell whether workers have what the application loads, and their master has not: it is not preloaded."""
    settings = context.configured.settings
    names = [n for n, places in settings.items() if places[-1].source.stage is Stage.APPLICATION]
    return any(
        name in worker.live.variables and name not in generation.master.live.variables
        for generation in context.server.generations
        if generation.master and generation.master.live.usable
        for worker in generation.workers
        for name in names
    )


def _refused(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing could be judged for want of permission."""
    return any(f.cause is Cause.DENIED for f in findings) and not any(
        f.wrong for f in findings if f.cause is not Cause.DENIED
    )


def _note(action: Action, findings: Sequence[Finding], unstartable: str, *, helpless: bool) -> str:
    """Say what is to be done where no step can do it."""
    names = ", ".join(escape(f.variable) for f in findings if f.variable is not None)
    if action is Action.REFUSE and not names and unstartable:
        return f"mend this first: {escape(unstartable)}"
    if action in NOTES:
        return f"{NOTES[action]}{': ' + names if names else ''}"
    return UNKNOWN if helpless and action is Action.NONE else ""


def _stopped(findings: Sequence[Finding], steps: Sequence[Step]) -> str:
    """Say what comes before any signal, to processes that take none, where no step does it."""
    going_on = {step.argv[-1] for step in steps if "-CONT" in step.argv}
    stopped = [str(pid) for f in findings if f.cause is Cause.STOPPED for pid in f.pids]
    pids = " ".join(pid for pid in stopped if pid not in going_on)
    return f"let it go on first: kill -CONT {pids}" if pids else ""


def _incomparable(findings: Sequence[Finding]) -> bool:
    return any(f.variable is None and f.diagnosis is Diagnosis.UNPROVEN for f in findings)


def _comparison(context: Context, steps: Sequence[Step]) -> str:
    """Say what is needed to compare the server with something."""
    if context.configured.known:
        return "" if steps else READABLE if context.configured.gaps else RUN
    return f"{COMPARE} {context.server.first.pid}"


def _perhaps(action: Action, whats: frozenset[What], context: Context) -> str:
    """Say what may be enough after all: a re-exec, where a hook gives the new master another environment."""
    hook, server = _hook(context), context.server
    if action is Action.RESTART and len(whats) == 1 and (said := SERVERS[server.kind].perhaps(server, whats)):
        return said
    frozen = action is Action.RESTART and any(stage is Stage.EXEC for stage, _ in whats)
    return f"USR2 would be enough if {hook} gives the new master what has changed" if frozen and hook else ""


def _insufficient(
    action: Action, context: Context, whats: frozenset[What], snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    server = context.server
    if action in cures.HELPLESS:
        return SERVERS[server.kind].harmful(server) if context.configured.broken else ()
    own = SERVERS[server.kind].insufficient(action, server, whats)
    told: tuple[Step, ...] = ()
    if action in (Action.RESTART, Action.ADOPT):
        told = acting.insufficient(server, context.configured, snapshot, policy)
        own = (*own, *popular.insufficient(server, frozenset(stage for stage, _ in whats)))
    found = (*told, *(s for s in own if s.argv not in {t.argv for t in told}))
    if not context.configured.reexec_hook:
        return found
    # What a hook gives the new master may be what is wanted.
    ends = acting.ends_upgrades(server.owner)
    return tuple(s._replace(why=HOOK_ENDS) if _reexecs(s) else s for s in found if ends or not _reexecs(s))


def _reexecs(step: Step) -> bool:
    return "-USR2" in step.argv


def _hook(context: Context) -> str:
    """Give the hook that may bring all in, where a new master may take over."""
    return "" if acting.ends_upgrades(context.server.owner) else context.configured.reexec_hook


def _steps(action: Action, context: Context, snapshot: Snapshot, policy: Policy) -> tuple[Step, ...]:
    server = context.server
    module = SERVERS[server.kind]
    if action is Action.RETIRE_OLD:
        replaced = server.generations[:-1]
        masters = [module.stop(g.master) for g in replaced if g.master]
        return (*masters, *unsupervised.stop_orphans(server))
    if action in (Action.RESTART, Action.ADOPT):
        return acting.restart(server, context.configured, snapshot, policy)
    signal = module.signal(action, server)
    return (signal,) if signal else ()

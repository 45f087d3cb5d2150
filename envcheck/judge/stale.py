"""Why a process has not what is configured: the first of the causes for which there is evidence."""

from __future__ import annotations

from envcheck.judge.compare import Judged
from envcheck.judge.evidence import (
    TICK,
    Context,
    Explanation,
    held_at_exec,
    last_change,
    others,
    set_inside,
    told,
)
from envcheck.judge.handed_on import by_reexec
from envcheck.model import Cause, Generation, Stage
from envcheck.noise import same
from envcheck.sources import chain
from envcheck.supervisors.known import MEMORY


def stale(judged: Judged, context: Context) -> Explanation:
    cause, evidence = _why_stale(judged, context)
    origin = "" if cause in SAYS_WHOSE else _running_origin(judged, context)
    return cause, f"{evidence}; {origin}" if origin else evidence


# Their evidence says already where the running value comes from.
SAYS_WHOSE = (
    Cause.KEPT_BY_DOTENV,
    Cause.POISONED_REEXEC,
    Cause.LEFT_BY_CONFIGURATION,
    Cause.OLD_OPTIONS,
    Cause.SET_BY_APPLICATION,
)


def _running_origin(judged: Judged, context: Context) -> str:
    """Say what set the value that the processes have, where a place that is known gives that very value."""
    found = {p.running.variables.get(judged.name) for p in judged.processes}
    value = found.pop() if len(found) == 1 else None
    if value is None:
        return ""
    places = [*judged.fresh.settings[:-1], *others(judged.name, context)]
    same_value = [s for s in places if not s.assignment.dynamic and s.assignment.value == value]
    if same_value:
        return f"the running value is that of {told(same_value[-1])}"
    if judged.fresh.winner and judged.fresh.winner.source.stage is Stage.EXEC:
        return ""
    if all(p.at_exec.usable and p.at_exec.variables.get(judged.name) == value for p in judged.processes):
        return "the running value is the one that it was exec'd with"
    return ""


def _why_stale(judged: Judged, context: Context) -> Explanation:
    return (
        by_old_options(judged, context)
        or left_by_configuration(judged, context)
        or by_reexec(judged, context)
        or _by_configured_application(judged, context)
        or _by_application(judged, context)
        or mixed(judged, context)
        or _kept_by_dotenv(judged, context)
        or _set_before(judged, context)
        or _from_supervisor(judged, context)
        or _not_loaded(judged, context)
        or _older_than_source(judged, context)
    )


def left_by_configuration(judged: Judged, context: Context) -> Explanation | None:
    """The server has set it since it was exec'd, and its configuration, which says so no more, is younger.

    Only where the application is not loaded in the master: nothing else sets variables there.
    """
    configured = context.configured
    if judged.fresh.settings or configured.preloads is not False or not configured.own:
        return None
    masters = [g.master for g in context.server.generations if g.master]
    own = max(configured.own, key=lambda a: a.changed)
    oldest = masters[0] if masters else None
    if oldest is None or not oldest.at_exec.usable or judged.name in oldest.at_exec.variables:
        return None
    if own.changed <= oldest.started:
        return None
    for process in judged.processes:
        master = context.generation(process).master
        if master is None or judged.name not in master.live.variables:
            return None
    return Cause.LEFT_BY_CONFIGURATION, (
        f"no source sets it; the master has set it since it was exec'd, and {own.source.path} changed at "
        f"{context.clock(own.changed)}"
    )


def by_old_options(judged: Judged, context: Context) -> Explanation | None:
    """The options that it was started with gave it that, and those of a fresh start would not."""
    configured, winner = context.configured, judged.fresh.winner
    if not configured.options:
        return None
    now = winner is not None and winner.source.stage is Stage.ARGUMENT
    before = [s.assignment.value for s in others(judged.name, context) if s.source.stage is Stage.ARGUMENT]
    values = {p.running.variables.get(judged.name) for p in judged.processes}
    if not (now and not before) and not (before and values == {before[-1]}):
        return None
    reads = [context.generation(p).environment_read for p in judged.processes]
    read = min((r for r in reads if r is not None), default=None)
    since = f" at {context.clock(read)}" if read else ""
    return Cause.OLD_OPTIONS, (
        f"the options that it was started with{since} are not those of a fresh start: {configured.options}"
    )


def _set_before(judged: Judged, context: Context) -> Explanation | None:
    """The server has set it since it was exec'd, and its configuration, or what it preloads, is younger.

    With an application that is preloaded it cannot be told which of the two has set it in the master.
    """
    own = max(context.configured.own, key=lambda a: a.changed, default=None)
    if own is None or judged.fresh.settings or not set_inside(judged.name, judged.processes, context):
        return None
    if own.changed <= min(p.started for p in judged.processes):
        return None
    return Cause.LEFT_BY_CONFIGURATION, (
        f"no source sets it; it was set inside the server, and {own.source.path} changed at "
        f"{context.clock(own.changed)}"
    )


def _not_loaded(judged: Judged, context: Context) -> Explanation | None:
    """The process has what its supervisor has loaded, and the files say something else by now."""
    loaded = context.configured.as_loaded or {}
    if judged.name not in loaded:
        return None
    setting = loaded[judged.name]
    value = setting.assignment.value if setting else None
    if any(not same(judged.name, value, p.running.variables.get(judged.name)) for p in judged.processes):
        return None
    winner = judged.fresh.winner
    now = f"{winner.origin} says otherwise" if winner else "no source sets it any more"
    return Cause.DAEMON_RELOAD_NEEDED, f"{now}, but its supervisor has not read that yet"


def _from_supervisor(judged: Judged, context: Context) -> Explanation | None:
    """The process has what its supervisor hands on, which itself would be started with something else now."""
    owner, start = context.server.owner, context.configured.start
    if owner is None or owner.supervising is None or start is None or start.kept is None:
        return None
    kept = chain.values(start.kept).get(judged.name)
    if same(judged.name, judged.fresh.value, kept):
        return None
    if any(not same(judged.name, kept, p.running.variables.get(judged.name)) for p in judged.processes):
        return None
    changed, where = last_change(judged.fresh.settings, context.configured)
    when = f" at {context.clock(changed)}" if changed else ""
    return Cause.INHERITED_FROM_SUPERVISOR, (
        f"{where} changed{when}; {owner.kind} {owner.pid} was started at "
        f"{context.clock(owner.supervising.started)}, and hands on what it was started with"
    )


def _by_application(judged: Judged, context: Context) -> Explanation | None:
    """The process was given the right value, and has changed it."""
    winner = judged.fresh.winner
    if winner is not None and winner.source.stage is not Stage.EXEC:
        return None
    name, value = judged.name, judged.fresh.value
    if winner is None and _file_changed(judged, context):
        return None
    for process in judged.processes:
        if not process.live.usable or not same(name, value, held_at_exec(name, process, context)):
            return None
    if all(name not in p.live.variables for p in judged.processes):
        return (
            Cause.REMOVED_BY_APPLICATION,
            "it was started with the right value; the application has removed it",
        )
    return (
        Cause.SET_BY_APPLICATION,
        "it was started with the right value; the application changes it, and would again after a restart",
    )


def _by_configured_application(judged: Judged, context: Context) -> Explanation | None:
    """The master has what the server's configuration sets, and its workers, which are younger, have not."""
    winner = judged.fresh.winner
    if winner is None or winner.source.stage not in (
        Stage.CODE,
        Stage.CONFIG,
        Stage.START,
        Stage.ARGUMENT,
    ):
        return None
    for process in judged.processes:
        master = context.generation(process).master
        if master is None or process.pid == master.pid or process.started - TICK <= winner.changed:
            return None
        if not master.live.usable or master.live.variables.get(judged.name) != judged.fresh.value:
            return None
    return Cause.SET_BY_APPLICATION, f"the master has what {winner.origin} sets; the application changes it"


def _file_changed(judged: Judged, context: Context) -> bool:
    """Tell whether a file that is read inside the server has changed since: it may have set it before."""
    files = [a for a in context.configured.applied if a.source.stage is Stage.APPLICATION]
    files += context.configured.own
    return any(a.changed > p.started for a in files for p in judged.processes)


def mixed(judged: Judged, context: Context) -> Explanation | None:
    """Some processes are right and some wrong, and who they are tells why."""
    wrong = {p.pid for p in judged.processes}
    generations = [g for g in context.server.generations if any(p.pid in wrong for p in g.processes)]
    newest = context.server.generations[-1]
    if all(g is not newest for g in generations):
        masters = ", ".join(str(g.master.pid) for g in generations if g.master) or "an ended one"
        return (
            Cause.MIXED_GENERATIONS,
            f"only the generation of master {masters} has it, which has been replaced",
        )
    for generation in generations:
        readable = [p for p in generation.workers if p.running.usable]
        workers = [p for p in readable if p.pid in wrong]
        if workers and len(workers) < len(readable):
            others = len(readable) - len(workers)
            return (
                Cause.MIXED_WORKERS,
                f"{len(workers)} workers have it, {others} of the same master have not",
            )
    return None


def _kept_by_dotenv(judged: Judged, context: Context) -> Explanation | None:
    """A dotenv loader found the variable set already, and kept it."""
    winner = judged.fresh.winner
    if winner is None or winner.source.stage is not Stage.APPLICATION:
        return None
    for process in judged.processes:
        held = held_at_exec(judged.name, process, context)
        if held is None or held != process.running.variables.get(judged.name):
            return None
    if any(context.generation(p).reexeced for p in judged.processes):
        return Cause.POISONED_REEXEC, (
            f"an older master had set it, its re-exec handed it on, and dotenv keeps it: {winner.origin}"
        )
    return (
        Cause.KEPT_BY_DOTENV,
        f"it was set before {winner.origin} was read, and dotenv does not overwrite it",
    )


def _older_than_source(judged: Judged, context: Context) -> Explanation:
    changed, where = last_change(judged.fresh.settings, context.configured)
    winner = judged.fresh.winner
    frozen = winner is None or winner.source.stage in (Stage.EXEC, Stage.ARGUMENT)
    generations = [context.generation(p) for p in judged.processes]
    when = f"{where} changed at {context.clock(changed)}"
    reexeced = next((g for g in generations if g.reexeced), None)
    if frozen and reexeced:
        return Cause.INHERITED_BY_REEXEC, f"{when}; {_inherited(reexeced, context)}"
    read = min((g.environment_read for g in generations if g.environment_read is not None), default=None)
    if read is None:
        return Cause.STARTED_BEFORE_CHANGE, f"{when}; when the environment was read is not known"
    if winner is not None and winner.source.path == MEMORY:
        why = f"{where} sets it, nothing tells since when; the environment was read at {context.clock(read)}"
        return Cause.STARTED_BEFORE_CHANGE, why
    if frozen and changed > read:
        young = [p for p in judged.processes if p.started - TICK > changed]
        if young:
            return Cause.REFORKED, (
                f"{when}; {len(young)} workers started after that, but were forked from a master that was "
                f"started at {context.clock(read)}"
            )
        return Cause.STARTED_BEFORE_CHANGE, f"{when}; the environment was read at {context.clock(read)}"
    start = context.configured.start
    if frozen and start is not None and start.edited:
        return Cause.DAEMON_RELOAD_NEEDED, f"{when}, but its supervisor has not read that yet"
    if frozen and start is not None and start.read_at > read:
        return Cause.STARTED_BEFORE_CHANGE, (
            f"{when}, but its supervisor has read that at {context.clock(start.read_at)} only; the "
            f"environment was read at {context.clock(read)}, by what was loaded before"
        )
    oldest = min(p.started for p in judged.processes)
    if not frozen and changed > oldest:
        return Cause.STARTED_BEFORE_CHANGE, f"{when}; the processes started at {context.clock(oldest)}"
    return Cause.NOT_APPLIED, (
        f"{where} has not changed since the environment was read at {context.clock(read)}: the process was "
        "not started through it, or something after it sets another value"
    )


def _inherited(generation: Generation, context: Context) -> str:
    master = generation.master
    when = (
        f"master {master.pid} started at {context.clock(master.started)}, but it" if master else "its master"
    )
    read = generation.environment_read
    since = f", read at {context.clock(read)}" if read else ""
    return f"{when} was exec'd by an older master and has its environment{since}"

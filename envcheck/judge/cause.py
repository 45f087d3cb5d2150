"""Why a variable is as it is: one cause each, with its evidence.

Values come first, times only as evidence. A young process proves nothing: what counts is when its
environment was read from the source, which for a re-exec'd master is the start of an older one.
"""

from __future__ import annotations

from typing import NamedTuple

from envcheck.judge.compare import Judged
from envcheck.judge.names import near
from envcheck.judge.rules import accepts
from envcheck.model import Cause, Configured, Diagnosis, Generation, Process, Server, Setting, Stage
from envcheck.moments import clock
from envcheck.noise import same
from envcheck.sources import chain


class Context(NamedTuple):
    """What the evidence is taken from."""

    server: Server
    configured: Configured
    taken: float  # when it was read
    ruled: frozenset[str] = frozenset()  # what the spec asks for by name

    def generation(self, process: Process) -> Generation:
        return next(g for g in self.server.generations if any(p.pid == process.pid for p in g.processes))

    def clock(self, moment: float) -> str:
        return clock(moment, self.taken)


# Seconds within which a start time is known: the kernel counts in ticks, and the end of the tick is taken.
TICK = 0.01

Explanation = tuple[Cause | None, str]


def explain(judged: Judged, context: Context) -> Explanation:
    """Give the cause of a verdict and what shows it; None where nothing is wrong, or nothing tells."""
    match judged.diagnosis:
        case Diagnosis.STALE:
            return _stale(judged, context)
        case Diagnosis.LATENT if fleeting(judged):
            return Cause.EPHEMERAL, (
                "it is set in the memory of its supervisor alone, as by systemctl set-environment: "
                "after the next boot it is gone, unless a file sets it"
            )
        case Diagnosis.MISCONFIGURED | Diagnosis.LATENT:
            return _configuration(judged, context)
        case Diagnosis.UNEXPLAINED:
            return _mixed(judged, context) or _unexplained(judged, context)
        case Diagnosis.UNDECIDED:
            return unread(judged.processes) if not judged.processes[0].running.usable else _hidden(judged)
        case _:
            return None, ""


def fleeting(judged: Judged) -> bool:
    """Tell whether all is as it should be, but only as long as the supervisor runs."""
    winner, value = judged.fresh.winner, judged.fresh.value
    if winner is None or not winner.assignment.fleeting or not judged.fresh.known:
        return False
    return all(same(judged.name, value, p.running.variables.get(judged.name)) for p in judged.processes)


# --- the process could not be read ---------------------------------------------------------------

UNREAD = {
    "denied": Cause.DENIED,
    "hidden": Cause.DENIED,
    "exited": Cause.GONE,
    "zombie": Cause.GONE,
    "replaced": Cause.GONE,
    "clobbered": Cause.CLOBBERED,
    "partial": Cause.CLOBBERED,
}


# What would help.
RIGHTS = "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (sudo is enough)"
HELP: dict[str, str] = {"denied": RIGHTS, "hidden": RIGHTS}


def unread(processes: tuple[Process, ...]) -> Explanation:
    """Say why environments could not be read, by the layer that could have told."""
    first = processes[0]
    cause = UNREAD.get(first.at_exec.status, Cause.UNREADABLE)
    layers = f"at exec: {first.at_exec.status}, live: {first.live.status}"
    detail = "; ".join(d for d in (layers, first.live.detail or first.at_exec.detail) if d)
    remedy = HELP.get(first.running.status, "")
    return cause, f"its environment could not be read ({detail}){remedy and ': ' + remedy}"


def _hidden(judged: Judged) -> Explanation:
    """Say what would be needed to judge a value of which a record holds the fingerprint alone."""
    shaped = judged.rule.shapes[0].key if judged.rule and judged.rule.shapes else ""
    rule = shaped or (judged.rule.rule if judged.rule else "")
    if shaped or rule == "pattern":
        help_ = "take it with this spec and 'secret: false', which keeps the value, if it is no secret"
    else:
        help_ = "take it with --key-file, and name the same key here"
    return Cause.HIDDEN, f"the record hides the value, and '{rule}' asks about it: {help_}"


# --- the configuration is wrong --------------------------------------------------------------------


def _configuration(judged: Judged, context: Context) -> Explanation:
    name, rule, settings = judged.name, judged.rule, judged.fresh.settings
    if judged.diagnosis is Diagnosis.LATENT and set_inside(name, judged.processes, context):
        if other := _other(judged, context):
            return Cause.LEFT_BY_CONFIGURATION, f"no fresh process comes to {_told(other)}, which has set it"
        return Cause.SET_BY_APPLICATION, "the application sets it itself: no source does"
    winner = judged.fresh.winner
    if winner is None and (told := _dropped(judged, context) or _misnamed(judged, context)):
        return told
    if winner is None:
        if judged.diagnosis is Diagnosis.LATENT:
            return Cause.LEAKED, LOST + (
                f"; {_told(other)} has set it" if (other := _other(judged, context)) else ""
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
    if judged.diagnosis is not Diagnosis.MISCONFIGURED:
        return None
    places = {n: s[-1] for n, s in context.configured.settings.items() if n not in context.ruled}
    found = near(judged.name, (n for n, s in places.items() if s.assignment.value is not None), most=1)
    if not found:
        return None
    return (
        Cause.WRONG_NAME,
        f"no source sets it, but {places[found[0]].origin} sets {found[0]}: is that meant?",
    )


def _unexplained(judged: Judged, context: Context) -> Explanation:
    winner = judged.fresh.winner
    if winner and winner.assignment.dynamic:
        return Cause.DYNAMIC_SOURCE, f"only running {winner.origin} could tell what it gives"
    if context.configured.unread and not judged.fresh.known:
        return Cause.DYNAMIC_SOURCE, f"the server's own configuration may set it: {context.configured.unread}"
    return None, "no configuration is known, or it could not be read, that says what a restart would give"


# --- the configuration is right, the process is not --------------------------------------------------


def _stale(judged: Judged, context: Context) -> Explanation:
    cause, evidence = _why_stale(judged, context)
    origin = "" if cause in SAYS_WHOSE else _running_origin(judged, context)
    return cause, f"{evidence}; {origin}" if origin else evidence


# Their evidence says already where the running value comes from.
SAYS_WHOSE = (
    Cause.KEPT_BY_DOTENV,
    Cause.POISONED_REEXEC,
    Cause.LEFT_BY_CONFIGURATION,
    Cause.SET_BY_APPLICATION,
)


def _running_origin(judged: Judged, context: Context) -> str:
    """Say what set the value that the processes have, where a place that is known gives that very value."""
    found = {p.running.variables.get(judged.name) for p in judged.processes}
    value = found.pop() if len(found) == 1 else None
    if value is None:
        return ""
    places = [*judged.fresh.settings[:-1], *_others(judged.name, context)]
    same_value = [s for s in places if not s.assignment.dynamic and s.assignment.value == value]
    if same_value:
        return f"the running value is that of {_told(same_value[-1])}"
    if judged.fresh.winner and judged.fresh.winner.source.stage is Stage.EXEC:
        return ""
    if all(p.at_exec.usable and p.at_exec.variables.get(judged.name) == value for p in judged.processes):
        return "the running value is the one that it was exec'd with"
    return ""


def _others(name: str, context: Context) -> list[Setting]:
    return [s for s in context.configured.others if s.assignment.name == name]


def _other(judged: Judged, context: Context) -> Setting | None:
    """Give the place that a fresh process does not come to, and that has set what the processes have."""
    values = {p.running.variables.get(judged.name) for p in judged.processes}
    found = [
        s for s in _others(judged.name, context) if s.assignment.dynamic or {s.assignment.value} == values
    ]
    return found[-1] if found else None


def _told(setting: Setting) -> str:
    by = setting.assignment.by
    return f"{by} at {setting.origin}" if by else setting.origin


LOST = "only the running process has it, no source sets it: a restart would lose it"


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


def _why_stale(judged: Judged, context: Context) -> Explanation:
    return (
        left_by_configuration(judged, context)
        or _by_configured_application(judged, context)
        or _by_application(judged, context)
        or _mixed(judged, context)
        or _kept_by_dotenv(judged, context)
        or _from_supervisor(judged, context)
        or _not_loaded(judged, context)
        or _older_than_source(judged, context)
    )


def _not_loaded(judged: Judged, context: Context) -> Explanation | None:
    """The process has what its supervisor has loaded, and the files say something else by now."""
    start = context.configured.start
    if start is None or start.loaded is None:
        return None
    loaded = chain.values(start.loaded).get(judged.name)
    if loaded == judged.fresh.value:
        return None
    if any(not same(judged.name, loaded, p.running.variables.get(judged.name)) for p in judged.processes):
        return None
    _, where = last_change(judged.fresh.settings, context.configured)
    return Cause.DAEMON_RELOAD_NEEDED, f"{where} says otherwise, but its supervisor has not read that yet"


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


def held_at_exec(name: str, process: Process, context: Context) -> str | None:
    """Give the value the process was exec'd with; where the block is damaged, what its master has."""
    if process.at_exec.usable:
        return process.at_exec.variables.get(name)
    master = context.generation(process).master
    return (master or process).running.variables.get(name)


def set_inside(name: str, processes: tuple[Process, ...], context: Context) -> bool:
    """Tell whether no process was exec'd with the variable that it has now."""
    return all(p.live.usable and held_at_exec(name, p, context) is None for p in processes)


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
    if winner is None or winner.source.stage not in (Stage.CODE, Stage.CONFIG, Stage.START):
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


def _mixed(judged: Judged, context: Context) -> Explanation | None:
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


def last_change(settings: tuple[Setting, ...], configured: Configured) -> tuple[float, str]:
    """Say when what decides about a variable last changed, and where."""
    if settings:
        return settings[-1].changed, settings[-1].origin
    changes = [(a.changed, a.source.path) for a in configured.applied]
    return max(changes, default=(0.0, ""))


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

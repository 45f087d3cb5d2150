"""Findings of one server: every variable judged and explained, and what is true of the server as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from envcheck.judge import compare, dynamic
from envcheck.judge.cause import explain, fleeting
from envcheck.judge.compare import Judged
from envcheck.judge.constraints import with_constraints
from envcheck.judge.evidence import Context, set_inside, unread
from envcheck.judge.handed_on import by_reexec
from envcheck.judge.stale import by_old_options, left_by_configuration
from envcheck.model import (
    Applied,
    Cause,
    Configured,
    Constraint,
    Diagnosis,
    Expectation,
    Finding,
    Generation,
    Layer,
    Process,
    Reading,
    Severity,
)
from envcheck.noise import is_noise
from envcheck.sources.chain import WHY
from envcheck.supervisors import ownership
from envcheck.supervisors.ownership import STOPPED

WARNINGS = frozenset({Diagnosis.LATENT})
FINE = frozenset({Diagnosis.IN_SYNC, Diagnosis.UNPROVEN})


def findings(
    context: Context,
    rules: Sequence[Expectation],
    constraints: Sequence[Constraint] = (),
    ignore: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Judge all variables of one server, and the server itself; *ignore*: globs of names without a rule."""
    by_name = {rule.name: rule for rule in rules}
    context = context._replace(ruled=frozenset(by_name).union(*(c.members for c in constraints)))
    found: list[Finding] = []
    for name in compare.names(context.configured, rules, context.server.processes):
        if name not in by_name and any(fnmatchcase(name, pattern) for pattern in ignore):
            continue
        verdicts = compare.judge(name, by_name.get(name), context.configured, context.server)
        verdicts = [_until_boot(judged) for judged in verdicts]
        told = (_only_the_process(j, context) for j in verdicts if _worth_telling(j, context))
        found += [_finding(judged, context) for judged in told]
    found = with_constraints(found, constraints, context)
    found += (
        f for f in _differing(context, by_name) if not any(fnmatchcase(str(f.variable), i) for i in ignore)
    )
    found += _of_the_server(context, ruled=bool(rules or constraints))
    return tuple(found)


def _until_boot(judged: Judged) -> Judged:
    """Take what is right only as long as its supervisor runs for what it is: it works today."""
    right = judged.diagnosis is Diagnosis.IN_SYNC and fleeting(judged)
    return judged._replace(diagnosis=Diagnosis.LATENT) if right else judged


def _worth_telling(judged: Judged, context: Context) -> bool:
    if judged.rule is not None:
        return True
    if judged.diagnosis in FINE:
        return False
    if judged.diagnosis is Diagnosis.UNDECIDED:
        return judged.processes[0].running.usable  # else it is told of the server as a whole
    if judged.fresh.settings:
        return True
    # Only the process has it: a finding where it came with the exec, not where the application set it.
    noise = compare.excused(judged.name, context.configured, judged.processes)
    inside = set_inside(judged.name, judged.processes, context)
    named = any(s.assignment.name == judged.name for s in context.configured.others)
    return not noise and (not inside or named or left_by_configuration(judged, context) is not None)


def _only_the_process(judged: Judged, context: Context) -> Judged:
    """Without rule or source: stale if a source of the chain changed since it was read, else latent."""
    if judged.rule is not None or judged.fresh.settings or judged.diagnosis is not Diagnosis.STALE:
        return judged
    if any(why(judged, context) for why in (by_old_options, left_by_configuration, by_reexec)):
        return judged
    start = context.configured.start
    if (start is not None and start.edited) or (context.configured.as_loaded or {}).get(judged.name):
        return judged  # a start since the change was by what its supervisor had read before
    changed = max((a.changed for a in context.configured.applied), default=0.0)
    read = [context.generation(p).environment_read for p in judged.processes]
    if all(r is not None and changed <= r for r in read):
        return judged._replace(diagnosis=Diagnosis.LATENT)
    return judged


def _finding(judged: Judged, context: Context) -> Finding:
    cause, evidence = explain(judged, context)
    rule, fresh = judged.rule, judged.fresh
    severity = Severity.INFO if judged.diagnosis in FINE else rule.severity if rule else Severity.ERROR
    if judged.diagnosis in WARNINGS and severity is Severity.ERROR:
        severity = Severity.WARNING
    processes = judged.processes
    return Finding(
        variable=judged.name,
        diagnosis=judged.diagnosis,
        cause=cause,
        severity=severity,
        message=evidence or "as it should be",
        pids=tuple(p.pid for p in processes),
        expected=rule,
        configured=fresh.value is not None if fresh.known else None,
        origin=fresh.winner.origin if fresh.winner else None,
        at_exec=layer(judged.name, [p.at_exec for p in processes]),
        live=layer(judged.name, [p.live for p in processes]),
        settings=fresh.settings,
        values={
            "configured": fresh.value,
            "at_exec": _value(judged.name, [p.at_exec for p in processes]),
            "live": _value(judged.name, [p.live for p in processes]),
        },
    )


def layer(name: str, readings: Sequence[Reading]) -> Layer:
    """Sum one layer up over processes: what could be read speaks first."""
    usable = [r for r in readings if r.usable]
    if not usable:
        return Layer(readings[0].status if readings else "exited", None)
    return Layer("ok", any(name in r.variables for r in usable))


def _value(name: str, readings: Sequence[Reading]) -> str | None:
    return next((r.variables[name] for r in readings if r.usable and name in r.variables), None)


def whole(
    context: Context, diagnosis: Diagnosis, cause: Cause | None, message: str, who: Iterable[Process]
) -> Finding:
    """Make a finding about the server as a whole."""
    del context
    processes = tuple(who)
    error = diagnosis in (Diagnosis.UNDECIDED, Diagnosis.UNPROVEN)
    return Finding(
        None,
        diagnosis,
        cause,
        Severity.ERROR if error else Severity.WARNING,
        message,
        tuple(p.pid for p in processes),
        None,
        None,
        None,
        Layer(processes[0].at_exec.status if processes else "exited", None),
        Layer(processes[0].live.status if processes else "exited", None),
    )


def _differing(context: Context, rules: dict[str, Expectation]) -> Iterable[Finding]:
    """Workers of one master that differ where nothing says which of them is right."""
    for generation in context.server.generations:
        readable = [p for p in generation.workers if p.running.usable]
        names = {name for p in readable for name in p.running.variables}
        for name in sorted(name for name in names if not is_noise(name)):
            known = name in rules or context.configured.known or name in context.configured.settings
            if known or len({p.running.variables.get(name) for p in readable}) == 1:
                continue
            judged = Judged(
                name, Diagnosis.LATENT, None, compare.fresh(name, context.configured), tuple(readable)
            )
            message = f"the {len(readable)} workers of one master do not agree about it"
            yield _finding(judged, context)._replace(cause=Cause.MIXED_WORKERS, message=message)


def _of_the_server(context: Context, *, ruled: bool) -> Iterable[Finding]:
    server, configured = context.server, context.configured
    yield from _of_generations(context)
    yield from _by_supervisor(context)
    yield from _unstartable(context)
    unreadable = tuple(p for p in server.processes if not p.running.usable)
    if unreadable:
        cause, why = unread(unreadable)
        yield whole(
            context, Diagnosis.UNDECIDED, cause, _of_how_many(unreadable, server.processes) + why, unreadable
        )
    certain = configured.start and configured.start.unstartable  # what is not known makes no difference
    if configured.known and configured.gaps and not (ruled or certain):
        unknown = ", ".join(dict.fromkeys(a.source.path for a in configured.gaps))
        message = f"what a fresh start would give is not all known, for want of {unknown}"
        yield whole(context, Diagnosis.UNPROVEN, None, message, server.processes)
    elif configured.known and not ruled and (untold := dynamic.since(context)):
        yield whole(context, Diagnosis.UNPROVEN, None, untold, server.processes)
    if not configured.known and not ruled:
        yield whole(context, Diagnosis.UNPROVEN, None, _nothing_to_compare(context), server.processes)


def _of_generations(context: Context) -> Iterable[Finding]:
    """Say what masters and workers are to each other, and whether they do anything at all."""
    server = context.server
    masters = [g.master for g in server.generations if g.master]
    if len(masters) > 1:
        old = ", ".join(str(m.pid) for m in masters[:-1])
        message = (
            f"an upgrade is half done: master {masters[-1].pid} runs beside {old}, and both answer requests"
        )
        yield whole(context, Diagnosis.LATENT, Cause.MIXED_GENERATIONS, message, server.processes)
    for generation in server.generations:
        if generation.master is None:
            yield _orphans(context, generation)
    if stopped := tuple(p for p in server.processes if p.state == STOPPED):
        pids = " ".join(str(p.pid) for p in stopped)
        message = (
            f"{_of_how_many(stopped, server.processes)}stopped by a signal: nothing is done there, no other "
            f"signal taken, before kill -CONT {pids}"
        )
        yield whole(context, Diagnosis.LATENT, Cause.STOPPED, message, stopped)


def _unstartable(context: Context) -> Iterable[Finding]:
    """Say what would keep a restart from coming up: a folder, a file, what the supervisor needs."""
    configured, start = context.configured, context.configured.start
    absent = [f"there is no folder {path}, and envdir refuses to go on" for path in _absent(configured)]
    refused = [f"{a.source.path}: {_first_problem(a)}" for a in configured.refused]
    known = bool(absent or refused)
    needed = [start.unstartable] if start and start.unstartable and not known else []
    for why in (*filter(None, [configured.broken]), *needed, *absent, *refused):
        message = f"{(start and start.fails) or 'a restart would not come up'}: {why}"
        yield whole(context, Diagnosis.LATENT, Cause.UNSTARTABLE, message, context.server.processes)


def _first_problem(applied: Applied) -> str:
    return applied.parsed.problems[0].message if applied.parsed and applied.parsed.problems else "refused"


def _by_supervisor(context: Context) -> Iterable[Finding]:
    """Say what its supervisor cannot do: reach a server that it has lost, or start what is not there."""
    server, start = context.server, context.configured.start
    if server.owner and (lost := server.owner.facts.get("orphaned")):
        yield whole(context, Diagnosis.LATENT, Cause.ORPHANED, lost, server.processes)
    for owner in ownership.line(server.owner):
        if owner.supervising is not None and owner.supervising.state == STOPPED:
            message = (
                f"{owner.kind} {owner.pid}, which keeps it running, is stopped by a signal: it does nothing, "
                f"and commands to it hang, before kill -CONT {owner.pid}"
            )
            yield whole(context, Diagnosis.LATENT, Cause.STOPPED, message, [owner.supervising])
    if start and start.stray:
        yield whole(context, Diagnosis.LATENT, Cause.STRAY, start.stray, server.processes)


def _absent(configured: Configured) -> list[str]:
    """Give the folders of an envdir that are not there: it starts nothing without them."""
    missing = WHY["missing"]
    return [a.source.path for a in configured.gaps if a.source.kind == "envdir" and a.why == missing]


def _nothing_to_compare(context: Context) -> str:
    owner, start = context.server.owner, context.configured.start
    runs = "no known supervisor runs it"
    if owner and not (start and start.stray):
        whose = "whose mark it bears" if owner.evidence == "marks" else "which runs it"
        runs = f"{owner.kind}, {whose}, does not tell what it gives"
    return f"there is nothing to compare with: no spec names it, and {runs}"


def _orphans(context: Context, generation: Generation) -> Finding:
    message = f"the master of {len(generation.workers)} workers is gone: no signal to a master reaches them"
    return whole(context, Diagnosis.LATENT, Cause.ORPHANED, message, generation.workers)


def _of_how_many(some: Sequence[Process], processes: Sequence[Process]) -> str:
    return "" if len(some) == len(processes) == 1 else f"{len(some)} of {len(processes)} processes: "

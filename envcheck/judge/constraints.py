"""What a spec says of several variables at once, of all whose names fit, and of how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from envcheck.judge import compare
from envcheck.judge.cause import explain
from envcheck.judge.compare import DIAGNOSES, Fresh, Judged
from envcheck.judge.evidence import Context
from envcheck.model import (
    App,
    Cause,
    Constraint,
    Diagnosis,
    Expectation,
    Finding,
    Layer,
    Process,
    Reading,
    Severity,
)
from envcheck.noise import same
from envcheck.shapes import all_fit
from envcheck.tokens import is_hidden

Environment = Mapping[str, str | None]
FINE = (Diagnosis.IN_SYNC, Diagnosis.UNPROVEN)


def _there(constraint: Constraint, name: str, env: Environment) -> bool:
    value = env.get(name)
    return value is not None and (value != "" or constraint.allow_empty)


def _sets(constraint: Constraint, env: Environment) -> int:
    """Count the sets that are there as a whole."""
    return sum(all(_there(constraint, n, env) for n in names) for names in constraint.sets)


def _equal(constraint: Constraint, env: Environment) -> bool:
    (one,), (other,) = constraint.sets
    return env.get(one) is None or env.get(one) == env.get(other)


def _applies(constraint: Constraint, env: Environment) -> bool:
    for condition in constraint.when:
        value = env.get(condition.name)
        if (value is not None) is not condition.present:
            return False
        if value is not None and not all_fit(condition.shapes, value):
            return False
    return True


HOLDS: dict[str, Callable[[Constraint, Environment], bool]] = {
    "any_of": lambda c, env: _sets(c, env) >= 1,
    "at_least_one": lambda c, env: _sets(c, env) >= 1,
    "exactly_one": lambda c, env: _sets(c, env) == 1,
    "all_or_none": lambda c, env: _sets(c, env) in (0, len(c.sets)),
    "equals_var": _equal,
    "required_when": lambda c, env: not _applies(c, env) or _sets(c, env) == 1,
}
SAYS = {
    "any_of": "one of these has to be there: {}",
    "at_least_one": "at least one of these has to be there: {}",
    "exactly_one": "exactly one of these has to be there: {}",
    "all_or_none": "all of these have to be there, or none: {}",
    "equals_var": "these have to be equal: {}",
    "required_when": "it is required, by what others are: {}",
}


def with_constraints(
    findings: Sequence[Finding], constraints: Iterable[Constraint], context: Context
) -> list[Finding]:
    """Add what constraints say; of a variable that has a rule of its own, what is wrong is told alone."""
    found = list(findings)
    for constraint in constraints:
        made = _judged(constraint, context)
        own = [f for f in found if f.variable == constraint.name]
        if made is None or (own and (made.diagnosis in FINE or any(f.wrong for f in own))):
            continue
        found = [*(f for f in found if f not in own), made]
    return found


def _judged(constraint: Constraint, context: Context) -> Finding | None:
    """Judge by the truth table: does it hold in the configuration, does it hold in each process?"""
    fresh = {name: compare.fresh(name, context.configured) for name in constraint.members}
    configured: bool | None = None
    if all(f.known for f in fresh.values()):
        configured = HOLDS[constraint.rule](constraint, {n: f.value for n, f in fresh.items()})
    processes = [p for p in _concerned(fresh, context) if p.running.usable]
    if not processes:
        return None
    if any(_hides(constraint, p.running.variables) for p in processes):
        return _undecided(constraint, processes, context)
    wrong = tuple(p for p in processes if not HOLDS[constraint.rule](constraint, p.running.variables))
    return _finding(constraint, _Verdict(configured, not wrong, wrong or tuple(processes)), fresh, context)


class _Verdict(NamedTuple):
    """Where a constraint holds. None: the configuration is not known."""

    configured: bool | None
    running: bool
    processes: tuple[Process, ...]  # that this is true of

    @property
    def diagnosis(self) -> Diagnosis:
        return DIAGNOSES[self.configured, self.running]


def _hides(constraint: Constraint, env: Environment) -> bool:
    """Tell whether a record hides a value that would have to be compared, or looked at."""
    names = [n for group in constraint.sets for n in group] if constraint.rule == "equals_var" else []
    names += [c.name for c in constraint.when if c.shapes]
    return any(is_hidden(env.get(name) or "") for name in names)


def _undecided(constraint: Constraint, processes: Sequence[Process], context: Context) -> Finding:
    verdict = _Verdict(None, running=True, processes=tuple(processes))
    fresh = {name: compare.fresh(name, context.configured) for name in constraint.members}
    message = f"the record hides the values that '{constraint.rule}' asks about"
    return _finding(constraint, verdict, fresh, context)._replace(
        diagnosis=Diagnosis.UNDECIDED, cause=Cause.HIDDEN, severity=constraint.severity, message=message
    )


def _concerned(fresh: Mapping[str, Fresh], context: Context) -> tuple[Process, ...]:
    found = [compare.concerned(name, f, context.server) for name, f in fresh.items()]
    return tuple(p for p in context.server.processes if all(p in some for some in found))


def _finding(
    constraint: Constraint, verdict: _Verdict, fresh: Mapping[str, Fresh], context: Context
) -> Finding:
    processes, diagnosis = verdict.processes, verdict.diagnosis
    member = _telling(constraint, fresh, processes[0], diagnosis)
    cause, evidence = explain(Judged(member, diagnosis, None, fresh[member], processes), context)
    says = SAYS[constraint.rule].format(", ".join(" and ".join(names) for names in constraint.sets))
    severity = Severity.INFO if diagnosis in FINE else constraint.severity
    if diagnosis is Diagnosis.LATENT and severity is Severity.ERROR:
        severity = Severity.WARNING
    winner = fresh[member].winner
    return Finding(
        variable=constraint.name,
        diagnosis=diagnosis,
        cause=cause,
        severity=severity,
        message=says if diagnosis in FINE or not evidence else f"{says}; {member}: {evidence}",
        pids=tuple(p.pid for p in processes),
        expected=Expectation(
            constraint.name, constraint.rule, severity=constraint.severity, hint=constraint.hint
        ),
        configured=verdict.configured,
        origin=winner.origin if winner else None,
        at_exec=_layer(constraint, [p.at_exec for p in processes]),
        live=_layer(constraint, [p.live for p in processes]),
        settings=fresh[member].settings,
        constraint=constraint,
    )


def _telling(
    constraint: Constraint, fresh: Mapping[str, Fresh], process: Process, diagnosis: Diagnosis
) -> str:
    """Choose the variable that shows best why: one that would be lost, or differs, or that no source sets."""
    names = [n for group in constraint.sets for n in group]
    running = process.running.variables
    differing = [n for n in names if not same(n, fresh[n].value, running.get(n))]
    lost = [n for n in differing if n in running] if diagnosis is Diagnosis.LATENT else []
    absent = [n for n in names if fresh[n].value is None]
    return next(iter([*lost, *differing, *absent]), names[0])


def _layer(constraint: Constraint, readings: Sequence[Reading]) -> Layer:
    """Say of a layer whether the constraint holds in it."""
    usable = [r for r in readings if r.usable]
    if not usable:
        return Layer(readings[0].status, None)
    return Layer("ok", all(HOLDS[constraint.rule](constraint, r.variables) for r in usable))


def expanded(app: App, context: Context) -> App:
    """Make a rule of its own for every variable that has none and whose name fits a pattern."""
    ruled = {rule.name for rule in app.expectations}
    names = set(context.configured.settings)
    for process in context.server.processes:
        names.update(process.running.variables if process.running.usable else ())
    more = [
        next(p._replace(name=name) for p in app.patterns if fnmatchcase(name, p.name))
        for name in sorted(names - ruled)
        if any(fnmatchcase(name, p.name) for p in app.patterns)
    ]
    return app._replace(expectations=(*app.expectations, *more))


def counted(context: Context, app: App, servers: int) -> Iterable[Finding]:
    """Say whether there are as many workers, and servers of the app, as there should be."""
    server = context.server
    workers = len(server.generations[-1].workers)
    for count, number, what in (
        (app.workers, workers, "workers"),
        (app.instances, servers, "servers of the app"),
    ):
        if count is not None and number not in count:
            yield Finding(
                None,
                Diagnosis.UNEXPLAINED,
                Cause.WRONG_COUNT,
                Severity.ERROR,
                f"there are {number} {what}, and there should be {count}",
                tuple(p.pid for p in server.processes),
                None,
                None,
                None,
                Layer(server.first.at_exec.status, None),
                Layer(server.first.live.status, None),
            )

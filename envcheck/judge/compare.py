"""Compare what is expected, configured and running: the truth table, one variable at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from envcheck.judge.rules import accepts
from envcheck.model import (
    BY_DEFAULT,
    Configured,
    Diagnosis,
    Expectation,
    Generation,
    Process,
    Server,
    Setting,
    Stage,
)
from envcheck.noise import is_foreign, is_noise, same
from envcheck.servers import SERVERS

# The whole judgement. None: the configuration is not known, which is not one that sets nothing.
DIAGNOSES: dict[tuple[bool | None, bool], Diagnosis] = {
    # is it right in the configuration? and in the process?
    (True, True): Diagnosis.IN_SYNC,
    (True, False): Diagnosis.STALE,
    (False, True): Diagnosis.LATENT,
    (False, False): Diagnosis.MISCONFIGURED,
    (None, True): Diagnosis.UNPROVEN,
    (None, False): Diagnosis.UNEXPLAINED,
}


class Fresh(NamedTuple):
    """What a fresh process would get of one variable."""

    known: bool
    value: str | None
    settings: tuple[Setting, ...]

    @property
    def winner(self) -> Setting | None:
        return self.settings[-1] if self.settings else None


class Judged(NamedTuple):
    """One variable over all processes that could be judged alike."""

    name: str
    diagnosis: Diagnosis
    rule: Expectation | None
    fresh: Fresh
    processes: tuple[Process, ...]  # those that the diagnosis is true of


def untold(configured: Configured) -> list[int]:
    """Give the places of the sources of which it is not known what they set.

    One that is refused tells what it would set, were it not for something else in it, or nothing.
    """
    telling = {s.source for places in configured.settings.values() for s in places}
    return [
        i
        for i, a in enumerate(configured.applied)
        if (not a.only if a.parsed is None else a.parsed.refused and a.source not in telling)
    ]


def fresh(name: str, configured: Configured) -> Fresh:
    """Say what the sources give, as far as they could be read."""
    settings = configured.settings.get(name, ())
    # A source that could not be read may set any variable; only what is applied after it is certain.
    unread = untold(configured)
    if not settings:
        return Fresh(configured.known and not unread, None, ())
    winner = settings[-1]
    places = [i for i, a in enumerate(configured.applied) if a.source == winner.source]
    # What the server itself sets comes after the chain.
    certain = not unread or not places or places[0] > unread[-1]
    if winner.assignment.keeps:
        # It counts only where nothing has set the variable before.
        anybody = is_noise(name) and winner.source.kind != BY_DEFAULT
        certain = configured.known and not unread and not anybody
    return Fresh(certain and not winner.assignment.dynamic, winner.assignment.value, settings)


def right(name: str, rule: Expectation | None, fresh: Fresh, value: str | None) -> bool | None:
    """Judge what one process has: as the rule asks, and as a fresh process would have it.

    A rule that many values satisfy does not excuse an old value; but where what is configured breaks the
    rule, the rule alone says what is right. None: a record hides what would have to be known.
    """
    accepted = True if rule is None else accepts(rule, value)
    wanted = True if rule is None else accepts(rule, fresh.value)
    if accepted is False or not fresh.known or wanted is False:
        return accepted
    if same(name, fresh.value, value):
        return accepted
    if wanted is None:
        return None
    # Whether a dotenv loader overrides what is set already is known to the application alone: if the process
    # has the value of the file, it does.
    if fresh.winner and fresh.winner.late:
        return False
    kept = (s for s in fresh.settings if s.source.stage is Stage.APPLICATION)
    return accepted if value is not None and any(s.assignment.value == value for s in kept) else False


def names(configured: Configured, rules: Iterable[Expectation], processes: Sequence[Process]) -> list[str]:
    """Give the variables to judge: those of the spec in its order, then the configured, then the others."""
    ordered = dict.fromkeys(rule.name for rule in rules)
    explained = {n for n, winner in configured.winners.items() if winner.source.kind == BY_DEFAULT}
    ordered |= dict.fromkeys(sorted(configured.settings.keys() - explained))
    readings = (p.running for p in processes)
    running = {name for reading in readings if reading.usable for name in reading.variables} - explained
    ordered |= dict.fromkeys(sorted(name for name in running if not excused(name, configured, processes)))
    return list(ordered)


def excused(name: str, configured: Configured, processes: Sequence[Process]) -> bool:
    """Tell whether a variable that no source sets is no finding.

    Where all is known that a supervisor hands on, what a version manager or a session exports has no excuse,
    unless the process is run by that version manager.
    """
    if not is_noise(name):
        return False
    if no_longer_given(name, configured, processes):
        return False
    base = any(a.source.kind == "supervisor-environment" for a in configured.applied)
    return not (base and not configured.gaps and is_foreign(name, _places(processes)))


# What holds options of a server: it is never set by that itself.
OPTIONS = frozenset(module.OPTIONS for module in SERVERS.values() if module.OPTIONS)


def no_longer_given(name: str, configured: Configured, processes: Sequence[Process]) -> bool:
    """Tell whether no source sets a variable with options, and one has changed since they started."""
    if name not in OPTIONS or name in configured.settings or not processes:
        return False
    started = min(p.started for p in processes)
    return any(a.source.stage is Stage.EXEC and a.changed > started for a in configured.applied)


def _places(processes: Sequence[Process]) -> tuple[str, ...]:
    """Give what tells who runs a process: its program, and the folder that stands first in its PATH."""
    paths = (p.running.variables.get("PATH", "").partition(":")[0] for p in processes)
    return (*(p.exe or "" for p in processes), *paths)


def judge(name: str, rule: Expectation | None, configured: Configured, server: Server) -> list[Judged]:
    """Judge one variable: a verdict for the processes that are wrong, else for those that are right.

    Processes that could not be read are undecided, beside whatever is true of the others.
    """
    expected = fresh(name, configured)
    processes = concerned(name, expected, server)
    values = {p.pid: now.variables.get(name) for p in processes if (now := p.running).usable}
    readable = [p for p in processes if p.pid in values]
    unreadable = tuple(p for p in processes if p.pid not in values)
    early = expected.winner is None or expected.winner.source.stage in (Stage.EXEC, Stage.CODE, Stage.START)
    absent = expected.winner is None and None in values.values()
    if configured.unread and early and (absent or any(_changed_inside(name, p) for p in readable)):
        # The server's own configuration may have done it, or would do it, and could not be read.
        expected = expected._replace(known=False)
    of_value = {value: right(name, rule, expected, value) for value in set(values.values())}
    is_right = {
        p.pid: None if not found and beyond(expected, p) else found
        for p in readable
        for found in [of_value[values[p.pid]]]
    }
    verdicts: list[Judged] = []
    for wanted in (False, True):
        members = tuple(p for p in readable if is_right[p.pid] is wanted)
        if members and not (wanted and verdicts):
            diagnosis = DIAGNOSES[_configured_right(rule, expected), wanted]
            if (
                diagnosis is Diagnosis.LATENT
                and not expected.settings
                and excused(name, configured, processes)
            ):
                # PATH and HOME come from what starts the server, not from its sources: nothing is lost.
                diagnosis = Diagnosis.UNPROVEN
            verdicts.append(Judged(name, diagnosis, rule, expected, members))
    hidden = tuple(p for p in readable if is_right[p.pid] is None)
    if hidden:
        verdicts.append(Judged(name, Diagnosis.UNDECIDED, rule, expected, hidden))
    if unreadable and rule is not None:
        verdicts.append(Judged(name, Diagnosis.UNDECIDED, rule, expected, unreadable))
    return verdicts


def _changed_inside(name: str, process: Process) -> bool:
    """Tell whether a process has changed a variable since it was exec'd."""
    at_exec, live = process.at_exec, process.live
    return at_exec.usable and live.usable and at_exec.variables.get(name) != live.variables.get(name)


def beyond(fresh: Fresh, process: Process) -> bool:
    """Tell whether a variable is set after the exec, and only what the process had then was read."""
    winner = fresh.winner
    late = winner is not None and (winner.source.stage is not Stage.EXEC or winner.source.kind == BY_DEFAULT)
    return late and not process.live.usable


def concerned(name: str, fresh: Fresh, server: Server) -> tuple[Process, ...]:
    """Give the processes that have to have a variable: not a master that does not load the application.

    What the application sets, by dotenv or by itself, is in the workers alone, unless it is preloaded.
    """
    winner = fresh.winner
    by_application = winner is not None and winner.source.stage is Stage.APPLICATION
    if winner is not None and _in_workers_alone(fresh.settings):
        masters = {g.master.pid for g in server.generations if g.master and g.workers}
        return tuple(p for p in server.processes if p.pid not in masters)
    idle = [g.master for g in server.generations if g.master and (by_application or _set_by_workers(name, g))]
    spared = {m.pid for m in idle if m.running.usable and name not in m.running.variables}
    return tuple(p for p in server.processes if p.pid not in spared)


def _in_workers_alone(settings: Sequence[Setting]) -> bool:
    """Tell whether a worker comes to another value than its master.

    A hook sets it in workers; and a worker sets raw_env once more, after what hooks have set in the master.
    """
    stage = settings[-1].source.stage
    coded = any(s.source.stage in (Stage.CODE, Stage.START) for s in settings)
    return stage is Stage.WORKER or (coded and stage in (Stage.CONFIG, Stage.ARGUMENT))


def _set_by_workers(name: str, generation: Generation) -> bool:
    """Tell whether all workers have a variable that they were not started with."""
    workers = generation.workers
    return bool(workers) and all(
        p.live.usable and name in p.live.variables and name not in p.at_exec.variables for p in workers
    )


def _configured_right(rule: Expectation | None, fresh: Fresh) -> bool | None:
    if not fresh.known:
        return None
    return rule is None or accepts(rule, fresh.value)

"""Whether a remedy may be carried out, what has to be gone afterwards, and the way back where it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envcheck.escaping import command, escape
from envcheck.judge import rights, verdict
from envcheck.model import (
    Action,
    AppReport,
    Outcome,
    Process,
    Result,
    Server,
    Severity,
    Snapshot,
    Step,
    Taken,
)
from envcheck.servers.signals import masters
from envcheck.supervisors import failed

UPGRADE = "another upgrade is in progress: two masters are alive"
REPLACED = "another upgrade is in progress: the master has been told to replace itself"
INCOMPLETE = "the steps are not complete: a part of them is not known, or may not be shown"
WAIT = "wait for its end, then look again"
# Which master may be ended first hangs on who watches them: the plan knows.
IN_ORDER = f"{WAIT}; or carry out the steps of the plan yourself, all of them and in their order"
NO_STEPS = "no restart is known to help"


def decided(app: AppReport, snapshot: Snapshot, fail_on: Severity) -> Outcome | None:
    """Say why nothing is to be tried; None: the steps may be run."""
    remedy = app.remedy
    helpless = remedy.action in (Action.REFUSE, Action.FIX_CONFIGURATION)
    if not remedy.steps and not helpless and verdict.of_app(app, fail_on) == verdict.OK:
        return Outcome(Result.NOTHING_TO_DO, verdict.OK, verified=True, why="all is as it should be")
    if helpless or not remedy.steps:
        return refused(remedy.note or NO_STEPS, remedy.steps)
    if why := hindered(app):
        return refused(why, remedy.steps, IN_ORDER if rights.complete(remedy.steps) else WAIT)
    if not remedy.sufficient or not rights.complete(remedy.steps):
        return refused(INCOMPLETE, remedy.steps)
    others = {p.uid for p in app.server.processes} - {snapshot.uid}
    if snapshot.uid != 0 and others and remedy.action is not Action.RECREATE:  # a container maps its users
        names = ", ".join(escape(snapshot.users.get(uid, str(uid))) for uid in sorted(others))
        return refused(
            f"it runs as {names}: not allowed",
            remedy.steps,
            "run envcheck as root, or with sudo; on other hosts --sudo",
        )
    why, way = rights.hindrance(app)
    return refused(why, remedy.steps, way) if why else None


def refused(why: str, steps: Sequence[Step] = (), way_back: str = "") -> Outcome:
    return Outcome(Result.REFUSED, verdict.REFUSED, not_done=tuple(steps), why=why, way_back=way_back)


def hindered(app: AppReport) -> str:
    """Say which upgrade is in progress: two masters, and the plan is not to end the old one."""
    return "" if app.remedy.action is Action.RETIRE_OLD else _upgrade(app.server)


def _upgrade(server: Server) -> str:
    if len(masters(server)) > 1:
        return UPGRADE
    return REPLACED if any(g.role == "old" for g in server.generations) else ""


def found(snapshot: Snapshot, app: AppReport) -> Server | None:
    """Find the server that a report is about, as it was read: what is told of it may be masked."""
    pids = {(p.pid, p.ticks) for p in app.server.processes}
    return next((s for s in snapshot.servers if pids & {(p.pid, p.ticks) for p in s.processes}), None)


def key(server: Server) -> tuple[object, ...]:
    """Give what stays the same when it is restarted: who owns it, or how it was started."""
    owner, first = server.owner, server.first
    if owner is not None:
        return server.kind, owner.kind, owner.name
    return server.kind, first.uid, first.cwd, server.arguments


def identities(server: Server, steps: Sequence[Step], snapshot: Snapshot) -> list[Process]:
    """Give the processes that a plan is about: masters, orphans, and all that its steps signal."""
    known = {**snapshot.ancestors, **{p.pid: p for p in server.processes}}
    orphans = (p for g in server.generations if g.master is None for p in g.workers)
    wanted = [*masters(server), *orphans, *(known[pid] for pid in signalled(steps) if pid in known)]
    return list({p.pid: p for p in wanted}.values())


def signalled(steps: Sequence[Step]) -> Iterator[int]:
    """Give the pids in steps of the form `kill -NAME PID`."""
    for step in steps:
        if len(step.argv) == 3 and step.argv[0] == "kill" and step.argv[2].isdigit():  # noqa: PLR2004
            yield int(step.argv[2])


def doomed(action: Action, server: Server) -> tuple[Process, ...]:
    """Give the processes that have to be gone when the remedy is done."""
    if action is Action.RELOAD:
        return tuple(p for g in server.generations for p in g.workers)
    generations = server.generations[:-1] if action is Action.RETIRE_OLD else server.generations
    return tuple(p for g in generations for p in g.processes)


def way_back(app: AppReport, taken: Sequence[Taken], not_done: Sequence[Step]) -> str:
    """Say how to get back to a server that runs; *app* is what is seen of it now."""
    again = [*(t.step for t in taken if t.status != "ok"), *not_done]
    if not any(t.status == "ok" for t in taken) and app.server.processes:
        return "no step was done, and the server runs: mend what has failed, then try again"
    if again:
        commands = "; ".join(command(step.argv) for step in again)
        runs = "" if app.server.processes else "it does not run: "
        first = "mend what has failed, then " if any(t.status == "failed" for t in taken) else ""
        return f"{runs}{first}run in this order: {commands}"
    owner, last = app.server.owner, taken[-1].step if taken else None
    reason = failed.reason(owner, last)
    log = f"{command(reason) or 'its log'} tells why"
    if not app.server.processes and last:
        commands = "; ".join(command(argv) for argv in failed.again(owner, last))
        return f"it does not run: {log}; mend that, then: {commands}"
    return f"{log}; mend that, then look again"

"""What the evidence for a cause is taken from, and what several causes ask of it."""

from __future__ import annotations

from typing import NamedTuple

from envcheck.judge.compare import Judged
from envcheck.model import Cause, Configured, Generation, Process, Server, Setting
from envcheck.moments import clock


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
RIGHTS = "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (sudo is enough; on other hosts --sudo)"
HELP: dict[str, str] = {"denied": RIGHTS, "hidden": RIGHTS}


def unread(processes: tuple[Process, ...]) -> Explanation:
    """Say why environments could not be read, by the layer that could have told."""
    first = processes[0]
    cause = UNREAD.get(first.at_exec.status, Cause.UNREADABLE)
    layers = f"at exec: {first.at_exec.status}, live: {first.live.status}"
    detail = "; ".join(d for d in (layers, first.live.detail or first.at_exec.detail) if d)
    remedy = HELP.get(first.running.status, "")
    return cause, f"its environment could not be read ({detail}){remedy and ': ' + remedy}"


def held_at_exec(name: str, process: Process, context: Context) -> str | None:
    """Give the value the process was exec'd with; where the block is damaged, what its master has."""
    if process.at_exec.usable:
        return process.at_exec.variables.get(name)
    master = context.generation(process).master
    return (master or process).running.variables.get(name)


def set_inside(name: str, processes: tuple[Process, ...], context: Context) -> bool:
    """Tell whether no process was exec'd with the variable that it has now."""
    return all(p.live.usable and held_at_exec(name, p, context) is None for p in processes)


def others(name: str, context: Context) -> list[Setting]:
    return [s for s in context.configured.others if s.assignment.name == name]


def other_place(judged: Judged, context: Context) -> Setting | None:
    """Give the place that a fresh process does not come to, and that has set what the processes have."""
    values = {p.running.variables.get(judged.name) for p in judged.processes}
    found = [
        s for s in others(judged.name, context) if s.assignment.dynamic or {s.assignment.value} == values
    ]
    return found[-1] if found else None


def told(setting: Setting) -> str:
    by = setting.assignment.by
    return f"{by} at {setting.origin}" if by else setting.origin


def last_change(settings: tuple[Setting, ...], configured: Configured) -> tuple[float, str]:
    """Say when what decides about a variable last changed, and where."""
    if settings:
        return settings[-1].changed, settings[-1].origin
    changes = [(a.changed, a.source.path) for a in configured.applied]
    return max(changes, default=(0.0, ""))

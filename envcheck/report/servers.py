"""The table of `ps`: a line for each generation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envcheck.escaping import escape
from envcheck.model import Gap, Generation, HostReport, Process, Server, Snapshot
from envcheck.moments import clock

HEADER = ("APP", "SERVER", "MASTER", "WORKERS", "USER", "SINCE", "GENERATION", "ENVIRONMENT", "FOLDER")
WIDEST = 32  # columns for a name
ELLIPSIS = "..."


def render(found: Sequence[Snapshot | HostReport]) -> str:
    """A table for each host; more than this machine alone: under the name of each."""
    if len(found) == 1 and isinstance(found[0], Snapshot):
        return _table(found[0])
    return "\n".join(f"{escape(_name(one))}:\n{_table(one)}" for one in found)


def _name(one: Snapshot | HostReport) -> str:
    return one.name if isinstance(one, HostReport) else one.host


def _table(snapshot: Snapshot | HostReport) -> str:
    if isinstance(snapshot, HostReport):
        hints = [f"hint: {escape(gap.hint)}" for gap in snapshot.gaps if gap.hint]
        return "".join(f"{line}\n" for line in (*map(_unread, snapshot.gaps), *hints))
    rows = [HEADER, *(row for server in snapshot.servers for row in _rows(server, snapshot))]
    if len(rows) == 1:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER) - 1)]
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(row[:-1], widths, strict=True)), row[-1]]) for row in rows
    ]
    lines += map(_unread, snapshot.gaps)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _unread(gap: Gap) -> str:
    return f"not read: {escape(gap.what)}: {escape(gap.why)}"


def _rows(server: Server, snapshot: Snapshot) -> Iterator[tuple[str, ...]]:
    for generation in server.generations:
        first = generation.processes[0]
        yield (
            _shortened(escape(server.name)),
            server.kind,
            str(generation.master.pid) if generation.master else "gone",
            str(len(generation.workers)),
            escape(snapshot.users.get(first.uid, str(first.uid))),
            clock(first.started, snapshot.taken),
            _generation(generation),
            readable(generation.processes),
            escape(first.cwd or "?"),
        )


def _shortened(name: str) -> str:
    """Leave the middle out of a name that would make the table wide for all; JSON has it whole."""
    if len(name) <= WIDEST:
        return name
    half = (WIDEST - len(ELLIPSIS)) // 2
    return name[: WIDEST - len(ELLIPSIS) - half] + ELLIPSIS + name[-half:]


def _generation(generation: Generation) -> str:
    return generation.role + (", re-exec'd" if generation.reexeced else "")


def readable(processes: Iterable[Process]) -> str:
    """Sum up what can be read: the worst over the processes, each layer by its state."""
    live = sorted({p.live.status for p in processes}, key=lambda status: status == "ok")
    at_exec = sorted({p.at_exec.status for p in processes}, key=lambda status: status == "ok")
    if live[0] == at_exec[0] == "ok":
        return "readable"
    return f"live {live[0]}, at exec {at_exec[0]}"

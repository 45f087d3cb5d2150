"""The table of `ps`: a line for each generation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envcheck.escaping import escape
from envcheck.model import AppReport, Gap, Generation, HostReport, Listed, Process, Snapshot
from envcheck.moments import clock

# Those that are left out where they say the same of all: what that is.
COLUMNS = {
    "APP": None,
    "SERVER": None,
    "MASTER": None,
    "WORKERS": None,
    "SINCE": None,
    "STATE": None,
    "SUPERVISOR": None,
    "GENERATION": "current",
    "ENVIRONMENT": "readable",
    "USER": None,
    "FOLDER": None,
}
MORE = frozenset({"USER"})  # is told with -v
WIDEST = 32  # columns for a name
ELLIPSIS = "..."


def render(found: Sequence[Listed | HostReport], *, verbose: bool = False) -> str:
    """A table for each host; more than this machine alone: under the name of each."""
    if len(found) == 1 and isinstance(found[0], Listed):
        return _table(found[0], verbose=verbose)
    return "\n".join(f"{escape(_name(one))}:\n{_table(one, verbose=verbose)}" for one in found)


def _name(one: Listed | HostReport) -> str:
    return one.name if isinstance(one, HostReport) else one.snapshot.host


def _table(one: Listed | HostReport, *, verbose: bool) -> str:
    if isinstance(one, HostReport):
        hints = [f"hint: {escape(gap.hint)}" for gap in one.gaps if gap.hint]
        return "".join(f"{line}\n" for line in (*map(_unread, one.gaps), *hints))
    if not one.apps:
        return ""
    told = [row for app in one.apps for row in _rows(app, one.snapshot)]
    every = zip(COLUMNS.items(), zip(*told, strict=True), strict=True)
    columns = [
        (name, *cells)
        for (name, usual), cells in every
        if set(cells) != {usual} and (verbose or name not in MORE)
    ]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines += map(_unread, one.snapshot.gaps)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _unread(gap: Gap) -> str:
    return f"not read: {escape(gap.what)}: {escape(gap.why)}"


def _rows(app: AppReport, snapshot: Snapshot) -> Iterator[tuple[str, ...]]:
    owner = app.server.owner
    for generation in app.server.generations:
        first = generation.processes[0]
        yield (
            _shortened(escape(app.name)),
            app.server.kind,
            str(generation.master.pid) if generation.master else "gone",
            str(len(generation.workers)),
            clock(first.started, snapshot.taken),
            app.state,
            _shortened(escape(f"{owner.kind} {owner.name}")) if owner else "-",
            _generation(generation),
            readable(generation.processes),
            escape(snapshot.users.get(first.uid, str(first.uid))),
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

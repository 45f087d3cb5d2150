"""Rows with goals, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from typing import Any, NamedTuple

from .timing import Measured, Spent

HEAD = ("measure", "", "ours ms", "theirs ms", "ratio", "cpu ratio", "goal", "")


class Goal(NamedTuple):
    bound: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


class Row(NamedTuple):
    """One comparison; `value` is what the goal is about: a ratio, or a number of something."""

    measure: str
    what: str
    value: float
    goal: Goal | None = None
    ours: Spent | None = None
    theirs: Spent | None = None
    cpu: float | None = None

    @property
    def met(self) -> bool:
        return self.goal is None or self.goal.is_met(self.value)

    def cells(self) -> tuple[str, ...]:
        return (
            self.measure,
            self.what,
            _number(self.ours.wall if self.ours else None),
            _number(self.theirs.wall if self.theirs else None),
            _number(self.value),
            _number(self.cpu),
            str(self.goal or ""),
            "" if self.goal is None else "ok" if self.met else "MISSED",
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            "what": self.what,
            "value": self.value,
            "value_cpu": self.cpu,
            "ours_ms": self.ours and self.ours._asdict(),
            "theirs_ms": self.theirs and self.theirs._asdict(),
            "goal": self.goal and str(self.goal),
            "met": self.met,
        }


def at_most(bound: float) -> Goal:
    return Goal(bound)


def at_least(bound: float) -> Goal:
    return Goal(bound, at_least=True)


def slower(
    measure: str, what: str, measured: Measured, names: tuple[str, str], goal: Goal | None = None
) -> Row:
    """Compare ours with theirs, named in this order."""
    ours, theirs = names
    ratio = measured.ratio(ours, theirs)
    return Row(measure, what, ratio.wall, goal, measured.median(ours), measured.median(theirs), ratio.cpu)


def faster(
    measure: str, what: str, measured: Measured, names: tuple[str, str], goal: Goal | None = None
) -> Row:
    """Compare theirs with ours; ours are named first."""
    ours, theirs = names
    ratio = measured.ratio(theirs, ours)
    return slower(measure, what, measured, names, goal)._replace(value=ratio.wall, cpu=ratio.cpu)


def text(rows: Sequence[Row]) -> str:
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    words = range(2)
    return "".join(
        "  ".join(
            cell.ljust(width) if i in words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )


def as_json(rows: Sequence[Row], rounds: int) -> str:
    machine = {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    return json.dumps(
        {"rounds": rounds, "machine": machine, "rows": [row.as_json() for row in rows]}, indent=2
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value == int(value) else f"{value:.2f}"

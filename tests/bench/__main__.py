"""Measure, compare with the goals, and exit with 1 if one is missed."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench import world
from bench.timing import Command, alternate
from envcheck.hosts.local import Local

ROUNDS = 15


class Row(NamedTuple):
    what: str
    value: float
    unit: str
    goal: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal


OURS = """\
import sys
sys.path.insert(0, {folder!r})
from probe.scan import environments
found = environments(["/python", "/ruby"], ["unicorn"])
print(len(found), sum(len(e) for _, _, e in found))
"""
PSUTIL = """\
import psutil
found = [p.info["environ"] for p in psutil.process_iter(["cmdline", "environ"])
         if any("unicorn" in word for word in p.info["cmdline"] or ())]
"""
NOTHING = """\
import typer
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
@app.command()
def main() -> None: ...
app()
"""


def scan(folder: Path) -> Iterator[Row]:
    """The probe's scan among 2,000 processes."""
    ours = OURS.format(folder=str(world.ROOT / "envcheck"))
    commands = {
        "ours": Command([sys.executable, "-I", "-S", "-c", ours]),
        "c": Command([str(world.compile_c("scan", folder))]),
        "ps": Command(["ps", "auxeww"]),
        "pgrep": Command(
            ["sh", "-c", 'for p in $(pgrep -f "[g]unicorn"); do cat /proc/$p/environ; done'], fine=(0, 1)
        ),
        "psutil": Command([sys.executable, "-c", PSUTIL]),
    }
    with world.processes(folder, idle=2000, alike=64):
        measured = alternate(commands, ROUNDS)
    yield Row("scan of 2,000 processes / the same in C", measured.ratio("ours", "c"), "x", 2.0)
    yield Row("ps auxeww / scan", measured.ratio("ps", "ours"), "x", 5.0, at_least=True)
    yield Row("pgrep -f and cat / scan", measured.ratio("pgrep", "ours"), "x", 6.0, at_least=True)
    yield Row("psutil.process_iter / scan", measured.ratio("psutil", "ours"), "x", 8.0, at_least=True)
    yield Row("scan", measured.median_ms("ours"), "ms", float("inf"))


def live(folder: Path) -> Iterator[Row]:
    """A live read of 50 workers, in process."""
    request = {"op": "scan", "interpreters": ["/python"], "words": ["gunicorn"]}
    with world.gunicorn(folder, workers=50, variables=60):
        times: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for kind, seconds in times.items():
                start = time.perf_counter()
                Local().ask([{**request, "live": kind}])
                seconds.append(time.perf_counter() - start)
    added = min(times[True]) - min(times[False])
    yield Row("live read of a master and 50 workers, beside the rest", added * 1000, "ms", 40.0)


def check(folder: Path) -> Iterator[Row]:
    """The whole command, with 500 processes and a spec of 60 variables."""
    nothing = folder / "nothing.py"
    nothing.write_text(NOTHING)
    with world.gunicorn(folder, workers=2, variables=60) as spec, world.processes(folder, idle=500, alike=0):
        commands = {
            "ours": Command([str(world.BIN / "envcheck"), "check", "-s", str(spec)]),
            "nothing": Command([sys.executable, str(nothing)]),
        }
        measured = alternate(commands, ROUNDS * 2)
    yield Row(
        "envcheck check / a Typer program that does nothing", measured.ratio("ours", "nothing"), "x", 1.6
    )
    yield Row("envcheck check", measured.median_ms("ours"), "ms", float("inf"))


def main() -> int:
    rows: list[Row] = []
    for measure in (scan, live, check):
        with tempfile.TemporaryDirectory() as name:
            rows += measure(Path(name))
    for row in rows:
        bound = "" if row.goal == float("inf") else f"{'>=' if row.at_least else '<='} {row.goal:g}"
        print(
            f"{row.what:<55} {row.value:8.2f} {row.unit:<3} {bound:<8} {'' if row.met else 'MISSED'}".rstrip()
        )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

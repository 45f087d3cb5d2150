"""The whole `envcheck check` on this machine, against a Typer program that does nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from .modules import HEAVY, loaded
from .table import Row, at_most, slower
from .timing import Whole, alternate
from .world import BIN, crowd, gunicorn

NOTHING = """\
import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)


@app.command()
def nothing() -> None:
    pass


if __name__ == "__main__":
    app()
"""
IDLE, WORKERS, VARIABLES = 500, 2, 60


def check(folder: Path, rounds: int) -> Iterator[Row]:
    nothing = folder / "nothing.py"
    nothing.write_text(NOTHING)
    with gunicorn(folder, WORKERS, VARIABLES) as spec, crowd(folder, IDLE):
        jobs = {
            "ours": Whole([sys.executable, str(BIN / "envcheck"), "check", "-s", str(spec)]),
            "typer": Whole([sys.executable, str(nothing)]),
            "python": Whole([sys.executable, "-c", "pass"]),
        }
        said = jobs["ours"].output().decode()
        if "shop" not in said:
            raise RuntimeError(f"the check has not found its app: {said}")
        measured = alternate(jobs, rounds)
    yield slower("check", "check / a Typer no-op", measured, ("ours", "typer"), at_most(1.6))
    yield slower("check", "check / `python -c pass`", measured, ("ours", "python"))
    yield slower("check", "the Typer no-op / `python -c pass`", measured, ("typer", "python"))


def modules(folder: Path, _rounds: int) -> Iterator[Row]:
    with gunicorn(folder, WORKERS, VARIABLES) as spec:
        status, names = loaded(["check", "-s", str(spec)])
    if status:
        raise RuntimeError(f"the check has exited with {status}")
    heavy = sorted(HEAVY & names)
    what = "heavy modules loaded" + (f": {', '.join(heavy)}" if heavy else "")
    yield Row("modules", what, len(heavy), at_most(0))
    own = sum(name.partition(".")[0] == "envcheck" for name in names)
    yield Row("modules", f"modules loaded, {own} of them ours", len(names))

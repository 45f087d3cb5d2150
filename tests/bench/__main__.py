"""Measure, print a table, and exit with 1 where a goal is missed."""

from __future__ import annotations

import argparse
import compileall
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import envcheck

from . import table
from .checking import check, modules
from .fleet import fleet
from .onehost import onehost
from .reading import live
from .scanning import scan, syscalls
from .supervised import systemd
from .waiting import waiting

ROUNDS = 25
MEASURES: Mapping[str, Callable[[Path, int], Iterator[table.Row]]] = {
    "scan": scan,
    "syscalls": syscalls,
    "live": live,
    "check": check,
    "systemd": systemd,
    "modules": modules,
    "waiting": waiting,
    "onehost": onehost,
    "fleet": fleet,
}
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds of each measure (default: %(default)s)"
    )
    parser.add_argument("--only", choices=MEASURES, action="append", help="one measure (repeatable)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows here")
    given = parser.parse_args()
    for number in ENDINGS:
        signal.signal(number, _leave)
    compileall.compile_dir(envcheck.__path__[0], quiet=2)  # as pip leaves it
    rows: list[table.Row] = []
    for name in given.only or MEASURES:
        print(f"measuring: {name}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="envcheck-bench-") as folder:
            rows += MEASURES[name](Path(folder), given.rounds)
    print(table.text(rows), end="")
    if given.json:
        given.json.write_text(table.as_json(rows, given.rounds) + "\n")
    return 0 if all(row.met for row in rows) else 1


def _leave(number: int, _frame: object) -> None:
    """End all that was started on the way out, and let nothing interrupt that."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

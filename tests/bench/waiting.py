"""What `check --wait` costs while it looks at 16 workers that do not become what they should be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from .table import Row, at_most
from .timing import Whole, alternate
from .world import BIN, gunicorn

WORKERS, VARIABLES = 16, 60
SHORT, LONG = 2, 12  # seconds; the difference is what waiting costs, without start and end
PER_CENT = 2.0
RUNS = 3  # each takes as long as it waits


def waiting(folder: Path, _rounds: int) -> Iterator[Row]:
    with gunicorn(folder, WORKERS, VARIABLES) as spec:
        (folder / "env.d" / "SHOP_SETTING_00").write_text("another value\n")
        argv = [sys.executable, str(BIN / "envcheck"), "check", "-s", str(spec), "--wait"]
        jobs = {str(s): Whole([*argv, f"{s}s"], fine=(1,)) for s in (SHORT, LONG)}
        measured = alternate(jobs, RUNS)
    spent = measured.median(str(LONG)).cpu - measured.median(str(SHORT)).cpu
    share = spent / (LONG - SHORT) / 10  # milliseconds of CPU in a second, as per cent
    yield Row("waiting", f"% of one core while --wait looks at {WORKERS} workers", share, at_most(PER_CENT))

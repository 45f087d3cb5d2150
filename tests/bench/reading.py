"""A live read of many workers, in process: what the debugger's path adds to the facts of a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from .table import Row, slower
from .timing import Inner, Spent, alternate
from .world import PACKAGE, family

WORKERS = 50

# A process of its own each time: where `environ` lies is searched for once, as in a real run.
FACTS = f"""
import os, sys, time
sys.path.insert(0, {str(PACKAGE)!r})
from probe import answer
live, pids = sys.argv[1] == "live", [int(pid) for pid in sys.argv[2:]]
answer([{{"op": "process", "pids": [os.getpid()], "live": True}}])  # all modules are there
wall, cpu = time.perf_counter(), time.process_time()
(result,) = answer([{{"op": "process", "pids": pids, "live": live}}])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
read = [one["live" if live else "environ"] for one in result["processes"]]
assert [one["status"] for one in read] == ["ok"] * len(pids), read
assert not live or all(len(one["entries"]) == 60 for one in read), read
print(wall * 1000, cpu * 1000)
"""
# What any reader needs at least.
BYTES = """
import sys, time
wall, cpu = time.perf_counter(), time.process_time()
for pid in sys.argv[1:]:
    with open("/proc/" + pid + "/environ", "rb", 0) as file:
        assert file.read()
print((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000)
"""
BARE = [sys.executable, "-I", "-S", "-c"]


def live(_folder: Path, rounds: int) -> Iterator[Row]:
    with family(WORKERS) as pids:
        named = [str(pid) for pid in pids]
        jobs = {
            "live": Inner([*BARE, FACTS, "live", *named]),
            "facts": Inner([*BARE, FACTS, "at exec", *named]),
            "bytes": Inner([*BARE, BYTES, *named]),
        }
        measured = alternate(jobs, rounds)
    added = [
        Spent(a.wall - b.wall, a.cpu - b.cpu)
        for a, b in zip(measured.rounds["live"], measured.rounds["facts"], strict=True)
    ]
    with_added = measured._replace(rounds={**measured.rounds, "added": added})
    yield slower("live", f"facts of {WORKERS} workers, live / at exec", measured, ("live", "facts"))
    yield slower("live", "live read alone / environ files alone", with_added, ("added", "bytes"))
    each = with_added.median("added").wall * 1000 / WORKERS
    yield Row("live", "microseconds for each live read", each)

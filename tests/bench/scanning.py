"""The probe's scan among many processes, as a whole process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from envcheck.servers import SERVERS

from .table import Row, at_least, at_most, faster, slower
from .timing import ENVIRONMENT, Whole, alternate
from .world import MARK, PACKAGE, compiled, crowd, need

IDLE, ALIKE = 2000, 64
WORDS = sorted({word for server in SERVERS.values() for word in server.WORDS})
INTERPRETERS = sorted({part for server in SERVERS.values() for part in server.INTERPRETERS})

IMPORT = f"import sys; sys.path.insert(0, {str(PACKAGE)!r}); from probe.scan import environments\n"
OURS = f"""{IMPORT}
for _, _, environ in environments({INTERPRETERS}, {WORDS}):
    sys.stdout.buffer.write(environ)
"""
CAT = "for p in $(pgrep -f '[g]unicorn'); do cat /proc/$p/environ; done"
ONE_STEP = f"""
import psutil
for process in psutil.process_iter(["pid", "name", "cmdline", "environ"]):
    if any(word in part for word in {WORDS} for part in process.info["cmdline"] or ()):
        print(process.info["environ"])
"""
TWO_STEPS = f"""
import psutil
for process in psutil.process_iter(["cmdline"]):
    if any(word in part for word in {WORDS} for part in process.info["cmdline"] or ()):
        try:
            print(process.environ())
        except psutil.Error:
            pass
"""
PYTHON = ["python3", "-I", "-S", "-c"]  # the system's, under which the probe runs on a target
SAME = [sys.executable, "-I", "-S", "-c"]  # the one that has psutil


def scan(folder: Path, rounds: int) -> Iterator[Row]:
    need("python3", "ps", "pgrep")
    jobs = {
        "ours": Whole([*PYTHON, OURS]),
        "c": Whole([compiled("scan", folder), *WORDS, "--", *INTERPRETERS]),
        "ps": Whole(["ps", "auxeww"]),
        "cat": Whole(["sh", "-c", CAT], fine=(0, 1)),  # a process of somebody else may have ended meanwhile
        "psutil": Whole([sys.executable, "-c", ONE_STEP]),
        "psutil, two steps": Whole([sys.executable, "-c", TWO_STEPS]),
        "ours, same python": Whole([*SAME, OURS]),
        "bare": Whole([*PYTHON, "pass"]),
    }
    with crowd(folder, IDLE, ALIKE):
        for name, job in jobs.items():
            seen = job.output().count(MARK.encode())
            if seen != (0 if name == "bare" else ALIKE):
                raise RuntimeError(f"{name} has found {seen} of {ALIKE} servers")
        measured = alternate(jobs, rounds)
    same = "ours, same python"
    yield faster("scan", "`ps auxeww` / scan", measured, ("ours", "ps"), at_least(5))
    yield faster("scan", "`pgrep -f`, `cat` / scan", measured, ("ours", "cat"), at_least(6))
    yield faster("scan", "psutil, 4 attributes / scan", measured, (same, "psutil"), at_least(8))
    yield faster("scan", "psutil, cmdline first / scan", measured, (same, "psutil, two steps"))
    yield slower("scan", "scan / the same in C", measured, ("ours", "c"), at_most(2))
    yield slower("scan", "scan, this Python / the same in C", measured, (same, "c"))
    yield slower("scan", "scan / `python3 -I -S -c pass`", measured, ("ours", "bare"))


def syscalls(folder: Path, _rounds: int) -> Iterator[Row]:
    """Count system calls for a process that is no candidate: those of a scan that finds none."""
    need("strace")
    listing = f"{IMPORT}print(len(environments({['/no such/']}, {WORDS})))"
    with crowd(folder, IDLE) as people:
        calls = _calls([*PYTHON, listing], folder) - _calls([*PYTHON, IMPORT], folder)
        seen = sum(1 for entry in Path("/proc").iterdir() if entry.name.isdigit())
        if seen < len(people.pids):
            raise RuntimeError("/proc does not list all processes")
    yield Row("syscalls", f"for each of {seen} processes that are no candidates", calls / seen, at_most(1.2))


def _calls(argv: list[str], folder: Path) -> int:
    trace = folder / "trace"
    subprocess.run(
        ["strace", "-f", "-o", trace, *argv], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL
    )
    with trace.open("rb") as lines:
        return sum(1 for _ in lines)

"""Jobs in turn, A B C A B C: ratios are taken round by round, so that a slow moment hits all alike."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import NamedTuple

# Nothing of the caller's: PYTHONDONTWRITEBYTECODE would have modules compiled anew by each run.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/",
    "LANG": "C.UTF-8",
}
OUTPUT = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]


class Spent(NamedTuple):
    """Milliseconds; or, of two of them, ratios."""

    wall: float
    cpu: float


Job = Callable[[], Spent]


class Measured(NamedTuple):
    """What each job spent in each round."""

    rounds: Mapping[str, list[Spent]]

    def median(self, name: str) -> Spent:
        return _medians(self.rounds[name])

    def ratio(self, name: str, other: str) -> Spent:
        """Give the median of the ratios of all rounds."""
        pairs = zip(self.rounds[name], self.rounds[other], strict=True)
        return _medians([Spent(a.wall / b.wall, a.cpu / b.cpu) for a, b in pairs])


def _medians(spent: Sequence[Spent]) -> Spent:
    return Spent(median(s.wall for s in spent), median(s.cpu for s in spent))


def alternate(jobs: Mapping[str, Job], rounds: int) -> Measured:
    """Run each job once without counting, then *rounds* times in turn."""
    for job in jobs.values():
        job()
    spent: dict[str, list[Spent]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            spent[name].append(job())
    return Measured(spent)


@dataclass(frozen=True)
class Whole:
    """A whole process, from its start to its exit."""

    argv: list[str]
    fine: tuple[int, ...] = (0,)  # exit statuses

    def __call__(self) -> Spent:
        # Not by the caller's PATH: its python3 may be a script that looks for one.
        program = shutil.which(self.argv[0], path=ENVIRONMENT["PATH"]) or self.argv[0]
        start = perf_counter()
        pid = os.posix_spawn(program, self.argv, ENVIRONMENT, file_actions=OUTPUT)
        _, status, usage = os.wait4(pid, 0)
        wall = perf_counter() - start
        self._judge(os.waitstatus_to_exitcode(status))
        return Spent(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)

    def output(self) -> bytes:
        done = subprocess.run(
            self.argv, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        self._judge(done.returncode)
        return done.stdout

    def _judge(self, status: int) -> None:
        if status not in self.fine:
            raise RuntimeError(f"{self.argv} ended with {status}")


@dataclass(frozen=True)
class Inner:
    """A part of a process, which prints the milliseconds that it took: wall and CPU."""

    argv: list[str]

    def __call__(self) -> Spent:
        wall, cpu = Whole(self.argv).output().split()
        return Spent(float(wall), float(cpu))

"""Whole processes in turn, A B C A B C; ratios are taken round by round, so a slow moment hits all alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import NamedTuple


class Command(NamedTuple):
    argv: Sequence[str]
    fine: Sequence[int] = (0,)  # exit statuses


class Measured(NamedTuple):
    seconds: Mapping[str, list[float]]

    def median_ms(self, name: str) -> float:
        return median(self.seconds[name]) * 1000

    def ratio(self, name: str, other: str) -> float:
        pairs = zip(self.seconds[name], self.seconds[other], strict=True)
        return median(a / b for a, b in pairs)


def alternate(commands: Mapping[str, Command], rounds: int) -> Measured:
    """Run each command once without counting, then *rounds* times in turn."""
    jobs = {name: _runner(command) for name, command in commands.items()}
    for job in jobs.values():
        job()
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = perf_counter()
            job()
            seconds[name].append(perf_counter() - start)
    return Measured(seconds)


def _runner(command: Command) -> Callable[[], None]:
    # Without this a command would be compiled anew each time.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]

    def run() -> None:
        pid = os.posix_spawnp(command.argv[0], list(command.argv), env, file_actions=quiet)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status not in command.fine:
            raise RuntimeError(f"{command.argv[0]} ended with {status}")

    return run

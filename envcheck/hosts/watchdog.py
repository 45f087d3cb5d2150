"""One thread that watches the time of all hosts: one for each of them costs as much as a message does."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from time import monotonic

_awake = threading.Condition()
_watched: list[tuple[float, int]] = []  # when, and the number of what is to be done then
_steps: dict[int, Callable[[], object]] = {}
_numbers = count()
_begun = False


def watch(seconds: float, step: Callable[[], object]) -> Callable[[], None]:
    """Do a step then, in a thread of its own: it may hang. Give what keeps it from being done."""
    global _begun  # noqa: PLW0603 - there is one such thread
    with _awake:
        number = next(_numbers)
        _steps[number] = step
        heapq.heappush(_watched, (monotonic() + seconds, number))
        if not _begun:
            threading.Thread(target=_run, name="watchdog", daemon=True).start()
            _begun = True
        elif _watched[0][1] == number:
            _awake.notify()

    def calm() -> None:
        with _awake:
            _steps.pop(number, None)
            if not _steps:
                _awake.notify()

    return calm


def _run() -> None:
    """Watch until nothing is left to be watched."""
    global _begun  # noqa: PLW0603
    while True:
        with _awake:
            while _steps and (left := _watched[0][0] - monotonic()) > 0:
                _awake.wait(left)
            if not _steps:
                _watched.clear()
                _begun = False
                return
            step = _steps.pop(heapq.heappop(_watched)[1], None)
        if step is not None:
            threading.Thread(target=step, daemon=True).start()

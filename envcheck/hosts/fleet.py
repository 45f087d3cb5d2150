"""Many hosts at once: a bounded pool of threads, a deadline for each host from outside, results as they come.

A thread is cheap here: what a host costs is the key exchange, and that releases the interpreter.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

from envcheck.errors import HostError
from envcheck.hosts import Host

T = TypeVar("T")

PARALLEL = 32
WAITING = 4  # results that may wait to be taken while all threads are at work
GRACE = 0.5  # seconds after its deadline in which a host may still say for itself what went wrong
TICK = 0.1  # seconds between looks at the clock
ENDING = 0.5  # seconds for threads to end whose hosts have been let go


class Result(NamedTuple, Generic[T]):
    host: Host
    value: T | BaseException


class Fleet(Generic[T]):
    """Looks at each host once. *timeout*: seconds for one host, counted from when its turn comes."""

    def __init__(
        self, hosts: Sequence[Host], look: Callable[[Host], T], *, parallel: int, timeout: float
    ) -> None:
        self.look = look
        self.parallel = max(1, min(parallel, len(hosts)))
        self.timeout = timeout
        self.waiting = deque(hosts)
        self.left = len(hosts)
        self.running: dict[int, tuple[Host, float]] = {}  # by id: two hosts may have one name
        self.done: SimpleQueue[Result[T]] = SimpleQueue()
        # What was seen of a host is large: no more hosts are begun while results wait to be taken.
        self.room = threading.Semaphore(self.parallel + WAITING)
        self.threads: list[threading.Thread] = []

    def slow(self, seconds: float) -> list[tuple[str, float]]:
        """Give the hosts that have taken longer so far, the slowest first, with the seconds."""
        now = time.monotonic()
        taken = ((host.name, now - began) for host, began in list(self.running.values()))
        return sorted((pair for pair in taken if pair[1] > seconds), key=lambda pair: -pair[1])

    def results(self) -> Iterator[Result[T] | None]:
        """Give each host's result as it comes; None now and then, when nothing has come.

        Whoever stops listening before the end lets go of all hosts.
        """
        try:
            for _ in range(self.parallel):
                self._start(self._work)
            while self.left:
                result = self._next()
                if result is not None:
                    self.left -= 1
                yield result
                if result is not None:
                    del result
                    self.room.release()
        finally:
            self.waiting.clear()
            self.room.release(len(self.threads))
            for host, _ in list(self.running.values()):
                self._start(partial(_let_go, host))
            end = time.monotonic() + ENDING
            for thread in self.threads:
                thread.join(max(0.0, end - time.monotonic()))

    def _start(self, work: Callable[[], None]) -> None:
        # A thread that hangs, in the resolver for one, must not keep the program from ending.
        thread = threading.Thread(target=work, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            self.room.acquire()
            try:
                host = self.waiting.popleft()
            except IndexError:
                self.room.release()
                return
            self.running[id(host)] = host, time.monotonic()
            value = self._looked(host)
            if self.running.pop(id(host), None) is None:
                return  # given up meanwhile, and another thread works in this one's place
            self.done.put(Result(host, value))
            del value

    def _looked(self, host: Host) -> T | BaseException:
        try:
            return self.look(host)
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is seen
            return error

    def _next(self) -> Result[T] | None:
        try:
            return self.done.get(timeout=TICK)
        except Empty:
            pass
        late = time.monotonic() - self.timeout - GRACE
        for key, (host, began) in list(self.running.items()):
            if began < late and self.running.pop(key, None) is not None:
                return self._given_up(host)
        return None

    def _given_up(self, host: Host) -> Result[T]:
        self._start(partial(_let_go, host))
        self._start(self._work)
        why = f"it was not done within {self.timeout:g} s"
        return Result(host, HostError("timed-out", "looking at it", why, "--timeout gives it more time"))


def _let_go(host: Host) -> None:
    """Close it while it is at work, which may fail in any way: there is nobody left to tell."""
    with suppress(Exception):
        host.close()

"""A host that is on its way to being reached while this side still does something else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from envcheck.hosts.deadline import Deadline

T = TypeVar("T")

SWITCH = 0.0005  # seconds after which whoever computes lets another thread on: this one has little to do


class Ahead(Generic[T]):
    """What *make* gives, made in a thread from now on. It ends in time by itself: *deadline* bounds it.

    *undo* is done to what was made for nobody.
    """

    def __init__(self, deadline: Deadline, make: Callable[[], T], undo: Callable[[T], object]) -> None:
        self.deadline = deadline
        self._make = make
        self._undo = undo
        self._made: list[T] = []
        self._failed: BaseException | None = None
        self._dropped = False
        self._lock = threading.Lock()
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        # A resolver that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            made = self._make()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is seen
            self._failed = error
            return
        with self._lock:
            self._made.append(made)
        if self._dropped:
            self.drop()

    def result(self) -> T:
        """Wait for it. Raises what the making of it raised."""
        try:
            self._thread.join()
        except BaseException:
            self.drop()
            raise
        finally:
            sys.setswitchinterval(self._interval)
        if self._failed is not None:
            raise self._failed
        return self._made[0]

    def drop(self) -> None:
        """Undo it, now or as soon as it is made."""
        self._dropped = True
        with self._lock:
            made, self._made = self._made, []
        for one in made:
            self._undo(one)

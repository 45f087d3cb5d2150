"""One total deadline for all that is done with a host."""

import time

from envcheck.errors import HostError

LATE = "--timeout gives a slow host more time"


class Deadline:
    """Counts from its making. *total* and *connect* are seconds; *connect* bounds reaching the host."""

    def __init__(self, total: float, connect: float) -> None:
        self.total = total
        self.started = time.monotonic()
        self.end = self.started + total
        self.connect = connect

    def extend(self, seconds: float) -> None:
        """Count from now on."""
        self.total = seconds
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; never below 0."""
        return max(0.0, self.end - time.monotonic())

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.end

    def over(self, phase: str) -> HostError:
        """Give the state of a host for which the time was not enough."""
        return HostError("timed-out", phase, f"the time of {self.total:g} s was over", LATE)

    def connecting(self) -> float:
        """Seconds that reaching the host may still take."""
        return min(self.connect, self.left)

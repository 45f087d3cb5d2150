"""A duplex stream of bytes to a command on a target, and how it ended."""

from typing import NamedTuple, Protocol

from envcheck.hosts.deadline import Deadline

STDERR = 65536  # bytes kept
FLOOD = 4194304  # bytes of standard error that no honest target sends


class Ended(NamedTuple):
    """`code`: exit status; None where the target told none. `stderr`: its beginning."""

    code: int | None
    stderr: bytes


class Stream(Protocol):
    deadline: Deadline
    near: bool  # whether it is so close by that the number of bytes hardly counts; False: who knows

    def send(self, data: bytes) -> None:
        """Send all of it. Raises HostError when the time is over; a closed other end is told by `receive`."""
        ...

    def receive(self) -> bytes:
        """Some bytes of standard output; b"" at its end. Raises HostError when the time is over."""
        ...

    def ended(self) -> Ended:
        """How it ended, once `receive` has given b""."""
        ...

    def extend(self, seconds: float) -> None:
        """Give it so many seconds from now on; the time that it had is void."""
        ...

    def close(self) -> None:
        """Cut the connection; whatever runs at the other end sees its input end."""
        ...

"""The only door to the outside: a host executes requests with the probe and gives raw answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

# A request and an answer are what envcheck/probe takes and gives: plain values that fit into JSON, and bytes.
Request = Mapping[str, Any]
Answer = Mapping[str, Any]

# Waits until all processes that it watches have ended, at most so many seconds.
Watch = Callable[[float], None]


class Host(Protocol):
    """A machine, local or remote."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Execute the requests in order, in one round trip.

        Raises:
            HostError: The host cannot be asked at all. What a single request meets is in its answer.
        """
        ...

    def rest(self) -> None:
        """Hold the connection for another look, which has as much time as the first one."""
        ...

    def acting(self) -> ActingHost:
        """Give the same machine as one on which a plan can be carried out."""
        ...

    def close(self) -> None:
        """Let go of whatever is held; nothing that was started stays behind."""
        ...


class ActingHost(Host, Protocol):
    """A machine on which a plan can be carried out."""

    def act(self, request: Request) -> Answer:
        """Do one thing of a plan: a request of envcheck/probe/act.py, which says what it answers.

        Raises:
            HostError: The host cannot be asked at all.
        """
        ...

    def leave(self, code: int) -> None:
        """Let another thread that works with it end: it gets SystemExit(code) where it asks the machine."""
        ...

    def watch(self, pids: Sequence[int]) -> Watch:
        """Keep an eye on processes that are to end."""
        ...

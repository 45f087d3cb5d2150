"""The only door to the outside: a host executes requests with the probe and gives raw answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

# A request and an answer are what envcheck/probe takes and gives: plain values that fit into JSON, and bytes.
Request = Mapping[str, Any]
Answer = Mapping[str, Any]


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

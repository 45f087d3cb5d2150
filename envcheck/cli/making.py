"""Makes hosts of what the user calls them."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from envcheck.durations import duration
from envcheck.errors import UsageError
from envcheck.escaping import escape

if TYPE_CHECKING:
    from envcheck.hosts.destination import Destination
    from envcheck.hosts.remote import Remote
    from envcheck.hosts.sharing import Sharing

LONGEST = 86400.0  # seconds that a host is waited for
TRANSPORTS = ("auto", "fabric", "ssh")


class Maker:
    """Makes hosts of their names: all are reached in the same way. *times*: seconds to reach, and in all."""

    def __init__(self, transport: str, times: tuple[float, float], *, sudo: bool, verbose: bool) -> None:
        self.transport, self.times, self.sudo = transport, times, sudo
        self.say = _tell if verbose else _keep_quiet

    def make(self, name: str) -> Remote:
        """Make a host of what the user calls it.

        Raises:
            UsageError: No host can be called so.
        """
        if "://" in name:
            return self._inside(name)
        from envcheck.hosts.destination import parse  # noqa: PLC0415 - only for other hosts

        return self.over_ssh(parse(name))

    def over_ssh(self, destination: Destination) -> Remote:
        from envcheck.hosts.ssh import Options, Transport, remote  # noqa: PLC0415

        chosen = Options(
            self.sudo, Transport(self.transport), *self.times, self.say, resolve=self._sharing.resolve
        )
        return remote(destination, chosen)

    @cached_property
    def _sharing(self) -> Sharing:
        from envcheck.hosts.sharing import Sharing  # noqa: PLC0415

        return Sharing()

    def _inside(self, name: str) -> Remote:
        from envcheck.hosts.engines import Inside  # noqa: PLC0415
        from envcheck.hosts.remote import Remote, Timing  # noqa: PLC0415

        return Remote(Inside(name, root=self.sudo), Timing(*self.times), self.say)


def times(connect: str, total: str) -> tuple[float, float]:
    """Read how long a host may take.

    Raises:
        UsageError: That is no time in which anything could be done.
    """
    found = min(duration(connect), LONGEST), min(duration(total), LONGEST)
    if not all(seconds > 0 for seconds in found):
        raise UsageError("a host needs some time to answer: --timeout and --connect-timeout are above 0")
    return found


def _tell(text: str) -> None:
    print(f"envcheck: {escape(text)}", file=sys.stderr)


def _keep_quiet(_text: str) -> None:
    pass

"""SSH: by Fabric, or by the system's ssh where the configuration asks for what Fabric cannot do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from envcheck.errors import HostError
from envcheck.hosts import bootstrap
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination
from envcheck.hosts.remote import Remote, Timing
from envcheck.hosts.resolve import Resolved, resolve
from envcheck.hosts.stream import Stream

JUMPS = 8

Hop = tuple[Destination, Resolved]


class Transport(StrEnum):
    AUTO = "auto"
    FABRIC = "fabric"
    SSH = "ssh"


class Options(NamedTuple):
    """How hosts are reached; times are seconds. `tell` is given what only -v wants to know."""

    sudo: bool = False
    transport: Transport = Transport.AUTO
    connect: float = 5.0
    timeout: float = 30.0
    tell: Callable[[str], None] = lambda _text: None
    resolve: Callable[[Destination, Deadline], Resolved] = resolve


def remote(destination: Destination, options: Options) -> Remote:
    return Remote(Ssh(destination, options), Timing(options.connect, options.timeout), options.tell)


class Ssh:
    hint = HostError.hint

    def __init__(self, destination: Destination, options: Options) -> None:
        self.name = destination.name
        self.sudo = options.sudo
        self._destination = destination
        self._options = options

    def start(self, program: Sequence[str], deadline: Deadline) -> Stream:
        command = bootstrap.line(program, sudo=self.sudo)
        wanted = self._options.transport
        route = self._route(self._destination, deadline)
        if wanted is not Transport.SSH:
            reason = self._reason([resolved for _, resolved in route])
            if not reason or wanted is Transport.FABRIC:
                self._options.tell(f"{self.name}: by fabric" + (f", though {reason}" if reason else ""))
                from envcheck.hosts.fabric import FabricStream  # noqa: PLC0415 - it takes a tenth of a second

                return FabricStream([(hop.name, resolved) for hop, resolved in route], command, deadline)
            self._options.tell(f"{self.name}: by ssh: {reason}")
        else:
            self._options.tell(f"{self.name}: by ssh, as asked")
        from envcheck.hosts import openssh  # noqa: PLC0415

        return openssh.stream([hop for hop, _ in route], command, deadline)

    def _reason(self, route: Sequence[Resolved]) -> str:
        """Why the system's ssh is the one to use; "" where Fabric will do."""
        if route[-1].control:
            return "a ControlMaster is alive"
        return next((hop.beyond for hop in route if hop.beyond), "")

    def _route(self, destination: Destination, deadline: Deadline, depth: int = 0) -> list[Hop]:
        """The hosts to go through, the target last: a jump host is configured like any other.

        Only the first of several jumps may have jumps of its own, as with ssh -J.
        """
        found = self._options.resolve(destination, deadline)
        if not found.jumps:
            return [(destination, found)]
        first, *others = found.jumps
        if depth + len(found.jumps) > JUMPS:
            raise HostError("bad-configuration", "reading the configuration of ssh", "too many jumps")
        before = self._route(first, deadline, depth + len(found.jumps))
        before += [(jump, self._options.resolve(jump, deadline)) for jump in others]
        return [*((hop, how._replace(control="")) for hop, how in before), (destination, found)]

"""SSH: by Fabric, or by the system's ssh where the configuration asks for what Fabric cannot do."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
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


class Engine(NamedTuple):
    """What reaches the host, and what can be got ready while it waits for it; None: it does not wait."""

    start: Callable[[str, Deadline], Stream]
    load: Callable[[], object] | None


def _fabric(route: Sequence[Hop]) -> Engine:
    from envcheck.hosts import fabric, lean  # noqa: PLC0415 - what they load takes a tenth of a second

    def load() -> None:
        lean.load()
        bootstrap.prelude(near=True)

    hops = [(hop.name, resolved) for hop, resolved in route]
    return Engine(partial(fabric.FabricStream, hops), load)


def _openssh(route: Sequence[Hop]) -> Engine:
    from envcheck.hosts import openssh  # noqa: PLC0415

    return Engine(partial(openssh.stream, [hop for hop, _ in route]), None)


def remote(destination: Destination, options: Options) -> Remote:
    way = Ssh(destination, options)
    made = Remote(way, Timing(options.connect, options.timeout), options.tell)
    made.prepare = way.prepare
    return made


class Ssh:
    hint = HostError.hint

    def __init__(self, destination: Destination, options: Options) -> None:
        self.name = destination.name
        self.sudo = options.sudo
        self._destination = destination
        self._options = options
        self._chosen: Engine | None = None  # for the next start

    def prepare(self, deadline: Deadline) -> Callable[[], object] | None:
        self._chosen = self._choose(deadline)
        return self._chosen.load

    def start(self, program: Sequence[str], deadline: Deadline) -> Stream:
        command = bootstrap.line(program, sudo=self.sudo)
        chosen, self._chosen = self._chosen or self._choose(deadline), None
        return chosen.start(command, deadline)

    def _choose(self, deadline: Deadline) -> Engine:
        wanted = self._options.transport
        route = self._route(self._destination, deadline)
        if wanted is not Transport.SSH:
            reason = self._reason([resolved for _, resolved in route])
            if not reason or wanted is Transport.FABRIC:
                self._options.tell(f"{self.name}: by fabric" + (f", though {reason}" if reason else ""))
                return _fabric(route)
            self._options.tell(f"{self.name}: by ssh: {reason}")
        else:
            self._options.tell(f"{self.name}: by ssh, as asked")
        return _openssh(route)

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

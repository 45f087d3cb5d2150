"""A host reached over SSH: the same requests, answered by the same probe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from envcheck.errors import HostError
from envcheck.hosts import Answer, Request, bootstrap
from envcheck.hosts.channel import Conversation
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination
from envcheck.hosts.resolve import Resolved, resolve
from envcheck.hosts.stream import Stream

if TYPE_CHECKING:
    from envcheck.hosts.acting import ActingRemote

JITTER = 0.2, 0.7  # seconds before a host that was too busy is asked once more
JUMPS = 8
RESTING = 86400.0  # seconds that a connection is held for another look


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


class Talk(Protocol):
    """Questions and answers over one stream."""

    stream: Stream

    def ask(self, requests: Sequence[Request]) -> list[Answer]: ...


class Remote:
    """One host; the connection is made with the first question, and the deadline counts from there."""

    acts = False  # whether what is sent there can act

    def __init__(self, destination: Destination, options: Options) -> None:
        self.name = destination.name
        self._destination = destination
        self._options = options
        self._conversation: Talk | None = None
        self._rests = False

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        if self._conversation is not None:
            if self._rests:
                self._conversation.stream.extend(self._options.timeout)
                self._rests = False
            return self._conversation.ask(requests)
        deadline = Deadline(self._options.timeout, self._options.connect)
        try:
            return self._begin(self._by_python, requests, deadline)
        except HostError as error:
            self.close()
            if error.status == "throttled" and deadline.left > JITTER[1]:
                time.sleep(random.uniform(*JITTER))  # noqa: S311 - so that not all come back at once
                return self._begin(self._by_python, requests, deadline)
            if error.status == "no-python" and not self.acts:
                self._options.tell(
                    f"{self.name}: {error}: its shell is asked, live environments are not read"
                )
                return self._begin(self._by_shell, requests, deadline)
            raise

    def rest(self) -> None:
        if self._conversation is not None:
            self._conversation.stream.extend(RESTING)
            self._rests = True

    def acting(self) -> ActingRemote:
        from envcheck.hosts.acting import ActingRemote  # noqa: PLC0415 - only where something is to be changed

        return ActingRemote(self._destination, self._options)

    def close(self) -> None:
        if self._conversation is not None:
            self._conversation.stream.close()
            self._conversation = None

    def _begin(
        self, make: Callable[[Deadline], Talk], requests: Sequence[Request], deadline: Deadline
    ) -> list[Answer]:
        self._conversation = make(deadline)
        return self._conversation.ask(requests)

    def _by_python(self, deadline: Deadline) -> Talk:
        sudo = self._options.sudo
        stream = self._stream(bootstrap.command(bootstrap.PYTHON, sudo=sudo), deadline)
        return Conversation(stream, bootstrap.prelude(acts=self.acts), sudo=sudo)

    def _by_shell(self, deadline: Deadline) -> Talk:
        from envcheck.hosts.shell_collector import ShellConversation  # noqa: PLC0415 - few hosts need it

        sudo = self._options.sudo
        stream = self._stream(bootstrap.command(bootstrap.SHELL, sudo=sudo), deadline)
        return ShellConversation(stream, sudo=sudo)

    def _stream(self, command: str, deadline: Deadline) -> Stream:
        wanted = self._options.transport
        if wanted is not Transport.SSH:
            route = self._route(self._destination, deadline)
            reason = self._reason(route)
            if not reason or wanted is Transport.FABRIC:
                self._options.tell(f"{self.name}: by fabric" + (f", though {reason}" if reason else ""))
                from envcheck.hosts.fabric import FabricStream  # noqa: PLC0415 - it takes a tenth of a second

                return FabricStream(route, command, deadline)
            self._options.tell(f"{self.name}: by ssh: {reason}")
        from envcheck.hosts.openssh import OpensshStream, command_line  # noqa: PLC0415

        return OpensshStream(command_line(self._destination, command, deadline), deadline)

    def _reason(self, route: Sequence[Resolved]) -> str:
        """Why the system's ssh is the one to use; "" where Fabric will do."""
        if route[-1].control:
            return "a ControlMaster is alive"
        return next((hop.beyond for hop in route if hop.beyond), "")

    def _route(self, destination: Destination, deadline: Deadline) -> list[Resolved]:
        """The hosts to go through, the target last: a jump host is configured like any other.

        Only the first of several jumps may have jumps of its own, as with ssh -J.
        """
        found = self._options.resolve(destination, deadline)
        if not found.jumps:
            return [found]
        first, *others = found.jumps
        if len(found.jumps) > JUMPS:
            raise HostError("bad-configuration", "reading the configuration of ssh", "too many jumps")
        before = [self._options.resolve(jump, deadline) for jump in (first, *others)]
        if before[0].jumps:
            before[0] = before[0]._replace(beyond="a jump host has a jump host of its own")
        return [*(hop._replace(control="") for hop in before), found]

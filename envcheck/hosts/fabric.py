"""The first transport: Fabric, with nothing left to its defaults.

Every host has a Config of its own (a shared one carries identities from host to host), the channel is raw
(`run` decodes, and collects without bound), host keys are checked (Fabric accepts any), agent forwarding is
off, and a watchdog bounds the waits for which paramiko knows no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from envcheck.errors import HostError
from envcheck.hosts import hostkeys, lean, sockets, watchdog
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.identities import Identities
from envcheck.hosts.resolve import Resolved
from envcheck.hosts.stream import FLOOD, STDERR, Ended

SLICE = 0.25  # seconds between looks at standard error
PIECE = 65536
EXCHANGING = "exchanging keys"
LONGEST = 80  # characters that are told of what a host says that speaks no SSH
BUSY = (b"MaxStartups", b"Not allowed at this time")  # what a sshd says where it has no time for its banner
ANSWER = "waiting for the answer"
WINDOW = 262144  # bytes that may be under way: paramiko keeps them, for each host, before anybody looks
CONNECT_FAILED = 2  # RFC 4254, 5.1
# What paramiko raises where a connection is lost that it writes to; to read is to write, too.
LOST = (OSError, EOFError)
NEAR = 0.003  # seconds to a host in the same place: so far, 100 kB take less than to compile what they save
GOODBYE = 1.0  # seconds for an exit status to arrive, and for what is still to come after it


class FabricStream:
    """A command on a host, through as many jumps as it takes: the route has what the user calls each, too."""

    def __init__(self, route: Sequence[tuple[str, Resolved]], command: str, deadline: Deadline) -> None:
        self.deadline = deadline
        self.near = False
        self.phase = sockets.PHASE
        self.stderr = bytearray()
        self.flood = 0
        self._open: list[Callable[[], object]] = []  # what to close, the last first
        self._closed = False
        self._sock: sockets.QuickSocket | None = None  # of the first host
        self._heard: sockets.Heard | None = None  # of the host that is connected to last
        self._calm: Callable[[], None] = lambda: None  # what keeps the watchdog from barking
        self._calm = watchdog.watch(self.deadline.left, self.close)  # it may do so before this line is over
        try:
            self._channel = self._start(self._connect(route), command)
            self.near = len(route) == 1 and self._sock is not None and self._sock.away < NEAR
        except BaseException:
            self.close()
            raise

    def extend(self, seconds: float) -> None:
        self._calm()
        self.deadline.extend(seconds)
        self._calm = watchdog.watch(self.deadline.left, self.close)

    def _to_close(self, step: Callable[[], object]) -> None:
        """Note what is to be closed; where that was done already, it is closed at once."""
        self._open.append(step)
        if self._closed:
            self.close()

    def _connect(self, route: Sequence[tuple[str, Resolved]]) -> Any:
        """Connect to each host through the one before.

        Raises:
            HostError: One cannot be connected to. Which one, is said of those on the way.
        """
        client: Any = None
        before = ""
        for number, (name, hop) in enumerate(route, 1):
            try:
                client = self._connected(client, before, hop)
            except HostError as error:
                if number < len(route):
                    told = f"the jump host {name}: {error}"
                    raise HostError(error.status, error.phase, told, error.hint) from None
                raise
            before = name
        return client

    def _connected(self, client: Any, before: str, hop: Resolved) -> Any:
        sock = self._socket(client, before, hop)
        self._to_close(sock.close)
        return self._guarded(partial(self._client, sock, hop))

    def _socket(self, client: Any, before: str, hop: Resolved) -> Any:
        self.phase = sockets.PHASE
        if client is None:
            sock = sockets.connect(hop.host, hop.port, hop.family, self.deadline)
            self._sock = sock
            return sock
        paramiko = lean.paramiko()

        def open_channel() -> Any:
            place, nowhere = (hop.host, hop.port), ("", 0)
            transport = client.get_transport()
            try:
                return transport.open_channel(
                    "direct-tcpip", place, nowhere, timeout=self.deadline.connecting()
                )
            except paramiko.ChannelException as error:
                raise _not_passed(before, hop, error.code) from None

        return self._guarded(open_channel)

    def _client(self, sock: Any, hop: Resolved) -> Any:
        entries = hop.entries()
        heard = self._heard = sockets.Heard(sock)
        self.phase = EXCHANGING

        def transport(*arguments: Any, **options: Any) -> Any:
            made = lean.classes().transport(*arguments, **options)
            self._to_close(made.close)
            security = made.get_security_options()
            security.key_types = hostkeys.preferred(entries, hop.known_as, tuple(security.key_types))
            return made

        def check(_client: Any, _name: str, key: Any) -> None:
            hostkeys.check(entries, hop.known_as, key.asbytes(), hop.key_files)
            self.phase = "authenticating"

        connection = lean.classes().connection(
            hop.host,
            user=hop.user,
            port=hop.port,
            config=lean.classes().config(),
            forward_agent=False,
            connect_kwargs={
                "sock": heard,
                "transport_factory": transport,
                "auth_strategy": Identities(hop, self.deadline),
                "timeout": self.deadline.connecting(),
                "banner_timeout": self.deadline.connecting(),
                "channel_timeout": self.deadline.left,
            },
        )
        self._to_close(connection.client.close)
        connection.client.set_missing_host_key_policy(SimpleNamespace(missing_host_key=check))
        connection.open()
        return connection.client

    def _start(self, client: Any, command: str) -> Any:
        self.phase = "opening a session"
        channel = self._guarded(
            lambda: client.get_transport().open_session(WINDOW, timeout=self.deadline.left)
        )
        self.phase = "starting the command"
        self._guarded(lambda: channel.exec_command(command))
        return channel

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """Do a step; whatever paramiko raises becomes a named state of the host."""
        paramiko = lean.paramiko()
        try:
            return step()
        except (
            paramiko.SSHException,
            OSError,
            EOFError,
            ValueError,
            AssertionError,
            AttributeError,
        ) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> HostError:
        """Say what went wrong, by the phase it went wrong in: paramiko's words are often about itself."""
        paramiko = lean.paramiko()
        connecting = self.phase in (sockets.PHASE, EXCHANGING)
        if self.deadline.passed:
            return self.deadline.over(self.phase)
        if isinstance(error, paramiko.ChannelException):
            return HostError("throttled", self.phase, "it opens no further session (MaxSessions)")
        if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
            return HostError(
                "incompatible", self.phase, "it knows none of our algorithms", "try --transport ssh"
            )
        if self.phase == EXCHANGING and (said := _no_ssh(self._heard)):
            why = f"it answers, but not with SSH: {said}"
            return HostError("unreachable", self.phase, why, "is it a sshd, the port right?")
        if connecting and (self.deadline.connecting() == 0 or self._slow(error)):
            return HostError(
                "unreachable",
                self.phase,
                f"it did not answer within {self.deadline.connect:g} s",
                "is it a sshd?",
            )
        if connecting:
            return HostError(
                "throttled",
                self.phase,
                "it closed the connection, or speaks no SSH",
                "is it a sshd? MaxStartups?",
            )
        return HostError("closed", self.phase, "it closed the connection")

    def _slow(self, error: Exception) -> bool:
        """Whether the connect timeout, counted from the start of this host, is about over."""
        del error
        return self.deadline.total - self.deadline.left >= self.deadline.connect - 0.2

    def send(self, data: bytes) -> None:
        self._channel.settimeout(self.deadline.left or 0.001)
        try:
            self._channel.sendall(data)
        except TimeoutError:
            raise self.deadline.over(ANSWER) from None
        except LOST:
            if self.deadline.passed:
                raise self.deadline.over(ANSWER) from None

    def receive(self) -> bytes:
        left = GOODBYE  # once the command has ended: what it has started may hold its output for ever
        while left > 0:
            self._channel.settimeout(min(SLICE, self.deadline.left) or 0.001)
            try:
                self._drain()
                piece = self._channel.recv(PIECE)
            except TimeoutError:
                piece = None
            except LOST:
                piece = b""
            if self.deadline.passed:
                raise self.deadline.over(ANSWER)
            if piece is not None:
                return bytes(piece)
            left -= SLICE if self._channel.exit_status_ready() else 0.0
        return b""

    def _drain(self) -> None:
        """Standard error is read as well, or a target that fills it would wait for us for ever."""
        while self._channel.recv_stderr_ready():
            piece = self._channel.recv_stderr(PIECE)
            self.flood += len(piece)
            self.stderr += piece[: STDERR - len(self.stderr)]
            if self.flood > FLOOD:
                raise HostError("oversized", ANSWER, "it floods standard error")

    def ended(self) -> Ended:
        self._channel.status_event.wait(min(GOODBYE, self.deadline.left))
        with suppress(*LOST):
            self._drain()
        code = self._channel.exit_status if self._channel.exit_status >= 0 else None
        return Ended(code, bytes(self.stderr))

    def close(self) -> None:
        """Close all that is open, in whatever state it is: the watchdog may come between any two steps."""
        self._closed = True
        self._calm()
        if self._sock is not None:
            _hang_up(self._sock)  # first: whoever reads from it, or writes, is not woken by its closing
        while self._open:
            with suppress(Exception):
                self._open.pop()()


def _not_passed(jump: str, hop: Resolved, code: int) -> HostError:
    """Say why a jump host opens no way to the next one: it cannot, or will not."""
    if code == CONNECT_FAILED:
        why = f"the jump host {jump} cannot connect to port {hop.port} of {hop.host}"
        return HostError(
            "unreachable", sockets.PHASE, why, "is the host up, the name and the port right there?"
        )
    why = f"the jump host {jump} does not let us through to it"
    return HostError("unreachable", sockets.PHASE, why, "AllowTcpForwarding in sshd_config there lets it")


def _no_ssh(connection: sockets.Heard | None) -> str:
    """Give the first line of a host that speaks something else than SSH; "" where it may be a sshd."""
    heard = connection.first if connection is not None else b""
    lines = [line for line in heard.splitlines() if line.strip()]
    if any(line.startswith(b"SSH-") for line in lines) or any(word in heard for word in BUSY):
        return ""
    return lines[0].decode("utf-8", "replace").strip()[:LONGEST] if lines else ""


def _hang_up(sock: sockets.QuickSocket) -> None:
    """Wake whoever reads: closing alone does not."""
    import socket  # noqa: PLC0415

    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return

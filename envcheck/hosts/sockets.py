"""A TCP connection to a host that wastes no time, and is had in bounded time."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline

QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux
PHASE = "connecting"
PIECE = 65536
BEGIN = re.compile(rb"^SSH-.*\n", re.MULTILINE)
LONGEST = 65536  # bytes in which that line must have come
Address = tuple[socket.AddressFamily, Any]


class QuickSocket(socket.socket):
    """Without Nagle's algorithm on this side, and without delayed acknowledgements.

    Otherwise each side waits for the other twice, 40 ms each. TCP_QUICKACK wears off: every read sets it.
    """

    read = b""  # what nobody has asked for yet
    away = inf  # seconds until the other side had answered that it is there

    def quicken(self) -> None:
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.acknowledge()

    def acknowledge(self) -> None:
        if QUICKACK is not None:
            try:
                self.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
            except OSError:
                return  # closed meanwhile: the read itself tells

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read what is there; paramiko asks for each packet twice, and for one after the other."""
        if not self.read:
            self.read = super().recv(max(size, PIECE), flags)
            self.acknowledge()
        piece, self.read = self.read[:size], self.read[size:]
        return piece


class Heard:
    """A connection that keeps what is said first, until SSH begins: that has to come soon.

    *sock*: a socket, or the channel of a jump host. Whoever reads waits for the end of any line.
    """

    def __init__(self, sock: Any) -> None:
        self.first = b""
        self.recv: Callable[[int], bytes] = self._hear
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def _hear(self, size: int) -> bytes:
        piece: bytes = self._sock.recv(size)
        line = self.first.rfind(b"\n") + 1
        self.first += piece
        if b"\n" in piece and BEGIN.search(self.first, line):
            self.recv = self._sock.recv  # from now on it is not listened to
        elif len(self.first) > LONGEST:
            raise OSError("no banner comes")
        return piece


def connect(host: str, port: int, family: int, deadline: Deadline) -> QuickSocket:
    """Try one address after the other.

    Raises:
        HostError: None answers in time.
    """
    last: OSError | None = None
    for kind, address in _addresses(host, port, family, deadline):
        if deadline.connecting() <= 0:
            break
        sock = QuickSocket(kind, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.connecting())
            begun = time.monotonic()
            sock.connect(address)
            sock.away = time.monotonic() - begun
            sock.quicken()
        except OSError as error:
            sock.close()
            last = error
        else:
            return sock
    if last is None or isinstance(last, TimeoutError):
        raise HostError(
            "unreachable",
            PHASE,
            f"port {port} of {host} does not answer in time",
            "is the host up, the port right?",
        )
    why = last.strerror or type(last).__name__
    raise HostError("unreachable", PHASE, f"port {port} of {host}: {why}", "is the host up, the port right?")


def _addresses(host: str, port: int, family: int, deadline: Deadline) -> Sequence[Address]:
    """Look a name up; a resolver that hangs is left behind."""
    try:
        return _found(host, port, family, socket.AI_NUMERICHOST)  # an address: nothing is asked
    except (OSError, UnicodeError):
        pass
    found: list[Address] = []
    failed: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend(_found(host, port, family))
        except OSError as error:
            failed.append(error)
        except UnicodeError:
            failed.append(OSError(0, "the name is not one that can be looked up"))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(deadline.connecting())
    if not found:
        why = failed[0].strerror if failed else "the resolver does not answer in time"
        raise HostError("unreachable", "looking the name up", f"{host}: {why}", "is the name right?")
    return found


def _found(host: str, port: int, family: int, flags: int = 0) -> Sequence[Address]:
    # Text is encoded by a codec that takes longer to be imported than a name to be looked up.
    name = host.encode("ascii") if host.isascii() else host
    infos = socket.getaddrinfo(name, port, family, socket.SOCK_STREAM, flags=flags)
    return [(info[0], info[4]) for info in infos]

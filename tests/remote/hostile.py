"""Servers that misbehave in one phase: plain sockets before there is a key exchange, paramiko after it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Self

paramiko: Any = import_module("paramiko")  # it is not typed
Handler = Callable[[socket.socket], None]


class Listener:
    """Hands every connection to *handle*, in a thread of its own."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle
        self.over = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.open: list[socket.socket] = []
        self.accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self.accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits for a connection
        self.accepting.join()
        for one in (*self.open, self.socket):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            self.handle(peer)
        except (OSError, EOFError, paramiko.SSHException):
            return


class Server(paramiko.ServerInterface):  # type: ignore[misc]
    """Lets everybody in, and hangs where it is told to."""

    def __init__(self, hang: str, over: threading.Event) -> None:
        self.hang, self.over = hang, over
        self.started = threading.Event()

    def _maybe(self, phase: str) -> None:
        if self.hang == phase:
            self.over.wait(60)

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: Any) -> int:
        del username, key
        self._maybe("auth")
        return int(paramiko.AUTH_SUCCESSFUL)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        self._maybe("channel")
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
        del channel, command
        self._maybe("exec")
        self.started.set()
        return True


def ssh_server(
    key: Path, hang: str, over: threading.Event, act: Callable[[Any], None] | None = None
) -> Handler:
    """An SSH server that hangs in a phase, or does *act* with the channel of the command."""

    def handle(peer: socket.socket) -> None:
        transport = paramiko.Transport(peer)
        transport.add_server_key(paramiko.PKey.from_path(str(key)))
        server = Server(hang, over)
        transport.start_server(server=server)
        channel = transport.accept(30)
        if channel is None or not server.started.wait(30):
            return
        if act is not None:
            act(channel)
        over.wait(60)
        transport.close()

    return handle


def silent(peer: socket.socket) -> None:
    while peer.recv(65536):
        pass


def banner_only(peer: socket.socket) -> None:
    peer.sendall(b"SSH-2.0-Quiet\r\n")
    silent(peer)


def garbage(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.close()


def web(peer: socket.socket) -> None:
    """It answers what it does not understand, and waits for more."""
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 400 \x1b[31mBad Request\r\nConnection: close\r\n\r\n")
    silent(peer)


def endless(data: bytes, pause: float) -> Callable[[socket.socket], None]:
    """The same again and again, with so many seconds between."""

    def talk(peer: socket.socket) -> None:
        while True:
            peer.sendall(data)
            time.sleep(pause)

    return talk


dripping = endless(b"x", 0.05)  # a banner, a byte at a time
endless_line = endless(b"x" * 65536, 0.0)
endless_lines = endless(b"what is it?\r\n", 0.01)


def busy(peer: socket.socket) -> None:
    """As a sshd that has too many connections, since OpenSSH 9.8."""
    peer.sendall(b"Exceeded MaxStartups\r\n")
    peer.close()


def closing(peer: socket.socket) -> None:
    peer.close()


__all__ = [
    "Listener",
    "banner_only",
    "busy",
    "closing",
    "dripping",
    "endless_line",
    "endless_lines",
    "garbage",
    "silent",
    "ssh_server",
    "web",
]

"""The second transport: the system's ssh, with everything the user's configuration can ask of it."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination
from envcheck.hosts.resolve import flags
from envcheck.hosts.stream import FLOOD, STDERR, Ended

PIECE = 65536
SSH_ERROR = 255
SLICE = 0.25  # seconds
ANSWER = "waiting for the answer"
GOODBYE = 1.0  # seconds
OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "EscapeChar": "none",
    "ForkAfterAuthentication": "no",
    "StdinNull": "no",
    # A master that is alive is used; a new one would stay behind.
    "ControlMaster": "no",
    "LogLevel": "INFO",
}


class Failure(NamedTuple):
    status: str
    phase: str
    message: str
    hint: str
    words: tuple[str, ...]


KEY, TCP = "checking the host's key", "connecting"
FAILURES = (
    Failure(
        "host-key-revoked",
        KEY,
        "the host's key is revoked",
        "ssh-keygen -l -F HOST shows the lines",
        ("revoked",),
    ),
    Failure(
        "host-key-changed",
        KEY,
        "the host's key is not the known one",
        "ssh-keygen -l -F HOST shows the key it had",
        ("IDENTIFICATION HAS CHANGED",),
    ),
    Failure(
        "host-key-unknown",
        KEY,
        "the host's key is not known",
        "ssh-keygen -l -F HOST finds nothing; compare the key on the host, then connect with ssh once",
        ("host key is known", "Host key verification failed"),
    ),
    Failure(
        "denied",
        "authenticating",
        "the user may not log in",
        "ssh -v shows what is offered",
        ("Permission denied",),
    ),
    Failure(
        "unreachable",
        TCP,
        "the host cannot be reached",
        "is the host up, the name and the port right?",
        (
            "Connection refused",
            "timed out",
            "No route",
            "Could not resolve",
            "unreachable",
            "Name or service",
        ),
    ),
    Failure(
        "throttled",
        TCP,
        "it closed the connection, or speaks no SSH",
        "is it a sshd? MaxStartups?",
        ("kex_exchange_identification", "Connection closed by", "Connection reset", "banner exchange"),
    ),
)


def command_line(destination: Destination, command: str, deadline: Deadline) -> list[str]:
    options = OPTIONS | {"ConnectTimeout": str(max(1, round(deadline.connecting())))}
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return ["ssh", "-T", *words, *flags(destination), "--", destination.host, command]


class OpensshStream:
    def __init__(self, argv: Sequence[str], deadline: Deadline) -> None:
        self.deadline = deadline
        self.stderr = bytearray()
        self.flood = 0
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
                bufsize=0,
            )
        except OSError as error:
            raise HostError(
                "no-ssh", TCP, f"unable to run ssh: {error.strerror}", "install OpenSSH's client"
            ) from None
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ)

    def send(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        os.set_blocking(stdin.fileno(), False)
        view = memoryview(data)
        with selectors.DefaultSelector() as writable:
            writable.register(stdin, selectors.EVENT_WRITE)
            while view:
                if not writable.select(self.deadline.left):
                    raise self.deadline.over(ANSWER)
                try:
                    view = view[os.write(stdin.fileno(), view) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    return  # the reader is told why

    def receive(self) -> bytes:
        stdout, stderr = self._process.stdout, self._process.stderr
        assert stdout is not None
        assert stderr is not None
        while True:
            # In slices: when another thread closes it, nothing wakes this one.
            ready = [key.fileobj for key, _ in self._selector.select(min(SLICE, self.deadline.left))]
            if self.deadline.passed:
                raise self.deadline.over(ANSWER)
            if stderr in ready:
                self._keep(os.read(stderr.fileno(), PIECE))
            if stdout in ready:
                return os.read(stdout.fileno(), PIECE)

    def _keep(self, piece: bytes) -> None:
        if not piece:
            assert self._process.stderr is not None
            self._selector.unregister(self._process.stderr)
        self.flood += len(piece)
        self.stderr += piece[: STDERR - len(self.stderr)]
        if self.flood > FLOOD:
            raise HostError("oversized", ANSWER, "it floods standard error")

    def ended(self) -> Ended:
        """How the command ended.

        Raises:
            HostError: It was never started: ssh itself says why.
        """
        try:
            code: int | None = self._process.wait(min(GOODBYE, self.deadline.left))
        except subprocess.TimeoutExpired:
            code = None
        stderr = self._process.stderr
        assert stderr is not None
        while stderr in {key.fileobj for key in self._selector.get_map().values()} and self._selector.select(
            0
        ):
            self._keep(os.read(stderr.fileno(), PIECE))
        if code == SSH_ERROR and not self.stderr.strip():
            code = None  # the command was started, and its end was not told
        if code == SSH_ERROR:
            raise self._failure()
        return Ended(code if code is None or code >= 0 else None, bytes(self.stderr))

    def _failure(self) -> HostError:
        text = self.stderr.decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        last = f": {lines[-1][:200]}" if lines else ""
        for failure in FAILURES:
            if any(word in text for word in failure.words):
                return HostError(failure.status, failure.phase, failure.message + last, failure.hint)
        return HostError("closed", TCP, f"ssh gave up{last}")

    def extend(self, seconds: float) -> None:
        self.deadline.extend(seconds)

    def close(self) -> None:
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
        if self._process.poll() is None:
            try:
                self._process.wait(
                    0.05
                )  # its input has ended: it leaves by itself, and the target's end with it
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

"""A duplex stream of bytes through a command of this machine: the system's ssh, or an engine's `exec`."""

import os
import selectors
import subprocess
from collections.abc import Callable, Mapping
from typing import NamedTuple

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.stream import FLOOD, STDERR, Ended

PIECE = 65536
ANSWER = "waiting for the answer"
SLICE = 0.25  # seconds
GOODBYE = 1.0  # seconds
# Seconds for a command that hangs, as far as can be told: less than a fleet waits at its end, or it stays.
HANGING = 0.4

# Given the exit status and the standard error of the command: why nothing was started there; None: it was.
Explain = Callable[[int | None, str], HostError | None]


class Program(NamedTuple):
    argv: tuple[str, ...]
    explain: Explain
    absent: HostError  # the state of a host that cannot be reached for want of the command
    patience: float  # seconds in which a command that works may leave by itself, once its input has ended
    env: Mapping[str, str] = {}  # beside the caller's own


class ProcessStream:
    near = False

    def __init__(self, program: Program, deadline: Deadline) -> None:
        self.program = program
        self.deadline = deadline
        self.stderr = bytearray()
        self.flood = 0
        self._answers = False  # whether anything has come from it
        try:
            self._process = subprocess.Popen(
                program.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **program.env},
                bufsize=0,
            )
        except OSError as error:
            absent = program.absent
            why = f"{absent}: {error.strerror}"
            raise HostError(absent.status, absent.phase, why, absent.hint) from None
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
            ready = self._ready(min(SLICE, self.deadline.left))
            if self.deadline.passed:
                raise self.deadline.over(ANSWER)
            if stderr in ready:
                self._keep(os.read(stderr.fileno(), PIECE))
            if stdout in ready:
                piece = os.read(stdout.fileno(), PIECE)
                self._answers = self._answers or bool(piece)
                return piece

    def _ready(self, seconds: float) -> list[object]:
        return [key.fileobj for key, _ in self._selector.select(seconds)]

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
            HostError: It was never started: the command here says why.
        """
        try:
            code: int | None = self._process.wait(min(GOODBYE, self.deadline.left))
        except subprocess.TimeoutExpired:
            code = None
        stderr = self._process.stderr
        assert stderr is not None
        while stderr in self._ready(0):  # not only something: output that has ended is always ready
            self._keep(os.read(stderr.fileno(), PIECE))
        if error := self.program.explain(code, self.stderr.decode("utf-8", "replace")):
            raise error
        return Ended(code if code is None or code >= 0 else None, bytes(self.stderr))

    def extend(self, seconds: float) -> None:
        self.deadline.extend(seconds)

    def close(self) -> None:
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
        if self._process.poll() is None:
            try:
                # Its input has ended: it leaves by itself, and the target's end with it.
                self._process.wait(self._patience())
            except subprocess.TimeoutExpired:
                self._kill()

    def _patience(self) -> float:
        left = self.deadline.left if self._answers else 0.0
        return min(self.program.patience, max(left, HANGING))

    def _kill(self) -> None:
        """Kill it with all that it has started: the ssh through a jump host waits on for one that hangs."""
        from envcheck.below import kill  # noqa: PLC0415 - only where something hangs

        kill(self._process)

"""The client's half of the probe's protocol, over any stream. The other end is not trusted: its answer is
capped and framed; what it says is for `answers` to look at."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack

from envcheck.errors import HostError
from envcheck.hosts import Request, unpack
from envcheck.hosts.stream import Stream
from envcheck.probe import frame

NOISE = 1048576  # bytes that may come before the frame: what a login shell says
KEPT = 8192  # bytes of that noise, the last: they may tell why there is no frame
LINE = 64  # bytes of the frame's first line, without its mark
LARGE = 1048576  # bytes of an answer that not many hosts may send at once
PHASE = "waiting for the answer"

# Of all hosts together: a pool of them must not need a pool of their largest answers. One answer can take
# a hundred times its bytes while it is decoded, and no two are decoded faster than one after the other.
_room = threading.Semaphore(4)
_decoding = threading.Lock()
TICK = 0.25  # seconds between looks at the clock

FRAMES = {
    "truncated": "its answer was cut off",
    "damaged": "its answer is damaged",
}


class Conversation:
    """Requests and answers, one after the other. *sudo* only tells how to understand a refusal."""

    def __init__(self, stream: Stream, prelude: bytes, *, sudo: bool) -> None:
        self.stream = stream
        self.first = prelude
        self.sudo = sudo
        self.nonce = ""  # of what was asked last

    def ask(self, requests: Sequence[Request]) -> list[object]:
        """Put the questions, and take the answers. Raises as both do."""
        self.put(requests)
        return self.take()

    def put(self, requests: Sequence[Request]) -> None:
        """Send the questions.

        Raises:
            HostError: They cannot be sent.
        """
        self.nonce = os.urandom(16).hex()
        document = json.dumps({"nonce": self.nonce, "requests": list(requests)}).encode("ascii")
        self.stream.send(self.first + b"%d\n%b" % (len(document), document))
        self.first = b""

    def take(self) -> list[object]:
        """Give what is answered to the questions that were put, unseen.

        Raises:
            HostError: There is no whole answer.
        """
        with ExitStack() as room:
            data = self._receive(self.nonce.encode(), room)
            try:
                with _decoding:
                    return list(unpack.decode(data, self.nonce))
            except frame.FrameError as error:
                raise self._no_answer(error.kind, data) from None

    def _receive(self, nonce: bytes, room: ExitStack) -> bytes:
        """Everything from the beginning of the frame to its end, or the last of what came instead."""
        heard = Heard(nonce)
        while not heard.whole:
            piece = self.stream.receive()
            if not piece:
                break
            heard.add(piece)
            if heard.starts and heard.size > LARGE:
                self._wait_for_room(room)
        return bytes(heard.data)

    def _wait_for_room(self, room: ExitStack) -> None:
        while not _room.acquire(timeout=TICK):
            if self.stream.deadline.passed:
                raise self.stream.deadline.over(PHASE)
        room.callback(_room.release)

    def _no_answer(self, kind: str, data: bytes) -> HostError:
        if kind in FRAMES:
            return HostError(kind, PHASE, FRAMES[kind], "try again; if it stays so, ssh -v tells more")
        from envcheck.hosts import silence  # noqa: PLC0415 - only where there is no answer

        return silence.explain(self.stream.ended(), data, sudo=self.sudo)


class Heard:
    """What has come of an answer. Before its frame begins hardly anything is kept; its first line says how
    much is to come, and no more is taken."""

    def __init__(self, nonce: bytes) -> None:
        self.begin = b"%b BEGIN " % nonce
        self.end = b"%b END" % nonce
        self.data = bytearray()
        self.noise = 0  # bytes that are gone
        self.looked = 0  # there is no end before that place
        self.size = -1  # of the body; -1: it has not begun
        self.most = 0  # bytes up to the end, with the carriage returns that a terminal adds
        self.starts = False  # whether the first line came with the last piece
        self.whole = False

    def add(self, piece: bytes) -> None:
        """Take a piece.

        Raises:
            HostError: It is a flood.
        """
        self.data += piece
        self.starts = self.size < 0 and self._has_begun()
        if self.size < 0:
            return
        found = self.data.find(self.end, self.looked)
        ended = found >= 0 and self.data.find(b"\n", found) >= 0
        self.whole = ended or len(self.data) >= self.most
        self.looked = max(0, len(self.data) - len(self.end)) if found < 0 else found

    def _has_begun(self) -> bool:
        start = self.data.find(self.begin)
        if start < 0:
            self._forget()
            return False
        del self.data[:start]
        line, newline, _ = self.data[len(self.begin) : len(self.begin) + LINE].partition(b"\n")
        if not newline and len(self.data) < len(self.begin) + LINE:
            return False
        word = line.partition(b" ")[0]
        # What no frame begins with is for the decoder to refuse.
        size = int(word) if newline and word.isdigit() and len(word) <= len(str(frame.MOST)) else 0
        self.size = size if size <= frame.MOST else 0
        self.most = len(self.begin) + len(line) + self.size + len(self.end) + len(b"\n\r\n\r\n")
        return True

    def _forget(self) -> None:
        gone = max(0, len(self.data) - KEPT)
        del self.data[:gone]
        self.noise += gone
        if self.noise > NOISE:
            raise HostError("oversized", PHASE, f"more than {NOISE} bytes came, and no answer among them")

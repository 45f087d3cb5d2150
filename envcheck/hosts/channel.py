"""The client's half of the probe's protocol, over any stream. The other end is not trusted: its answer is
capped and framed; what it says is for `answers` to look at."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import cast

from envcheck.errors import HostError
from envcheck.hosts import Request, silence
from envcheck.hosts.stream import Stream
from envcheck.probe import frame

MOST = 16777216  # bytes of one framed answer, and of what a login shell says before it
PHASE = "waiting for the answer"

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
        self.rest = b""  # what came after the last frame

    def ask(self, requests: Sequence[Request]) -> list[object]:
        """Give what it answers, unseen.

        Raises:
            HostError: There is no whole answer.
        """
        nonce = secrets.token_hex(16)
        document = json.dumps({"nonce": nonce, "requests": list(requests)}).encode("ascii")
        self.stream.send(self.first + b"%d\n%b" % (len(document), document))
        self.first = b""
        data = self._receive(b"%b END" % nonce.encode())
        try:
            # The probe is typed for Python 3.6, where a list does not say of what.
            return cast("list[object]", frame.decode(data, nonce))  # pyright: ignore[reportUnknownMemberType]
        except frame.FrameError as error:
            raise self._no_answer(error.kind, data) from None

    def _receive(self, end: bytes) -> bytes:
        """Everything up to the end of the frame, or of the stream."""
        data = bytearray()
        looked = 0
        while True:
            piece = self.stream.receive()
            if not piece:
                return bytes(data)
            data += piece
            if len(data) > MOST:
                raise HostError("oversized", PHASE, f"it answers with more than {MOST} bytes")
            found = data.find(end, looked)
            if found >= 0 and data.find(b"\n", found) >= 0:
                return bytes(data)
            looked = max(0, len(data) - len(end)) if found < 0 else found

    def _no_answer(self, kind: str, data: bytes) -> HostError:
        if kind in FRAMES:
            return HostError(kind, PHASE, FRAMES[kind], "try again; if it stays so, ssh -v tells more")
        return silence.explain(self.stream.ended(), data, sudo=self.sudo)

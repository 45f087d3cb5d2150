"""The requests of the probe, answered by a POSIX sh: the environment at exec and files, no live memory."""

from __future__ import annotations

import os
from collections.abc import Sequence

from envcheck.errors import HostError
from envcheck.hosts import Answer, Request, silence
from envcheck.hosts.shell_answers import answer
from envcheck.hosts.shell_processes import Parts, asked_for, family, parents
from envcheck.hosts.shell_questions import questions
from envcheck.hosts.shell_script import LIBRARY
from envcheck.hosts.stream import Stream

MOST = 67108864  # bytes of one answer
PHASE = "waiting for the answer of its shell"


class ShellConversation:
    """Like `channel.Conversation`, with a shell at the other end."""

    def __init__(self, stream: Stream, *, sudo: bool) -> None:
        self.stream = stream
        self.library = LIBRARY
        self.sudo = sudo

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Give one answer for each request, in two round trips at most.

        Raises:
            HostError: There is no whole answer.
        """
        try:
            return self._answers(requests)
        except (
            ValueError,
            LookupError,
            ArithmeticError,
        ) as error:  # not written as the kernel and its tools write
            told = f"its answer makes no sense ({type(error).__name__})"
            raise HostError("damaged", PHASE, told) from None

    def _answers(self, requests: Sequence[Request]) -> list[Answer]:
        parts = self._exchange(list(questions(requests)))
        table = parents(parts.get("table", b""))
        wanted = {pid for r in requests for pid in asked_for(r, parts, table)}
        facts: Parts = (
            self._exchange([f"facts {pid}" for pid in sorted(family(wanted, table))]) if wanted else {}
        )
        return [answer(str(i), r, parts, facts, table) for i, r in enumerate(requests)]

    def _exchange(self, lines: Sequence[str]) -> Parts:
        nonce = os.urandom(16).hex()
        script = "\n".join([f"{self.library}N={nonce}", *lines, "h end"]) + "\n"
        self.library = ""
        self.stream.send(script.encode("utf-8", "surrogateescape"))
        separator = b"\n" + nonce.encode() + b" "
        data = self._receive(separator + b"end\n")
        parts: dict[str, list[bytes]] = {}
        for part in data.split(separator)[1:]:
            key, _, value = part.partition(b"\n")
            parts.setdefault(key.decode("ascii", "replace"), []).append(value)
        return {key: b"\0".join(values) for key, values in parts.items()}

    def _receive(self, end: bytes) -> bytes:
        data = bytearray()
        while not data.endswith(end):
            piece = self.stream.receive()
            if not piece:
                raise silence.explain(self.stream.ended(), bytes(data), sudo=self.sudo)
            data += piece
            if len(data) > MOST:
                raise HostError("oversized", PHASE, f"it answers with more than {MOST} bytes")
        return bytes(data)

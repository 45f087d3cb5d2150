"""What the grammars share: text from bytes, line numbers, and which names a message may show."""

from __future__ import annotations

import re
from bisect import bisect_right

_ENDS = re.compile(r"\r\n?|\n")
_ENDS_OF_BYTES = re.compile(rb"\r\n?|\n")
# What looks like a name and is short may be shown: anything else on a line may be part of a secret.
_NAMEABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def decode(raw: bytes) -> str:
    """Decode as all text of the tool is decoded: no byte is lost."""
    return raw.decode("utf-8", "surrogateescape")


def strict(content: bytes) -> str | None:
    """Decode for a program that refuses what is no UTF-8; None: it refuses."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def nameable(name: bytes | str) -> str:
    """Give a name as it may be shown in a message; empty where it may not."""
    text = decode(name) if isinstance(name, bytes) else name
    return text if _NAMEABLE.fullmatch(text) else ""


class Lines:
    """The line numbers, from 1, of positions in a text; LF, CR and CR LF end a line."""

    def __init__(self, content: bytes | str) -> None:
        if isinstance(content, bytes):
            self._starts = [end.end() for end in _ENDS_OF_BYTES.finditer(content)]
        else:
            self._starts = [end.end() for end in _ENDS.finditer(content)]

    def of(self, at: int) -> int:
        return bisect_right(self._starts, at) + 1

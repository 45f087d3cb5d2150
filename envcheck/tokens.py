"""What stands for a hidden value in a record: its length and its fingerprint, written as a text.

A token starts with NUL, which neither an environment nor a command line can hold: nothing that a process
has can be taken for one, and what a file has only where it is made to look like one. Equal values of one name
have equal tokens under one key, so values are compared by their tokens as they would be themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

MARK = "\0"


class Token(NamedTuple):
    length: int  # in bytes
    fingerprint: str

    def __str__(self) -> str:
        return f"{MARK}{self.length},{self.fingerprint}"


def is_hidden(value: str) -> bool:
    """Tell whether a value, or a part of it, is a token; a NUL alone, as a file may have it, is none."""
    return MARK in value and _pattern().search(value) is not None


def parts(value: str) -> Iterator[str | Token]:
    """Split a value into tokens and the text between them."""
    pieces = _pattern().split(value)
    for text, length, fingerprint in zip(pieces[::3], [*pieces[1::3], ""], [*pieces[2::3], ""], strict=True):
        if text:
            yield text
        if fingerprint:
            yield Token(int(length), fingerprint)


def summary(value: str) -> Token:
    """Give one token for a value of which parts are hidden: a list, as PATH is."""
    found = list(parts(value))
    if len(found) == 1 and isinstance(found[0], Token):
        return found[0]
    from hashlib import sha256  # noqa: PLC0415 - hardly ever; of tokens and what may be shown

    length = sum(p.length if isinstance(p, Token) else len(p) for p in found)
    return Token(length, sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16])


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(r"\0([0-9]{1,9}),([0-9a-f]{16})")

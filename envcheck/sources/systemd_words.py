"""The words of `Environment=`, `PassEnvironment=`, `UnsetEnvironment=` and `ExecStart=` in units of systemd.

Written from observed rules and systemd.service(5), "Command lines"; held against the real manager
(tests/live/test_systemd_differential.py). Quotes may open anywhere in a word and are removed; C escapes work
everywhere, inside both kinds of quotes too. What is wrong takes the rest of the line with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_WHITE = b" \t\r\n"
_BACKSLASH = 0x5C
_QUOTES = b"'\""
_SIMPLE = {
    0x61: b"\a",
    0x62: b"\b",
    0x66: b"\f",
    0x6E: b"\n",
    0x72: b"\r",
    0x74: b"\t",
    0x76: b"\v",
    0x5C: b"\\",
    0x22: b'"',
    0x27: b"'",
    0x73: b" ",
}
_NUMERIC = re.compile(rb"x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})")
_BYTE = 0xFF
_SURROGATES = range(0xD800, 0xE000)
_LAST = 0x10FFFF
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*+")


class Word(NamedTuple):
    at: int  # where it starts
    value: bytes


class Words(NamedTuple):
    words: tuple[Word, ...]
    refused: int | None = None  # where the word starts that cannot be read, and with it the rest


def split(raw: bytes, *, lenient: bool = False) -> Words:
    """Split a line; *lenient*: an unknown escape stays as it is, as in command lines."""
    found: list[Word] = []
    at = _skip(raw, 0)
    while at < len(raw):
        value, end = _word(raw, at, lenient=lenient)
        if value is None:
            return Words(tuple(found), at)
        found.append(Word(at, value))
        at = _skip(raw, end)
    return Words(tuple(found))


def _skip(raw: bytes, at: int) -> int:
    while at < len(raw) and raw[at] in _WHITE:
        at += 1
    return at


def _word(raw: bytes, at: int, *, lenient: bool) -> tuple[bytes | None, int]:
    """Read one word; None: it cannot be read. The second value is where it ends."""
    word = bytearray()
    quote = 0
    while at < len(raw):
        char = raw[at]
        if char == _BACKSLASH:
            value, at = _escape(raw, at + 1, lenient=lenient)
            if value is None:
                return None, at
            word += value
            continue
        at += 1
        if quote:
            quote, kept = (0, b"") if char == quote else (quote, raw[at - 1 : at])
            word += kept
        elif char in _QUOTES:
            quote = char
        elif char in _WHITE:
            return bytes(word), at
        else:
            word.append(char)
    return (None if quote else bytes(word)), at


def _escape(raw: bytes, at: int, *, lenient: bool) -> tuple[bytes | None, int]:
    """Read what follows a backslash."""
    if at < len(raw):
        if raw[at] in _SIMPLE:
            return _SIMPLE[raw[at]], at + 1
        if (match := _NUMERIC.match(raw, at)) and (value := _number(match)) is not None:
            return value, match.end()
        if lenient:
            return b"\\" + raw[at : at + 1], at + 1
    return None, at


def _number(match: re.Match[bytes]) -> bytes | None:
    """Give the byte of \\xHH and \\ooo, the character of \\uXXXX and \\UXXXXXXXX; never a NUL."""
    digits = match[match.lastindex or 0]
    number = int(digits, 8 if match.lastindex == 2 else 16)  # noqa: PLR2004 - the second group
    if number == 0 or number > _LAST or number in _SURROGATES:
        return None
    if match.lastindex in (1, 2):
        return bytes([number]) if number <= _BYTE else None
    return chr(number).encode()


def is_name(name: bytes) -> bool:
    return bool(_NAME.fullmatch(name))


def is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def assignment(word: bytes) -> tuple[bytes, bytes] | None:
    """Read NAME=VALUE; None: systemd ignores the word."""
    name, equals, value = word.partition(b"=")
    return (name, value) if equals and is_name(name) and is_text(value) else None


def clean(words: Iterable[bytes]) -> dict[bytes, bytes]:
    """Keep what is an assignment, of several of one name the last."""
    kept: dict[bytes, bytes] = {}
    for word in words:
        if (pair := assignment(word)) is not None:
            kept.pop(pair[0], None)
            kept[pair[0]] = pair[1]
    return kept

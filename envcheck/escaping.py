"""Text that comes from elsewhere, made fit for a terminal and for JSON.

A value can hold every byte: sequences that drive the terminal, characters that turn the direction of writing,
newlines that forge lines. What cannot be seen is spelled out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import cache

# Letters and marks by their category, but invisible.
INVISIBLE = frozenset(map(ord, "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"))
SPELLED = ("\\\\", "\\n", "\\r", "\\t", "\\x", "\\u", "\\U")


def as_bytes(text: str) -> bytes:
    """The bytes that *text* was decoded from."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that was no byte: only JSON can bring one in
        return text.encode("utf-8", "surrogatepass")


def escape(text: str) -> str:
    r"""Spell out what is not printable: \n, \r, \t, \x1b, \u202e, and \xff for a byte that is no UTF-8.

    A backslash stays as it is, unless something in *text* has to be spelled out or reads as if it had been:
    then every backslash is doubled. So two texts never look the same.
    """
    plain = text.isprintable() and (text.isascii() or INVISIBLE.isdisjoint(map(ord, text)))
    if plain and ("\\" not in text or not any(spelling in text for spelling in SPELLED)):
        return text
    return text.translate(_spellings())


def command(argv: Sequence[str]) -> str:
    """Write a command line so that it can be pasted; what cannot be printed, as bash, zsh and ksh read it."""
    return " ".join(map(_quoted, argv))


def _quoted(word: str) -> str:
    spelled = escape(word)
    return shlex.quote(word) if spelled == word else "$'" + spelled.replace("'", "\\'") + "'"


def escape_json_text(text: str) -> str:
    r"""Names, paths and arguments within JSON: a byte that is no UTF-8 becomes the four characters \xNN.

    Everything else is left to the encoder, which has escapes of its own.
    """
    return text if text.isascii() else _surrogates().sub(lambda match: _spell(ord(match[0])), text)


@cache
def _surrogates() -> re.Pattern[str]:
    return re.compile("[\ud800-\udfff]")


class _Spellings(dict[int, "int | str"]):
    def __missing__(self, code: int) -> int | str:
        self[code] = code if chr(code).isprintable() and code not in INVISIBLE else _spell(code)
        return self[code]


@cache
def _spellings() -> _Spellings:
    return _Spellings({ord("\\"): "\\\\", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"})


def _spell(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - where surrogateescape puts the bytes
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:  # noqa: PLR2004 - a C1 control is not the byte of that number
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004

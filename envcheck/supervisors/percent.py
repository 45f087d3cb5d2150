"""`%(name)s` in configurations of supervisord: Python's printf, held in bounds.

Source of the knowledge: supervisor/options.py `expand`, which is `text % expansions`. A width of a billion is
legal there; here nothing is computed that is longer than `LIMIT`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

LIMIT = 4 * 1024 * 1024  # of characters that come out

_BEFORE_TYPE = re.compile(r"([#0\- +]*)(\*|\d*)(?:\.(\*|\d*))?[hlL]?")


class RefusedError(ValueError):
    """The text is malformed, or names what is not there: supervisord refuses the configuration."""


class UnboundedError(ValueError):
    """What comes out is too long, or only the running supervisord could tell it."""


class _Directive(NamedTuple):
    key: str | None
    widths: tuple[str, ...]
    kind: str


def expand(text: str, expansions: Mapping[str, str | int]) -> str:
    """Expand as supervisord does. Messages name no value."""
    if "%" not in text:
        return text
    length = len(text)
    for directive in _directives(text):
        if directive.key is None and directive.kind in "sra":
            raise UnboundedError("a conversion without a name prints all that supervisord knows")
        for width in directive.widths:
            length += int(width) if width.isdigit() and len(width) < len(str(LIMIT)) + 1 else 0
            length += LIMIT if width.isdigit() and len(width) > len(str(LIMIT)) else 0
        # %a and %r write a character as up to ten.
        length += 10 * len(str(expansions.get(directive.key or "", "")))
    if length > LIMIT:
        raise UnboundedError("what comes out of its % conversions is too long")
    try:
        return text % dict(expansions)
    except KeyError:
        raise RefusedError("a %(name)s that is not known where it is expanded") from None
    except (ValueError, TypeError, OverflowError):
        raise RefusedError("a % that is no conversion: a literal one is written %%") from None


def _directives(text: str) -> Iterator[_Directive]:
    """Give the conversions, as printf reads them, up to the first one that it refuses."""
    at = text.find("%")
    while at >= 0:
        at += 1
        key = None
        if text.startswith("(", at):
            end = _closing(text, at)
            if end < 0:
                return
            key, at = text[at + 1 : end], end + 1
        match = _BEFORE_TYPE.match(text, at)
        if match is None or match.end() >= len(text):
            return
        yield _Directive(key, tuple(w for w in match.group(2, 3) if w), text[match.end()])
        at = text.find("%", match.end() + 1)


def _closing(text: str, at: int) -> int:
    """Give the place of the bracket that closes the one at *at*; brackets nest."""
    depth = 0
    for match in re.compile(r"[()]").finditer(text, at):
        depth += 1 if match[0] == "(" else -1
        if not depth:
            return match.start()
    return -1

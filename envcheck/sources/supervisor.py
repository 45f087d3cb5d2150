"""The value of `environment=` in a configuration of supervisord: KEY="value",KEY2="value".

Source of the knowledge: supervisor/datatypes.py `dict_of_key_value_pairs`, which hands the text to Python's
shlex (not in its POSIX mode) and takes tokens by four: name, `=`, value, and one more that is taken for the
comma, whatever it is. So `A=x y` sets `x`, and `A=$HOME` sets `$`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import Lines, decode, nameable

# A quoted token ends with its quote; a word goes on over quotes, and over a comment to the next line.
_TOKENS = re.compile(
    r"""
    (?P<skipped> [ \t\r\n]+ | \#[^\n]*\n? )
    | (?P<quoted> "[^"]*" | '[^']*' )
    | (?P<word> [\w/.+\-():] (?: [\w/.+\-():'"]+ | \#[^\n]*(?:\n|\Z) )* )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_QUOTES = ('"', "'")
_COMMENT = re.compile(r"#[^\n]*\n?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_ENDS_EARLY = "it does not consist of KEY=value pairs with commas between"
_REFUSES = "supervisord refuses the configuration"


class _Token(NamedTuple):
    text: str
    at: int
    commented: bool = False


class _UnclosedError(Exception):
    def __init__(self, at: int) -> None:
        super().__init__("a quote is not closed")
        self.at = at


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    """Say what a file sets that holds one value of `environment=` and nothing else."""
    del known
    return pairs(decode(content))


def pairs(text: str) -> Parsed:
    """Cut a value, percent signs expanded already, into its pairs; lines count from 1."""
    lines = Lines(text)
    try:
        tokens = list(_tokens(text))
    except _UnclosedError as error:
        return _refused(lines.of(error.at), str(error))
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for i in range(0, len(tokens), 4):
        if len(tokens) < i + 3 or tokens[i + 1].text != "=":
            return _refused(lines.of(tokens[i].at), _ENDS_EARLY)
        name, _, value, *rest = tokens[i : i + 4]
        line = lines.of(name.at)
        assignments.append(Assignment(name.text, value.text.strip("'\""), line))
        problems += [Problem(line, doubt) for doubt in _doubts(name, value, rest)]
    return Parsed(tuple(assignments), tuple(problems))


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKENS.finditer(text):
        if match["other"] in ("'", '"'):
            raise _UnclosedError(match.start())
        if match["skipped"] is None:
            commented = match["word"] is not None and "#" in match["word"]
            token = _COMMENT.sub("", match[0]) if commented else match[0]
            yield _Token(token, match.start(), commented)


def _refused(line: int, message: str) -> Parsed:
    return Parsed((), (Problem(line, f"{message}: {_REFUSES}"),), refused=True)


def _doubts(name: _Token, value: _Token, rest: list[_Token]) -> Iterator[str]:
    """Say what the author may not expect. A value is never named: only what is done with it."""
    shown = nameable(name.text)
    about = f"{shown}: " if shown else ""
    if not _NAME.fullmatch(name.text):
        yield "not the name of a variable, but set all the same"
    if value.commented:
        yield f"{about}`#` begins a comment: what follows it is not part of the value"
    if rest and rest[0].text != ",":
        yield f"{about}the value ends before what follows it, which is dropped: put it in double quotes"
    elif len(value.text) == 1 and not value.text.isalnum():
        yield f"{about}only one sign is taken as the value: put it in double quotes"
    elif value.text[:1] not in _QUOTES and any(quote in value.text for quote in _QUOTES):
        yield f"{about}a quote within the value is part of it, and one at its end is not"
    if "\0" in value.text or "\0" in name.text:
        yield f"{about}a NUL cannot be part of an environment: starting fails"

""".env files of honcho: each line by itself through Python's shlex, without any expansion.

Source of the knowledge: honcho/environ.py `parse`. The words after `=` are joined with nothing between, so
`A=a b` sets `ab`; quotes and comments are those of a shell; `\\n` and `\\t` become what they stand for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import nameable, strict

# In its POSIX mode shlex takes letters of Latin-1 for parts of words too; anything else stands alone, which
# makes no difference where words are joined again.
_LATIN = "ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ"
_WORD = re.compile(rf"[A-Za-z0-9_{_LATIN}]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    """Say what a file sets; nothing is expanded, so what is *known* does not matter."""
    del known
    text = strict(content)
    if text is None:
        return Parsed((), (Problem(None, "not valid UTF-8: honcho does not start"),), refused=True)
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    # A file opened as text has one kind of line ends; the others that str.splitlines knows cut lines too.
    for number, line in enumerate(text.replace("\r\n", "\n").splitlines(), 1):
        try:
            words = list(_words(line))
        except ValueError as error:
            return Parsed((), (Problem(number, f"{error}: honcho does not start"),), refused=True)
        if not words:
            continue
        shown = nameable(words[0])
        if len(words) < 3 or words[1] != "=" or not _NAME.match(words[0]):  # noqa: PLR2004
            problems.append(Problem(number, "not NAME=value: ignored"))
            continue
        value = "".join(words[2:]).replace("\\n", "\n").replace("\\t", "\t")
        assignments.append(Assignment(words[0], value, number))
        if " " in line.partition("=")[2].strip() and not any(sign in line for sign in "\"'#"):
            problems.append(Problem(number, f"{shown}: the blanks in its value are dropped: quote it"))
    return Parsed(tuple(assignments), tuple(problems))


def _words(line: str) -> Iterator[str]:
    """Cut a line as shlex.shlex(line, posix=True) does."""
    at = 0
    while at < len(line):
        sign = line[at]
        if sign in " \t\r\n":
            at += 1
        elif sign == "#":
            return
        elif sign in "\"'\\" or _WORD.match(sign):
            word, at = _word(line, at)
            if word is None:
                return
            yield word
        else:
            yield sign
            at += 1


def _word(line: str, at: int) -> tuple[str | None, int]:
    """Read a word from its first sign on; None: a comment cut it before it had any sign."""
    pieces: list[str] = []
    while at < len(line):
        sign = line[at]
        if sign == "'":
            end = line.find("'", at + 1)
            if end < 0:
                raise ValueError("a quote is not closed")
            pieces.append(line[at + 1 : end])
            at = end + 1
        elif sign == '"':
            match = _QUOTED.match(line, at)
            if match is None:
                raise ValueError("a quote is not closed")
            pieces.append(_ESCAPED.sub(r"\1", match[1]))
            at = match.end()
        elif sign == "\\":
            if at + 1 >= len(line):
                raise ValueError("nothing follows a backslash")
            pieces.append(line[at + 1])
            at += 2
        elif match := _WORD.match(line, at):
            pieces.append(match[0])
            at = match.end()
        elif sign == "#":
            return "".join(pieces), len(line)
        else:
            break
    return "".join(pieces), at

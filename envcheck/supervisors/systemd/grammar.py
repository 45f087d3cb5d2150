"""Unit files and manager configuration: sections, assignments, continued lines.

systemd.syntax(7) and observed behaviour. A line that ends in a backslash goes on in the next one, with a
blank in between; comments are skipped even inside a continued line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from envcheck.model import Problem
from envcheck.sources.text import decode, nameable

_ENDS = re.compile(rb"\r\n?|\n\r?|\0")
_WHITE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One assignment."""

    section: str
    key: str
    value: bytes
    number: int


class Unit(NamedTuple):
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]
    broken: str = ""  # why the file is refused; what stands before that is in `lines`


def parse(content: bytes) -> Unit:
    lines: list[Line] = []
    problems: list[Problem] = []
    section = ""
    for number, text in logical(content.removeprefix(_BOM)):
        line = text.strip(_WHITE)
        if not line:
            continue
        if why := _refused(line):
            problems.append(Problem(number, f"{why}: systemd refuses the file from here on"))
            return Unit(tuple(lines), tuple(problems), f"line {number}: {why}")
        if line.startswith(b"["):
            section = decode(line[1:-1])
            continue
        key, equals, value = line.partition(b"=")
        name = decode(key.strip(_WHITE))
        if not equals:
            problems.append(Problem(number, "there is no `=`: the line is ignored"))
        elif not section:
            problems.append(Problem(number, f"{_shown(name)} stands before any section: it is ignored"))
        else:
            lines.append(Line(section, name, value.strip(_WHITE), number))
    return Unit(tuple(lines), tuple(problems))


def _shown(name: str) -> str:
    return nameable(name) or "an assignment"


def _refused(line: bytes) -> str:
    try:
        line.decode()
    except UnicodeDecodeError:
        return "it is not valid UTF-8"
    return "the section header is not closed" if line[:1] == b"[" and line[-1:] != b"]" else ""


def logical(content: bytes) -> list[tuple[int, bytes]]:
    """Join continued lines; give each with the number of its first line."""
    found: list[tuple[int, bytes]] = []
    pieces: list[bytes] = []
    first = 0
    for number, raw in enumerate(_ENDS.split(content), 1):
        if raw.lstrip(_WHITE)[:1] in (b"#", b";"):
            continue
        first = first if pieces else number
        if _continues(raw):
            pieces.append(raw[:-1] + b" ")
            continue
        found.append((first, b"".join((*pieces, raw))))
        pieces = []
    if pieces:
        found.append((first, b"".join(pieces)))
    return found


def _continues(text: bytes) -> bool:
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1

"""Ini files with the file and the line of everything: what Python's RawConfigParser reads, no more, no less.

Held against it by the differential test of generated files. The options are those of
supervisord (supervisor/options.py `UnhosedConfigParser`): ` ;` and ` #` begin comments behind a value too, a
section or an option that comes again replaces or adds, names of options are lowered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_ENDS = re.compile(r"\r\n?|\n")  # of a file opened as text
_DELIMITER = re.compile("[=:]")
DEFAULT = "DEFAULT"


class Option(NamedTuple):
    """The value of one option, where it stands, and which line each line of the value stands in."""

    value: str
    path: str
    lines: tuple[int, ...]

    def line(self, number: int) -> int:
        """Give the line of the file in which the line *number* of the value stands."""
        return self.lines[min(number, len(self.lines)) - 1]


Section = dict[str, Option]


class MalformedError(ValueError):
    """The file is refused; the message names no text of it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Open(NamedTuple):
    """An option whose value may go on."""

    section: Section
    name: str
    pieces: list[str]
    lines: list[int]


class Ini:
    """One configuration out of one or more files, read one after the other."""

    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}
        self._defaults: Section = {}

    def option(self, section: str, name: str) -> Option | None:
        found = self.sections.get(section, {}).get(name)
        return found or (self._defaults.get(name) if section in self.sections else None)

    def options(self, section: str) -> Mapping[str, Option]:
        """Give what `items` gives: the defaults too."""
        return {**self._defaults, **self.sections[section]}

    def replace(self, section: str, name: str, option: Option) -> None:
        self.sections[section][name] = option

    def read(self, text: str, path: str) -> None:
        """Add what a file says; the first error in it is raised when all is read."""
        indent = 0
        section: Section | None = None
        current: _Open | None = None
        opened: list[_Open] = []
        error: MalformedError | None = None
        for number, line in enumerate(lines(text), 1):
            value, commented = _uncommented(line)
            if not value:
                if current and not commented:
                    current.pieces.append("")
                    current.lines.append(number)
                continue
            depth = len(line) - len(line.lstrip())
            if current and depth > indent:
                current.pieces.append(value)
                current.lines.append(number)
                continue
            indent = depth
            header = _header(value)
            if header is not None:
                section, current = self._section(header), None
            elif section is None:
                raise MalformedError(number, "a line before the first section")
            elif (mark := _DELIMITER.search(value)) is None:
                error = error or MalformedError(number, "neither a section nor `name=value`")
            else:
                name = value[: mark.start()].rstrip().lower()
                error = error or (None if name else MalformedError(number, "a value without a name"))
                current = _Open(section, name, [value[mark.end() :].strip()], [number])
                opened.append(current)
        for option in opened:
            joined = "\n".join(option.pieces).rstrip()
            option.section[option.name] = Option(joined, path, tuple(option.lines))
        if error:
            raise error

    def _section(self, header: str) -> Section:
        return self._defaults if header == DEFAULT else self.sections.setdefault(header, {})


def lines(text: str) -> Iterator[str]:
    start = 0
    for end in _ENDS.finditer(text):
        yield text[start : end.start()] + "\n"
        start = end.end()
    if start < len(text):
        yield text[start:]


def _uncommented(line: str) -> tuple[str, bool]:
    """Give the line without its comment, and whether there was one.

    Both signs are looked for side by side, the n-th `;` and the n-th `#` at once: the first round in which
    one of them begins a comment decides.
    """
    if line.lstrip().startswith(("#", ";")):
        return "", True
    places = {";": -1, "#": -1}
    while places:
        found = {sign: at for sign, last in places.items() if (at := line.find(sign, last + 1)) >= 0}
        starts = [at for at in found.values() if at == 0 or line[at - 1].isspace()]
        if starts:
            return line[: min(starts)].strip(), True
        places = found
    return line.strip(), False


def _header(value: str) -> str | None:
    end = value.rfind("]")
    return value[1:end] if value.startswith("[") and end > 1 else None

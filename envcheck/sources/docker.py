"""Docker's `--env-file`: no quotes, no escapes, no expansion.

Source of the knowledge: docker/cli pkg/kvfile/kvfile.go `parseKeyValueFile`. A value is taken to the end of
the line as it is, blanks and quotes with it. A name alone takes the value it has where docker is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import nameable, strict

_BOM = b"\xef\xbb\xbf"
# unicode.IsSpace of Go.
_GO_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_LINE_LIMIT = 64 * 1024  # bufio.MaxScanTokenSize: a line with its end must be shorter


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, raw in enumerate(lines, 1):
        if refusal := _refusal(raw):
            return _refused(number, refusal)
        # bufio.ScanLines takes one CR away, then unicode.IsSpace at the beginning goes.
        line = (
            (raw.removeprefix(_BOM) if number == 1 else raw).removesuffix(b"\r").decode().lstrip(_GO_SPACES)
        )
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if refusal := _refusal_of(name):
            return _refused(number, refusal)
        if equals:
            assignments.append(Assignment(name, value, number))
            problems.extend(Problem(number, doubt) for doubt in _doubts(value))
        elif name in known:
            assignments.append(Assignment(name, known[name], number))
        else:
            shown = nameable(name) or "a name"
            problems.append(Problem(number, f"{shown} without a value: taken from where docker is called"))
    return Parsed(tuple(assignments), tuple(problems))


def _refused(line: int, message: str) -> Parsed:
    return Parsed((), (Problem(line, f"{message}: docker refuses the whole file"),), refused=True)


def _refusal(raw: bytes) -> str:
    if len(raw) >= _LINE_LIMIT:
        return "a line of 64 KiB or more"
    return "not valid UTF-8" if strict(raw) is None else ""


def _refusal_of(name: str) -> str:
    if not name:
        return "there is no name before `=`"
    return "the name holds a blank" if " " in name or "\t" in name else ""


def _doubts(value: str) -> list[str]:
    doubts: list[str] = []
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        doubts.append("the quotes are part of the value")
    if " #" in value:
        doubts.append("there are no comments behind a value: `#` and what follows is part of it")
    return doubts

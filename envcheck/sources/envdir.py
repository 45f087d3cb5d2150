"""Folders with one file a variable: envdir of daemontools, s6-envdir, chpst -e of runit.

Measured against daemontools 0.76, s6 2.11 and runit 2.1.2 (tests: the differential test of generated
folders). The name of the file is the name of the variable, the first line its value: blanks at its end go, a
NUL becomes a line feed. A file without a byte unsets the variable; a file with an empty line sets it empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from envcheck.model import Assignment, FileFacts, Parsed, Problem
from envcheck.sources.text import decode, nameable

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BOM = b"\xef\xbb\xbf"
_S6_LIMIT = 4095  # of bytes of a file that s6-envdir 2.11 takes


class _Tool(NamedTuple):
    value: Callable[[bytes], bytes]
    skips_folders: bool = False
    splits_names: bool = True  # `A=B` with the line `x` sets A to `B=x`; else such a file is ignored
    refuses_missing: bool = False  # a link to nowhere


def _first_line(content: bytes) -> bytes:
    return content.partition(b"\n")[0].rstrip(b" \t")


def _first_line_of_s6(content: bytes) -> bytes:
    return content[:_S6_LIMIT].partition(b"\n")[0].rstrip(b" \t\r")


def _whole(content: bytes) -> bytes:
    return content[:_S6_LIMIT]


def _whole_but_its_end(content: bytes) -> bytes:
    return content[:_S6_LIMIT].removesuffix(b"\n")


def _first_line_with_blanks(content: bytes) -> bytes:
    return content[:_S6_LIMIT].partition(b"\n")[0]


_OF_S6 = (_first_line_of_s6, _first_line_with_blanks, _whole, _whole_but_its_end)
_OF_ALL_LINES = (_whole, _whole_but_its_end)


TOOLS: Mapping[str, _Tool] = {
    "daemontools": _Tool(_first_line),
    "chpst": _Tool(_first_line, skips_folders=True),
    "s6": _Tool(_first_line_of_s6, splits_names=False, refuses_missing=True),
    "s6-f": _Tool(_whole_but_its_end, splits_names=False, refuses_missing=True),
    "s6-n": _Tool(_first_line_with_blanks, splits_names=False, refuses_missing=True),
    "s6-fn": _Tool(_whole, splits_names=False, refuses_missing=True),
}


def parse_folder(folder: FileFacts, tool: str = "daemontools") -> Parsed:
    """Say what *tool* sets for the program it starts, sorted by name.

    Where it refuses to start any, what the other files would set is what is wanted all the same.
    """
    rules = TOOLS[tool]
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    refused: list[Problem] = []
    for name, facts in sorted(folder.entries.items()):
        if name.startswith("."):
            continue
        if refusal := _refusal(facts.status, rules):
            refused.append(problem(name, f"{refusal}: the program is not started"))
            continue
        if facts.status == "folder":
            problems.append(problem(name, "a folder: skipped"))
            continue
        assignment = _assignment(name, facts, rules)
        if assignment is not None:
            assignments.append(assignment)
        doubts = _doubts(name, facts, rules)
        problems.extend(problem(name, doubt, 1) for doubt in doubts)
    if refused:
        return Parsed(tuple(assignments), (*refused, *problems), refused=True)
    return Parsed(tuple(assignments), tuple(problems))


def problem(name: str, what: str, line: int | None = None) -> Problem:
    """Tell of one of the files; what stands behind a `=` in its name may be a value."""
    shown = nameable(name) or "a file whose name is no variable's"
    return Problem(line, f"{shown}: {what}", file="" if "=" in name else name)


def _refusal(status: str, rules: _Tool) -> str:
    if status == "folder" and not rules.skips_folders:
        return "a folder where a file should be"
    if status == "missing" and rules.refuses_missing:
        return "a link to nowhere"
    return "it cannot be read" if status == "error" else ""


def _assignment(name: str, facts: FileFacts, rules: _Tool) -> Assignment | None:
    value: str | None
    known = facts.status in ("ok", "missing")  # a link to nowhere is taken for a file without a byte
    if not known:
        value = ""  # denied to us, not to who starts the program; or a pipe
    elif facts.content:
        value = decode(rules.value(facts.content).replace(b"\0", b"\n"))
    else:
        value = None
    if "=" in name:
        if not rules.splits_names or name.startswith("="):
            return None
        name, _, head = name.partition("=")
        value = head if value is None else f"{head}={value}"
    return Assignment(name, value, 1, dynamic=not known)


def _doubts(name: str, facts: FileFacts, rules: _Tool) -> Iterator[str]:
    """Say what the writer of a file may not expect."""
    if "=" in name:
        yield "the name of the file holds `=`"
    elif not _PLAIN_NAME.fullmatch(name):
        yield "not the name of a variable, but set all the same"
    if facts.status == "missing":
        yield "a link to nowhere: it unsets the variable"
        return
    if facts.status != "ok":
        yield f"what it sets is not known here ({facts.status})"
        return
    taken = rules.value(facts.content)
    line, _, rest = facts.content.partition(b"\n")
    if rules.value not in _OF_ALL_LINES and rest.strip():
        yield "only the first line counts"
    if taken.startswith(_BOM):
        yield "a byte order mark: it is part of the value"
    if len(taken) > 1 and taken[:1] == taken[-1:] and taken[:1] in (b'"', b"'"):
        yield "the quotes are part of the value"
    if taken.endswith(b"\r"):
        yield "lines end in CR LF: the CR is part of the value"
    if rules.value in _OF_S6 and len(line) > _S6_LIMIT:
        yield f"longer than {_S6_LIMIT} bytes: cut"

"""What is doubtful in a source beside what its grammar says: duplicates, empty files, open secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envcheck.model import Applied, FileFacts, Parsed, Problem
from envcheck.secrecy import looks_secret

READABLE_BY_ALL = 0o004
DYNAMIC = "dynamic: "  # begins a problem that only running something could settle


class Doubt(NamedTuple):
    """Something to look at: where, and what."""

    path: str
    line: int | None
    message: str


def doubts(applied: Applied, facts: FileFacts) -> tuple[Doubt, ...]:
    """Give all doubts about a source, by path and line."""
    path = applied.source.path
    if applied.parsed is None:
        return (Doubt(path, None, applied.why),)
    all_told = [_told(applied, p) for p in applied.parsed.problems]
    placed = {d.message for d in all_told if d.line}
    told = [d for d in all_told if d.line or d.message not in placed]
    found = {*told, *_repeated(path, applied.parsed), *_unset(applied), *_open(applied, facts)}
    return tuple(sorted(found, key=lambda d: (d.path, d.line or 0, d.message)))


def _told(applied: Applied, problem: Problem) -> Doubt:
    """Place a problem: in an envdir each variable is a file of its own."""
    path, message = applied.source.path, problem.message.removeprefix(DYNAMIC)
    if problem.file:
        return Doubt(f"{path}/{problem.file}", problem.line, message.partition(": ")[2])
    return Doubt(path, problem.line, message)


def _repeated(path: str, parsed: Parsed) -> Iterator[Doubt]:
    first: dict[str, int] = {}
    for assignment in parsed.assignments:
        if assignment.name in first:
            line = first[assignment.name]
            yield Doubt(path, assignment.line, f"{assignment.name} is set again: line {line} does not count")
        first[assignment.name] = assignment.line


def _unset(applied: Applied) -> Iterator[Doubt]:
    """A file of no bytes in an envdir unsets its variable, which few people mean."""
    if applied.source.kind != "envdir" or applied.parsed is None:
        return
    for assignment in applied.parsed.assignments:
        if assignment.value is None:
            path = f"{applied.source.path}/{assignment.name}"
            yield Doubt(path, None, "the file is empty: it unsets the variable")


def _open(applied: Applied, facts: FileFacts) -> Iterator[Doubt]:
    """A secret in a file that everybody may read."""
    for assignment in applied.parsed.assignments if applied.parsed else ():
        folder = applied.source.kind == "envdir"
        mode = facts.entries[assignment.name].mode if assignment.name in facts.entries else facts.mode
        if assignment.value and mode & READABLE_BY_ALL and looks_secret(assignment.name, assignment.value):
            path = f"{applied.source.path}/{assignment.name}" if folder else applied.source.path
            yield Doubt(
                path, assignment.line, f"{assignment.name} looks secret, and everybody may read the file"
            )

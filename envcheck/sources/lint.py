"""What is doubtful in a source beside what its grammar says: duplicates, empty files, open secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from envcheck.model import Applied, FileFacts, Parsed, Problem
from envcheck.secrecy import looks_secret
from envcheck.sources import chain, shell
from envcheck.sources.text import decode

_PAIR = re.compile(r"""(?<!\\)(["'])[^"'\\]*\1""")
_NOT_A_WORD = ('"', "'", "{", "[")  # what begins so is quoted as a whole, or JSON
REFUSED = 100  # lines that are read past
# Dialects of which a line is refused, and the file for its sake.
BY_LINES = frozenset({"docker", "dotenv-compose", "dotenv-honcho", "dotenv-ruby", "systemd", "systemd254"})
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
    applied, parsed, facts = _read_on(applied, applied.parsed, facts)
    all_told = [_told(applied, p) for p in parsed.problems]
    placed = {d.message for d in all_told if d.line}
    told = [d for d in all_told if d.line or d.message not in placed]
    found = {
        *told,
        *_repeated(applied, facts),
        *_quoted(applied, facts),
        *_unset(applied),
        *_open(applied, facts),
    }
    return tuple(sorted(found, key=lambda d: (d.path, d.line or 0, d.message)))


def _read_on(applied: Applied, parsed: Parsed, facts: FileFacts) -> tuple[Applied, Parsed, FileFacts]:
    """Read on behind each line for which a program refuses the whole file: the rest is told with it."""
    told: list[Problem] = []
    for _ in range(REFUSED if applied.source.dialect in BY_LINES else 0):
        lines = facts.content.replace(b"\r\n", b"\n").split(b"\n")
        at = next((p.line for p in parsed.problems if p.line), 0) if parsed.refused else 0
        if not 0 < at <= len(lines) or not lines[at - 1]:
            break
        rest = facts._replace(content=b"\n".join((*lines[: at - 1], b"", *lines[at:])))
        again = chain.apply(applied.source, rest, {})
        if again is None or again.parsed is None:
            break
        told += parsed.problems
        applied, parsed, facts = again, again.parsed, rest
    parsed = parsed._replace(problems=(*told, *parsed.problems))
    return applied._replace(parsed=parsed), parsed, facts


def _told(applied: Applied, problem: Problem) -> Doubt:
    """Place a problem: in an envdir each variable is a file of its own."""
    path, message = applied.source.path, problem.message.removeprefix(DYNAMIC)
    if problem.file:
        return Doubt(f"{path}/{problem.file}", problem.line, message.partition(": ")[2])
    return Doubt(path, problem.line, message)


def _repeated(applied: Applied, facts: FileFacts) -> Iterator[Doubt]:
    """What is set twice; a shell may have read it in between."""
    path = applied.source.path
    if applied.source.dialect == "shell":
        yield from (Doubt(path, p.line, p.message) for p in shell.repeated(facts.content))
        return
    parsed = applied.parsed or Parsed()
    first: dict[str, int] = {}
    for assignment in parsed.assignments:
        if assignment.name in first:
            line = first[assignment.name]
            yield Doubt(path, assignment.line, f"{assignment.name} is set again: line {line} does not count")
        first[assignment.name] = assignment.line


def _quoted(applied: Applied, facts: FileFacts) -> Iterator[Doubt]:
    """Quotes within a value, as a shell would take them away: in JSON they are meant."""
    if applied.source.kind != "file" or applied.source.dialect == "supervisor" or not applied.parsed:
        return
    lines = decode(facts.content).splitlines()
    for assignment in applied.parsed.assignments:
        line = lines[assignment.line - 1] if 0 < assignment.line <= len(lines) else ""
        given = line.partition("=")[2].strip()
        pair = _PAIR.search(given) if given[:1] not in _NOT_A_WORD else None
        if pair and pair[0] in (assignment.value or ""):
            yield Doubt(applied.source.path, assignment.line, "the quotes are part of the value")


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

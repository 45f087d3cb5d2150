"""What a unit is by its files on disk: what a restart after `daemon-reload` would start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from envcheck.model import Problem
from envcheck.sources import systemd_words
from envcheck.sources.text import decode
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import grammar, needs, search
from envcheck.supervisors.systemd.definition import Definition, Place, read, words
from envcheck.supervisors.systemd.loaded import Manager
from envcheck.supervisors.systemd.search import Files, Found
from envcheck.supervisors.systemd.specifiers import Scope


def definition(files: Files, scope: Scope) -> Definition:
    """Read the unit and its drop-ins in their order."""
    found = Definition(scope)
    own = () if files.fragment is None else (files.fragment,)
    for file in (*own, *files.dropins):
        found.sources[file.path] = file
        unit = grammar.parse(file.facts.content)
        found.problems.setdefault(file.path, []).extend(unit.problems)
        if unit.broken and file in own:
            found.broken = f"{file.path}: {unit.broken}"
        for line in unit.lines:
            read(found, Place(file.path, line.number), line)
    return found


def search_path(manager: Manager | None) -> Sequence[str]:
    """Give the manager's own path; /lib is a link to /usr/lib, or comes after it."""
    path = manager.path if manager and manager.path else search.SYSTEM
    weak = [p for p in path if p.startswith("/lib/")]
    return [p for p in path if p not in weak] + weak


def unstartable(files: Files, found: Definition, *, known: bool) -> str:
    """Say why systemd would not start it; *known*: the manager knows the unit, so there has been a file."""
    if files.fragment is None:
        return "there is no unit file of it any more" if known else ""
    if files.masked:
        return f"the unit is masked: {files.fragment.path}"
    if found.broken:
        return f"systemd refuses the unit: {found.broken}"
    if why := needs.refused(found):
        return f"systemd refuses the unit: {why}"
    return (
        ""
        if found.commands or files.fragment.facts.status != "ok"
        else f"{files.fragment.path} has no ExecStart="
    )


class Defaults(NamedTuple):
    """DefaultEnvironment= of the manager's own files: of each what it sets, with the line."""

    files: tuple[tuple[Found, Mapping[str, tuple[str, int]]], ...]
    changed: float  # of the files, and of the folders that they may have been removed from

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, sets in self.files for name in sets)


def defaults(known: Known, scope: Scope) -> Defaults:
    found = Definition(scope)
    files, changed = search.manager("system" if scope.manager is None else "user", known)
    placed: dict[str, tuple[Found, str, int]] = {}
    for file in files:
        for line in grammar.parse(file.facts.content).lines:
            if (line.section, line.key) != ("Manager", "DefaultEnvironment"):
                continue
            if not line.value:
                placed.clear()
            for word in words(found, Place(file.path, line.number), line.value):
                if (pair := systemd_words.assignment(word.value)) is not None:
                    placed[decode(pair[0])] = (file, decode(pair[1]), line.number)
    by_file = (
        (file, {n: (value, line) for n, (f, value, line) in placed.items() if f is file}) for file in files
    )
    return Defaults(tuple(by_file), changed)


def problems_of(found: Definition, path: str) -> tuple[Problem, ...]:
    return tuple(sorted(set(found.problems.get(path, ())), key=lambda p: (p.line or 0, p.message)))

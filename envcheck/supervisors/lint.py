"""Configuration files of supervisors one by one: what their lines set, and which of them are dropped.

For `lint`: nothing that such a file names is read, and what stands in for it is taken for well-formed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from envcheck.model import Applied, Assignment, FileFacts, Parsed, Problem, Source, Stage
from envcheck.sources.supervisor import pairs
from envcheck.sources.text import decode, nameable, strict
from envcheck.supervisors import circus_config, procfile
from envcheck.supervisors.ini import Ini, MalformedError
from envcheck.supervisors.refusals import RejectError
from envcheck.supervisors.supervisord_config import MAIN, PROGRAMS
from envcheck.supervisors.systemd import grammar, names
from envcheck.supervisors.systemd.definition import SERVICE, Definition, Place, read
from envcheck.supervisors.systemd.specifiers import Scope

_SECTIONS = (MAIN, *PROGRAMS)
_SECTION = re.compile(rb"^\[(?:%s)" % b"|".join(s.encode() for s in _SECTIONS), re.MULTILINE)
_CIRCUS = re.compile(rb"^\[(?:circus\]|watcher:|env[:\]])", re.MULTILINE)
_EXPANSION = re.compile(r"%\([^)]*\)[a-z]")


def parts(path: str, facts: FileFacts) -> tuple[Applied, ...]:
    """Read a file part by part: each sets a variable once; (): it is no such configuration."""
    if _is_unit(path):
        return (_applied(path, "systemd-unit", facts, _unit(path, facts.content)),)
    if _SECTION.search(facts.content):
        return tuple(_applied(path, "supervisord", facts, p) for p in _supervisord(path, facts.content))
    if _CIRCUS.search(facts.content):
        return tuple(_applied(path, "circus", facts, p) for p in _circus(path, facts.content))
    if posixpath.basename(path).startswith("Procfile"):
        return (_applied(path, "procfile", facts, _procfile(facts.content)),)
    return ()


def _applied(path: str, kind: str, facts: FileFacts, parsed: Parsed) -> Applied:
    return Applied(Source(kind, path, Stage.EXEC), parsed, facts.changed)


def _is_unit(path: str) -> bool:
    folder = posixpath.basename(posixpath.dirname(path))
    dropin = path.endswith(".conf") and folder.endswith(".d") and "service" in folder
    return path.endswith(".service") or dropin


def _unit(path: str, content: bytes) -> Parsed:
    """Read the section [Service] of a unit or of a drop-in."""
    unit = grammar.parse(content)
    own = path if path.endswith(".service") else posixpath.dirname(path).removesuffix(".d")
    found = Definition(Scope(names.parse(posixpath.basename(own)), path))
    assignments: list[Assignment] = []
    for line in unit.lines:
        read(found, Place(path, line.number), line)
        if line.section != SERVICE:
            continue
        if line.key == "Environment" and not line.value:
            assignments.clear()
        elif line.key == "Environment":
            here = (v for v in found.environment.values() if v.place.line == line.number)
            assignments += (Assignment(v.name, v.value, line.number) for v in here)
    return Parsed(tuple(assignments), (*unit.problems, *found.problems.get(path, ())))


def _supervisord(path: str, content: bytes) -> Iterator[Parsed]:
    """Read `environment` of each section; `%(...)s` stands for a word."""
    text, ini = strict(content), Ini()
    if text is None:
        yield Parsed((), (Problem(None, "not valid UTF-8: supervisord refuses the configuration"),))
        return
    try:
        ini.read(text, path)
    except MalformedError as error:
        yield Parsed((), (Problem(error.line, f"{error}: supervisord refuses the configuration"),))
        return
    for section in ini.sections:
        option = ini.option(section, "environment") if section.startswith(_SECTIONS) else None
        if option is None:
            continue
        value = _EXPANSION.sub("x", option.value)
        found = pairs(value.replace("%%", "%"))
        bare = re.search(r"%(?!%)", value.replace("%%", "")) is not None
        percent = Problem(option.line(1), "a `%` alone: supervisord refuses the configuration; write `%%`")
        yield Parsed(
            tuple(a._replace(line=option.line(a.line)) for a in found.assignments),
            (
                *(p._replace(line=option.line(p.line or 1)) for p in found.problems),
                *((percent,) if bare else ()),
            ),
        )


def _circus(path: str, content: bytes) -> Iterator[Parsed]:
    """Read the sections [env] and [env:...]: an option that comes again does not count."""
    text, refused = strict(content), "circusd refuses the configuration"
    if text is None:
        yield Parsed((), (Problem(None, f"not valid UTF-8: {refused}"),))
        return
    reader = circus_config.Reader()
    try:
        reader.read(text, path)
    except RejectError as error:
        yield Parsed((), (Problem(error.line, f"{error}: {refused}"),))
        return
    repeated = (
        Problem(line, f"{nameable(name)} is set before: this line does not count")
        for name, line in reader.repeated
    )
    yield Parsed((), tuple(repeated))
    for section in reader.sections:
        if section == "env" or section.startswith("env:"):
            options = {n: o for n, o in reader.sections[section].items() if n != circus_config.MARK}
            yield Parsed(tuple(Assignment(n.strip(), o.value, o.line(1)) for n, o in options.items()))


def _procfile(content: bytes) -> Parsed:
    """Read what honcho and foreman start; what has not the form of a process they pass over."""
    lines = decode(content).replace("\r\n", "\n").split("\n")
    found = list(procfile.entries(lines))
    first: dict[str, int] = {}
    problems = [
        Problem(entry.line, f"{entry.name} is there twice, first in line {first[entry.name]}")
        for entry in found
        if first.setdefault(entry.name, entry.line) != entry.line
    ]
    read = {entry.line for entry in found}
    for number, line in enumerate(lines, 1):
        if number not in read and line.strip() and not line.lstrip().startswith("#"):
            problems.append(Problem(number, "not NAME: COMMAND: ignored"))
    return Parsed((), tuple(problems))

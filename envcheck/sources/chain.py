"""Sources in the order they are applied: what a process started through them would get."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from envcheck.model import Applied, Configured, FileFacts, Parsed, Problem, Setting, Source, Stage
from envcheck.sources import DIALECTS, dialect, envdir

# What stands for a source that could not be read, by the status of its file.
WHY = {
    "missing": "there is no such file or folder",
    "denied": "not allowed to read it",
    "folder": "it is a folder, not a file",
    "not-a-folder": "it is no folder",
    "not-a-file": "it is no regular file",
    "oversized": "it is too large to be a source of variables",
}


def why(facts: FileFacts) -> str:
    """Say why a file or a folder could not be read."""
    return WHY.get(facts.status, facts.detail or facts.status)


# Begins a problem that leaves open what else the source sets.
DYNAMIC = "dynamic: "


def request(source: Source) -> dict[str, object]:
    """Say what to ask a host for, so that `apply` can read the source."""
    return {"op": "folder" if source.kind == "envdir" else "file", "path": source.path}


def apply(source: Source, facts: FileFacts | None, known: Mapping[str, str]) -> Applied | None:
    """Read a source; None: it is optional and not there."""
    if facts is None:
        return Applied(source, None, 0.0, "it was not read")
    if facts.status == "missing" and source.optional:
        return None
    if facts.status != "ok":
        return Applied(source, None, facts.changed, why(facts))
    if source.kind == "envdir":
        return _folder(source, facts)
    if source.dialect not in DIALECTS:
        return Applied(source, None, facts.changed, f"the dialect {source.dialect} is not known yet")
    parsed = _parse(source, facts.content, known)
    unread = next((p for p in parsed.problems if p.message.startswith(DYNAMIC)), None)
    if unread is None:
        return Applied(source, parsed, facts.changed)
    line = f"line {unread.line}: " if unread.line else ""
    return Applied(source, None, facts.changed, DYNAMIC + line + unread.message.removeprefix(DYNAMIC))


def read(source: Source, facts: FileFacts | None, known: Mapping[str, str]) -> tuple[Applied, ...]:
    """Read a source: what it is seen to set, and behind that a gap for what it leaves open."""
    done = apply(source, facts, known)
    if done is None:
        return ()
    if facts is not None and done.parsed is None and done.why.startswith(DYNAMIC):
        return (Applied(source, _parse(source, facts.content, known), facts.changed), done)
    return (done, *left_open(done, facts))


def _parse(source: Source, content: bytes, known: Mapping[str, str]) -> Parsed:
    """Parse a file; Ruby's dotenv gives what is set already its old value, and here the file's counts."""
    parse = dialect(source.dialect)
    parsed = dropped(parse(content, known), content)
    kept = {a.name for a in parsed.assignments} & known.keys()
    if source.stage is not Stage.APPLICATION or not kept:
        return parsed
    alone = parse(content, {name: value for name, value in known.items() if name not in kept})
    own = {(a.name, a.line): a for a in alone.assignments if a.name in kept}
    return parsed._replace(assignments=tuple(own.get((a.name, a.line), a) for a in parsed.assignments))


WOULD_SET = re.compile(rb"\s*(?:export\s+|setenv\s+|set\s+)?[\"']?([A-Za-z_][A-Za-z0-9_]*)[\"']?\s*[=:]")


def dropped(parsed: Parsed, content: bytes) -> Parsed:
    """Note of every problem which variable its line would set, and nothing sets."""
    if not any(p.line for p in parsed.problems):
        return parsed
    lines = content.splitlines()
    there = {a.name for a in parsed.assignments}

    def noted(problem: Problem) -> Problem:
        line = lines[problem.line - 1] if problem.line and problem.line <= len(lines) else b""
        match = WOULD_SET.match(line)
        name = match[1].decode() if match else ""
        return problem._replace(variable=name) if name not in there else problem

    return parsed._replace(problems=tuple(noted(p) for p in parsed.problems))


def left_open(done: Applied, facts: FileFacts | None) -> tuple[Applied, ...]:
    """Give a gap for each file of an envdir that is there and was not read: its variable alone is open."""
    if facts is None or done.parsed is None or done.source.kind != "envdir":
        return ()
    dynamic = {a.name for a in done.parsed.assignments if a.dynamic}
    found = ((name.partition("=")[0], entry) for name, entry in facts.entries.items())
    return tuple(
        Applied(
            Source("file", f"{done.source.path}/{name}", done.source.stage),
            None,
            entry.changed,
            WHY.get(entry.status, entry.detail or entry.status),
            only=name,
        )
        for name, entry in found
        if name in dynamic and entry.status not in ("ok", "missing")
    )


def _folder(source: Source, facts: FileFacts) -> Applied:
    """Read an envdir: each of its files tells for itself when it changed."""
    parsed = envdir.parse_folder(facts, source.dialect or "daemontools")
    times = {name: entry.changed for name, entry in facts.entries.items()}
    dated = tuple(a._replace(changed=times.get(a.name, 0.0)) for a in parsed.assignments)
    # That a variable is gone, only the folder itself can tell.
    return Applied(source, parsed._replace(assignments=dated), facts.changed)


def configure(
    sources: Sequence[Source],
    files: Mapping[str, FileFacts],
    own: Sequence[Setting] = (),
    told: Mapping[Source, tuple[Applied, ...]] = MappingProxyType({}),
) -> Configured:
    """Apply *sources* in their order, and what the server itself sets (*own*) before the application's.

    *told*: what supervisors say of the sources that are theirs.
    """
    applied: list[Applied] = []
    ordered = sorted(sources, key=lambda s: s.stage is Stage.APPLICATION)
    for source in ordered:
        if source in told:
            applied += told[source]
            continue
        applied += read(source, files.get(source.path), values(applied))
    return combine(applied, own)._replace(known=bool(sources))


def values(applied: Iterable[Applied]) -> dict[str, str]:
    """Say what is set after the sources so far."""
    found: dict[str, str] = {}
    for done in applied:
        for assignment in done.parsed.assignments if done.parsed else ():
            if assignment.value is None:
                found.pop(assignment.name, None)
            else:
                found[assignment.name] = assignment.value
    return found


def combine(applied: Sequence[Applied], own: Sequence[Setting] = ()) -> Configured:
    """Put what sources say together; *own* ones come before the application's, or are late."""
    before = [s for done in applied if done.source.stage is not Stage.APPLICATION for s in _settings(done)]
    after = [s for done in applied if done.source.stage is Stage.APPLICATION for s in _settings(done)]
    early, late = [s for s in own if not s.late], [s for s in own if s.late]
    settings: dict[str, list[Setting]] = {}
    for setting in [*before, *early, *after, *late]:
        settings.setdefault(setting.assignment.name, []).append(setting)
    chains = {name: _by_precedence(places) for name, places in settings.items()}
    dynamic = {name for name, places in chains.items() if places[-1].assignment.dynamic}
    return Configured(
        tuple(a for a in applied if not a.only or a.only in dynamic), chains, known=bool(applied)
    )


def _settings(done: Applied) -> list[Setting]:
    assignments = done.parsed.assignments if done.parsed else ()
    return [Setting(done.source, a, a.changed or done.changed) for a in assignments]


def _by_precedence(places: list[Setting]) -> tuple[Setting, ...]:
    """Put the winner last: the last one, but dotenv, `||=` and setdefault keep what is set already."""
    shadowed: list[Setting] = []
    counted: list[Setting] = []
    for place in places:
        by_dotenv = place.source.stage is Stage.APPLICATION
        before = [p for p in counted if not (by_dotenv and p.source.stage is Stage.APPLICATION)]
        held = bool(before) and before[-1].assignment.value is not None
        keeps = by_dotenv or place.assignment.keeps
        (shadowed if keeps and held else counted).append(place)
    return (*shadowed, *counted)

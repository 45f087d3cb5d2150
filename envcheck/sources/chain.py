"""Sources in the order they are applied: what a process started through them would get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envcheck.model import Applied, Assignment, Configured, FileFacts, Parsed, Setting, Source, Stage
from envcheck.sources import DIALECTS, envdir

# What stands for a source that could not be read, by the status of its file.
WHY = {
    "missing": "there is no such file or folder",
    "denied": "not allowed to read it",
    "folder": "it is a folder, not a file",
    "not-a-folder": "it is no folder",
    "not-a-file": "it is no regular file",
    "oversized": "it is too large to be a source of variables",
}


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
        return Applied(source, None, facts.changed, WHY.get(facts.status, facts.detail or facts.status))
    if source.kind == "envdir":
        changed = max([facts.changed, *(entry.changed for entry in facts.entries.values())])
        return Applied(source, envdir.parse_folder(facts), changed)
    return Applied(source, DIALECTS[source.dialect](facts.content, known), facts.changed)


def configure(
    sources: Sequence[Source], files: Mapping[str, FileFacts], own: Iterable[Setting] = ()
) -> Configured:
    """Apply *sources* in their order, and what the server itself sets (*own*) before the application's."""
    applied: list[Applied] = []
    settings: dict[str, list[Setting]] = {}
    own = tuple(own)
    ordered = [s for s in sources if s.stage is not Stage.APPLICATION]
    late = [s for s in sources if s.stage is Stage.APPLICATION]
    for source in ordered:
        _apply(source, files, applied, settings)
    for setting in own:
        settings.setdefault(setting.assignment.name, []).append(setting)
    for source in late:
        _apply(source, files, applied, settings)
    chains = {name: _by_precedence(places) for name, places in settings.items()}
    return Configured(tuple(applied), chains, known=bool(sources))


def _apply(
    source: Source, files: Mapping[str, FileFacts], applied: list[Applied], settings: dict[str, list[Setting]]
) -> None:
    known = {name: places[-1].assignment.value or "" for name, places in settings.items()}
    done = apply(source, files.get(source.path), known)
    if done is None:
        return
    applied.append(done)
    parsed = done.parsed or Parsed()
    # An envdir's file tells for itself when it changed; in a file all lines share its time.
    entries = getattr(files.get(source.path), "entries", {})
    for assignment in parsed.assignments:
        changed = entries[assignment.name].changed if assignment.name in entries else done.changed
        settings.setdefault(assignment.name, []).append(Setting(source, assignment, changed))


def _by_precedence(places: list[Setting]) -> tuple[Setting, ...]:
    """Put the winner last: the last one, but an application's dotenv keeps what is set already."""
    if not any(p.source.stage is not Stage.APPLICATION and p.assignment.value is not None for p in places):
        return tuple(places)
    return tuple(sorted(places, key=lambda p: p.source.stage is not Stage.APPLICATION))


def winner(places: Sequence[Setting]) -> Assignment | None:
    return places[-1].assignment if places else None

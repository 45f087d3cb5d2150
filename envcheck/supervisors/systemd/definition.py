"""What a service is defined by, as far as its environment hangs on it: read from its files, line by line.

systemd.exec(5), "Environment", and systemd.service(5), "ExecStart=". Later lines add, an empty one resets.
What systemd ignores without a word is kept as a problem with its line.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from envcheck.model import Problem
from envcheck.opening import DIRECTORIES
from envcheck.sources import systemd_words as grammar
from envcheck.sources.text import decode, nameable
from envcheck.supervisors.systemd.grammar import Line
from envcheck.supervisors.systemd.search import Found
from envcheck.supervisors.systemd.specifiers import Expanded, Scope, expand

NO = ("", "no", "false", "off", "0", "n", "f")


class Place(NamedTuple):
    path: str
    line: int


class Variable(NamedTuple):
    name: str
    value: str
    place: Place
    known: bool = True


class EnvironmentFile(NamedTuple):
    pattern: str
    optional: bool
    place: Place
    known: bool = True


class Word(NamedTuple):
    """A name, or NAME=VALUE, of a list of words."""

    text: str
    place: Place


@dataclass
class Definition:
    """Filled line by line."""

    scope: Scope
    environment: dict[str, Variable] = field(default_factory=dict[str, Variable])
    files: list[EnvironmentFile] = field(default_factory=list[EnvironmentFile])
    lists: dict[str, list[Word]] = field(default_factory=dict[str, list[Word]])
    single: dict[str, Word] = field(default_factory=dict[str, Word])
    commands: list[tuple[bytes, Place]] = field(default_factory=list[tuple[bytes, Place]])
    sources: dict[str, Found] = field(default_factory=dict[str, Found])
    problems: dict[str, list[Problem]] = field(default_factory=dict[str, list[Problem]])
    broken: str = ""  # why systemd refuses the unit

    def ignore(self, place: Place, why: str, variable: str = "") -> None:
        self.problems.setdefault(place.path, []).append(Problem(place.line, why, variable))

    def is_set(self, key: str) -> bool:
        word = self.single.get(key)
        return word is not None and word.text.lower() not in NO

    def expand(self, text: bytes, place: Place) -> Expanded | None:
        found = expand(text, self.scope)
        if found is None:
            self.ignore(place, "a specifier is not known: what holds it is ignored")
        return found


def read(definition: Definition, place: Place, line: Line) -> None:
    """Apply one line, if it is one of [Service]; note what systemd ignores though it would matter."""
    if line.section == SERVICE and line.key in READERS:
        READERS[line.key](definition, place, line.key, line.value)
    elif line.key in READERS:
        definition.ignore(place, f"{line.key}= belongs in [{SERVICE}]: it is ignored here", _would_set(line))
    elif line.section == SERVICE and (meant := _meant(line.key)):
        why = f"a key that systemd does not know is ignored: did you mean {meant}=?"
        definition.ignore(place, why, _would_set(line._replace(key=meant)))


def _would_set(line: Line) -> str:
    """Give the first variable that a line would set, were it not ignored."""
    first = grammar.split(line.value).words[:1] if line.key == "Environment" else ()
    pairs = [grammar.assignment(word.value) for word in first]
    return next((decode(pair[0]) for pair in pairs if pair), "")


@cache
def _meant(key: str) -> str:
    """Give the key that another one is a misspelling of; there are real ones that look alike."""
    if key in ALIKE or key.startswith("X-"):
        return ""
    from difflib import get_close_matches  # noqa: PLC0415 - only where a key is not known

    close = get_close_matches(key.lower(), LOWER, 1, CLOSE)
    return LOWER[close[0]] if close else ""


def words(definition: Definition, place: Place, value: bytes) -> list[Expanded]:
    """Split a value into words and expand them; what cannot be read is noted."""
    split = grammar.split(value)
    if split.refused is not None:
        definition.ignore(
            place, "a quote is not closed, or an escape is unknown: the rest of the line is ignored"
        )
    found = [definition.expand(word.value, place) for word in split.words]
    return [word for word in found if word is not None]


def _environment(definition: Definition, place: Place, key: str, value: bytes) -> None:
    del key
    if not value:
        definition.environment.clear()
    for word in words(definition, place, value):
        pair = grammar.assignment(word.value)
        if pair is None:
            definition.ignore(place, _no_assignment(word.value))
            continue
        name = decode(pair[0])
        definition.environment.pop(name, None)
        definition.environment[name] = Variable(name, decode(pair[1]), place, word.known)


def _no_assignment(word: bytes) -> str:
    name, equals, _ = word.partition(b"=")
    if equals and not grammar.is_name(name):
        return f"{nameable(name) or 'a word'} is no valid name: it is ignored"
    return "a value is not valid UTF-8: it is ignored" if equals else "a word without `=` is ignored"


def _file(definition: Definition, place: Place, key: str, value: bytes) -> None:
    del key
    if not value:
        definition.files.clear()
        return
    expanded = definition.expand(value, place)
    if expanded is None:
        return
    path = decode(expanded.value)
    optional, path = path.startswith("-"), path.removeprefix("-")
    if not path.startswith("/") and expanded.known:
        definition.ignore(place, "the path is not absolute: the line is ignored")
        return
    definition.files.append(EnvironmentFile(simplify(path), optional, place, expanded.known))


def simplify(path: str) -> str:
    """Drop doubled slashes, single dots and a slash at the end, as systemd does; two dots stay."""
    parts = [part for part in re.split("/+", path) if part not in ("", ".")]
    return "/" + "/".join(parts)


def _list(definition: Definition, place: Place, key: str, value: bytes) -> None:
    if not value:
        definition.lists[key] = []
    found = [Word(decode(w.value), place) for w in words(definition, place, value)]
    definition.lists.setdefault(key, []).extend(found)


def _names(definition: Definition, place: Place, key: str, value: bytes) -> None:
    """Read names, and for UnsetEnvironment= assignments too."""
    _list(definition, place, key, value)
    kept: list[Word] = []
    for word in definition.lists[key]:
        raw = word.text.encode("utf-8", "surrogateescape")
        if grammar.is_name(raw) or (key == "UnsetEnvironment" and grammar.assignment(raw)):
            kept.append(word)
        else:
            definition.ignore(place, f"a word of {key}= is no valid name: it is ignored")
    definition.lists[key] = kept


def _single(definition: Definition, place: Place, key: str, value: bytes) -> None:
    expanded = definition.expand(value, place)
    if expanded is not None:
        definition.single[key] = Word(decode(expanded.value), place)


def _search_path(definition: Definition, place: Place, key: str, value: bytes) -> None:
    if not value:
        definition.lists[key] = []
    for word in value.split(b":"):
        expanded = definition.expand(word, place) if word else None
        text = decode(expanded.value) if expanded else ""
        if text.startswith("/"):
            definition.lists.setdefault(key, []).append(Word(simplify(text), place))


def _command(definition: Definition, place: Place, key: str, value: bytes) -> None:
    del key
    if not value:
        definition.commands.clear()
    else:
        definition.commands.append((value, place))


Reader = Callable[[Definition, Place, str, bytes], None]
# Those of which the last one counts, or that it is there at all.
SINGLE = (
    *("User", "PIDFile", "PAMName", "Type", "WorkingDirectory", "DynamicUser", "PrivateTmp", "ExecStartPre"),
    *("RootDirectory", "RootImage", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem", "MountImages"),
    *("ExtensionImages", "ExtensionDirectories"),
)

READERS: dict[str, Reader] = {
    "Environment": _environment,
    "EnvironmentFile": _file,
    "PassEnvironment": _names,
    "UnsetEnvironment": _names,
    "ExecSearchPath": _search_path,
    "ExecStart": _command,
    **dict.fromkeys(DIRECTORIES, _list),
    **dict.fromkeys(SINGLE, _single),
}


SERVICE = "Service"
CLOSE = 0.8  # of difflib: how much alike a misspelt key is
LOWER = {key.lower(): key for key in READERS}
# Other keys of systemd 252 that are as close to one of READERS (its tests look for more).
ALIKE = frozenset(
    {
        *(f"{directory}Mode" for directory in DIRECTORIES),
        "RuntimeDirectoryPreserve",
        "ExecStartPost",
        "PrivateIPC",
        "ReadOnlyPaths",
    }
)


def pid_file(path: str) -> str:
    return simplify(path if path.startswith("/") else posixpath.join("/run", path))

"""The configuration of circusd: which watchers it defines, and what their processes get.

Source of the knowledge: circus 0.19 (config.py `get_config`, util.py `StrictConfigParser` and
`parse_env_dict`, watcher.py). An option that comes again does not replace the first one; `$NAME` is taken
from the environment of circusd alone; every section leaves its name behind as a variable `__name__`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from envcheck.model import Applied, Assignment, Parsed, Source, Stage
from envcheck.sources import chain
from envcheck.sources.text import strict
from envcheck.supervisors.ini import DEFAULT, Option, Section, lines
from envcheck.supervisors.known import Known
from envcheck.supervisors.refusals import RejectError, UnreadError

ENDPOINT = "tcp://127.0.0.1:5555"
MARK = "__name__"
LIMIT = 4 * 1024 * 1024  # of characters of all values together

_VARIABLE = re.compile(r"\$([A-Z]+[A-Z0-9_]*)")
# util.py `replace_gnu_args`: $(circus.env.name) and ((circus.env.name)), in either case.
_ENVIRONMENT = re.compile(r"\$\(circus\.env\.([\w.]+)\)|\(\(circus\.env\.([\w.]+)\)\)", re.IGNORECASE)
_DELIMITER = re.compile("[=:]")
_YES = ("yes", "true", "on", "1")
_NO = ("no", "false", "off", "0")


class Watcher(NamedTuple):
    name: str
    command: tuple[str, ...]
    shell: bool
    copy_env: bool
    folder: str
    dynamic: tuple[str, ...]  # variables that only the running circusd could tell
    applied: tuple[Applied, ...]  # [env], then the [env:...] that match


class Configuration(NamedTuple):
    watchers: tuple[Watcher, ...]
    endpoint: str
    changed: float


class Reader:
    """Puts the sections of several files together."""

    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}
        self.defaults: Section = {}
        self.repeated: list[tuple[str, int]] = []  # options that do not count, with their lines

    def read(self, text: str, path: str) -> None:
        before = {id(o): None for s in (*self.sections.values(), self.defaults) for o in s.values()}
        pieces: dict[int, tuple[Section, str, list[str], list[int]]] = {}
        section: Section | None = None
        current: Option | None = None
        for number, line in enumerate(lines(text), 1):
            if not line.strip() or line[0] in "#;" or _is_remark(line):
                continue
            if line[0].isspace() and section is not None and current is not None:
                if id(current) in before:
                    raise RejectError(path, number, "a line that continues an option of another file")
                pieces[id(current)][2].append(line.strip())
                pieces[id(current)][3].append(number)
                continue
            end = line.rfind("]")
            if line[0] == "[" and end > 1:
                section, current = self._section(line[1:end], path, number), None
                continue
            if section is None:
                raise RejectError(path, number, "a line before the first section")
            mark = _DELIMITER.search(line)
            if mark is None:
                raise RejectError(path, number, "neither a section nor `name=value`")
            name = line[: mark.start()].rstrip()
            current = section.get(name)
            if current is not None:
                self.repeated.append((name, number))
            else:
                current = Option("", path, (number,))
                section[name] = current
                pieces[id(current)] = (section, name, [_value(line[mark.end() :])], [number])
        for owner, name, values, places in pieces.values():
            owner[name] = Option("\n".join(values), path, tuple(places))

    def _section(self, header: str, path: str, line: int) -> Section:
        if header == DEFAULT:
            return self.defaults
        return self.sections.setdefault(header, {MARK: Option(header, path, (line,))})

    def items(self, section: str) -> Mapping[str, Option]:
        return {**self.defaults, **self.sections.get(section, {})}


def _is_remark(line: str) -> bool:
    return line[0] in "rR" and line.split(None, 1)[0].lower() == "rem"


def _value(text: str) -> str:
    """Cut a comment: only the first `;` is looked at, and it has to follow a blank."""
    at = text.find(";")
    if at > 0 and text[at - 1].isspace():
        text = text[:at]
    text = text.strip()
    return "" if text == '""' else text


def load(path: str, environment: Mapping[str, str], known: Known) -> Configuration | None:
    """Read it; None: the host has not answered yet."""
    reader = Reader()
    changed: dict[str, float] = {}
    if not _read(path, reader, changed, known, must=True):
        return None
    includes = _includes(path, reader, environment, known)
    if includes is None:
        return None
    asked = [known.file(p) for p in includes]
    if None in asked:
        return None
    for included in includes:
        _read(included, reader, changed, known, must=False)
    return _configuration(reader, changed, environment)


def _read(path: str, reader: Reader, changed: dict[str, float], known: Known, *, must: bool) -> bool:
    facts = known.file(path)
    if facts is None:
        return False
    if facts.status in ("missing", "folder") and not must:
        return True
    if facts.status != "ok":
        raise UnreadError(path, chain.why(facts), facts.changed)
    text = strict(facts.content)
    if text is None:
        raise RejectError(path, None, "it is not valid UTF-8")
    changed[path] = facts.changed
    reader.read(text, path)
    return True


def _includes(path: str, reader: Reader, environment: Mapping[str, str], known: Known) -> list[str] | None:
    """Give the files of `include` and of `include_dir`; None: the host has not answered yet."""
    circus = reader.items("circus")
    words = _of(circus, "include", environment).split()
    words += [posixpath.join(w, "*.ini") for w in _of(circus, "include_dir", environment).split()]
    found = [known.glob(posixpath.join(posixpath.dirname(path), word)) for word in words]
    return None if None in found else [p for matches in found for p in matches or ()]


def _of(options: Mapping[str, Option], name: str, environment: Mapping[str, str], default: str = "") -> str:
    return _expand(options[name].value, environment) if name in options else default


def _expand(text: str, environment: Mapping[str, str]) -> str:
    """Expand $(circus.env.NAME), whatever the case of the name."""
    lowered = {name.lower(): value for name, value in environment.items()}
    return _ENVIRONMENT.sub(lambda m: lowered.get((m[1] or m[2]).lower(), m[0]), text)


def resolve(value: str, environment: Mapping[str, str]) -> str:
    """Replace $NAME as `parse_env_dict` does: what is not set is nothing."""
    return _VARIABLE.sub(lambda m: environment.get(m[1], ""), value).strip()


def _configuration(
    reader: Reader, changed: Mapping[str, float], environment: Mapping[str, str]
) -> Configuration:
    everywhere = {n: o._replace(value=_expand(o.value, environment)) for n, o in _env(reader, "env").items()}
    everything = {**environment, **{n: o.value for n, o in everywhere.items()}}
    watchers: list[Watcher] = []
    for section in [s for s in reader.sections if s.startswith("watcher:")]:
        options = reader.items(section)
        name = section.partition(":")[2]
        layers = [everywhere]
        layers += [_env(reader, s) for s in reader.sections if s.startswith("env:") and _matches(s, name)]
        applied = tuple(_applied(layer, changed, environment) for layer in layers if layer)
        flags = {flag: _flag(options, flag, everything) for flag in ("copy_env", "copy_path", "shell")}
        dynamic = ["PYTHONPATH"] if flags["copy_path"] else []
        dynamic += ["PATH", "PYTHONPATH"] if "virtualenv" in options else []
        has = {**everything, **{a.name: a.value or "" for done in applied for a in _assignments(done)}}
        words = [_of(options, option, has) for option in ("cmd", "args")]
        watchers.append(
            Watcher(
                name,
                tuple(words),
                flags["shell"],
                flags["copy_env"],
                _of(options, "working_dir", has),
                tuple(dynamic),
                applied,
            )
        )
    endpoint = _of(reader.items("circus"), "endpoint", everything, ENDPOINT)
    return Configuration(tuple(watchers), endpoint, max(changed.values()))


def _env(reader: Reader, section: str) -> dict[str, Option]:
    return dict(reader.items(section)) if section in reader.sections else {}


def _assignments(applied: Applied) -> tuple[Assignment, ...]:
    return applied.parsed.assignments if applied.parsed else ()


def _matches(section: str, watcher: str) -> bool:
    patterns = section.split("env:", 1)[1].split(",")
    return any(fnmatchcase(watcher, pattern.strip()) for pattern in patterns)


def _flag(options: Mapping[str, Option], name: str, environment: Mapping[str, str]) -> bool:
    text = _of(options, name, environment, "no").lower().strip()
    if text not in (*_YES, *_NO):
        raise RejectError(options[name].path, options[name].line(1), f"{name} is neither true nor false")
    return text in _YES


def _applied(layer: Mapping[str, Option], changed: Mapping[str, float], own: Mapping[str, str]) -> Applied:
    """Make a source of a section; it stands where the section, or its first option, stands."""
    path = next(iter(layer.values())).path
    length = sum(len(o.value) for o in layer.values())
    length += sum(len(own.get(m[1], "")) for o in layer.values() for m in _VARIABLE.finditer(o.value))
    if length > LIMIT:
        raise UnreadError(path, "what its values expand to is too long", changed[path])
    assignments = tuple(
        Assignment(name.strip(), resolve(o.value, own), o.line(1), changed=changed[o.path])
        for name, o in layer.items()
    )
    return Applied(Source("circus", path, Stage.EXEC), Parsed(assignments), changed[path])

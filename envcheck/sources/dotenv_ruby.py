r"""Ruby's dotenv files, as `Dotenv.load` of bkeepers/dotenv 3.1 and later reads them.

Source of the knowledge: lib/dotenv/parser.rb (`LINE`, `parse_value`, `expand_newlines`),
lib/dotenv/substitutions/command.rb and variable.rb. There, one regular expression with `\s*` across line
ends finds the assignments; here a scanner finds the same ones in linear time. Older versions differ: they
read line by line, and take a name alone for nothing.

What is set before stays as it is. A command, `$(...)`, is never executed: the value is dynamic, and so is
every value that refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import Lines, nameable, strict

_SPACE = re.compile(r"\s*+", re.ASCII)
_EXPORT = re.compile(r"export\s++(?=[\w.])", re.ASCII)
_KEY = re.compile(r"[\w.]++", re.ASCII)
_SEPARATOR = re.compile(r"\s*+=|:\s", re.ASCII)
_UNQUOTED = re.compile(r"[^#\n]++")
_CLOSERS = {"'": re.compile(r"\\?'"), '"': re.compile(r'\\?"')}
_SPACES = " \t\n\v\f\r"
_STRIPPED = "\0" + _SPACES  # what String#strip takes away

_UNESCAPE = re.compile(r"\\([^$])")
_VARIABLE = re.compile(r"(\\)?(\$)(?!\()\{?([A-Za-z0-9_]+)?\}?")
_COMMAND = re.compile(r"\\?\$\(")
_PARENTHESIS = re.compile(r"[()]")
_MODE = "DOTENV_LINEBREAK_MODE"


class _Found(NamedTuple):
    at: int
    exported: bool
    name: str
    value: str | None


class _Unreadable(NamedTuple):
    at: int


class _State(NamedTuple):
    known: Mapping[str, str]
    values: dict[str, str]
    dynamic: set[str]

    def lookup(self, name: str) -> str:
        return self.values.get(name, self.known.get(name, ""))


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    text = strict(content)
    if text is None:
        return _refused(None, "not valid UTF-8: dotenv refuses the whole file")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines, state = Lines(text), _State(known, {}, set())
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for found in _scan(text):
        line = lines.of(found.at)
        if isinstance(found, _Unreadable):
            problems.append(Problem(line, _unreadable(text, found.at)))
            continue
        name = found.name
        if name in known and name != _MODE:
            value, is_dynamic = known[name], False
        elif found.exported and found.value is None:
            if name not in state.values:
                return _refused(line, _unset(name))
            continue
        else:
            value, is_dynamic = _value(found.value or "", state)
            problems.extend(Problem(line, doubt) for doubt in _doubts(text, found, value, dynamic=is_dynamic))
        state.values[name] = value
        (state.dynamic.add if is_dynamic else state.dynamic.discard)(name)
        assignments.append(Assignment(name, value, line, dynamic=is_dynamic))
    return Parsed(tuple(assignments), tuple(problems))


def _refused(line: int | None, message: str) -> Parsed:
    return Parsed((), (Problem(line, message),), refused=True)


# --- where the assignments are -----------------------------------------------------------------------


def _scan(text: str) -> Iterator[_Found | _Unreadable]:
    """Find the assignments: each begins a line, and nothing but a comment follows it in its last line."""
    at, end = _skip(_SPACE, text, 0), len(text)
    while at < end:
        found, stop = _assignment(text, at)
        if found is None and text[at] != "#":
            yield _Unreadable(at)
        if found is None:
            newline = text.find("\n", at)
            stop = end if newline < 0 else newline
        else:
            yield found
        at = _skip(_SPACE, text, stop)


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _assignment(text: str, at: int) -> tuple[_Found | None, int]:
    """Read the assignment at *at*; give it, and where it ends."""
    after_export = _skip(_EXPORT, text, at)
    for key_at in dict.fromkeys((after_export, at)):  # `export` may be a name, too
        key = _KEY.match(text, key_at)
        if key is None:
            continue
        exported = key_at > at
        if separator := _SEPARATOR.match(text, key.end()):
            value, stop = _raw_value(text, separator.end())
            return _Found(at, exported, key[0], value), stop
        if (end := _end_of_line(text, key.end())) is not None:
            return _Found(at, exported, key[0], None), end
    return None, at


def _raw_value(text: str, at: int) -> tuple[str | None, int]:
    """Read a value: in quotes if at most a comment follows these, else up to `#` or the end of the line."""
    opens = _skip(_SPACE, text, at)
    if (quote := text[opens : opens + 1]) in _CLOSERS:
        for close in _closers(text, opens, _CLOSERS[quote]):
            if (end := _end_of_line(text, close)) is not None:
                return text[at:close], end
    ends = _skip(_UNQUOTED, text, at)
    return text[at:ends] if ends > at else None, _end_of_line(text, ends) or ends


def _closers(text: str, opens: int, pattern: re.Pattern[str]) -> Iterator[int]:
    """Give the ends of a quoted value, in the order the expression tries them.

    That is the first quote without a backslash before it, then those with one, the last of them first.
    """
    escaped: list[int] = []
    for match in pattern.finditer(text, opens + 1):
        if len(match[0]) == 1:
            yield match.end()
            break
        escaped.append(match.end())
    yield from reversed(escaped)


def _end_of_line(text: str, at: int) -> int | None:
    """Say where `\\s*(#.*)?$` ends; None where something else follows. It may end some lines later."""
    after = _skip(_SPACE, text, at)
    if after == len(text):
        return after
    if text[after] == "#":
        newline = text.find("\n", after)
        return len(text) if newline < 0 else newline
    newline = text.rfind("\n", at, after)
    return None if newline < 0 else newline


# --- what their values are ---------------------------------------------------------------------------


def _value(raw: str, state: _State) -> tuple[str, bool]:
    """Give the value, and whether it depends on a command."""
    value, quote = _unquote(raw)
    if quote == "'":
        return value, False
    if quote == '"':
        value = _expand_newlines(value, state.lookup(_MODE))
    value = _UNESCAPE.sub(r"\1", value)
    text = _keep_commands(value)
    if text is None:
        return "", True
    return _substitute(text, state)


def _unquote(raw: str) -> tuple[str, str]:
    value = raw.strip(_STRIPPED)
    if len(value) > 1 and value[0] in _CLOSERS and value[-1] == value[0]:
        return value[1:-1], value[0]
    return value, ""


def _expand_newlines(value: str, mode: str) -> str:
    if mode == "legacy":
        return value.replace("\\n", "\n").replace("\\r", "\r")
    return value.replace("\\n", "\\\\n").replace("\\r", "\\\\r")


def _keep_commands(value: str) -> str | None:
    """Take the backslash from escaped commands; None where one would be executed."""
    if not _COMMAND.search(value):
        return value
    ends = _balanced(value)
    pieces: list[str] = []
    cursor = 0
    for match in _COMMAND.finditer(value):
        end = ends.get(match.end() - 1)
        if match.start() < cursor or end is None:
            continue
        if match[0][0] != "\\":
            return None
        pieces.append(value[cursor : match.start()])
        pieces.append(value[match.start() + 1 : end])
        cursor = end
    return "".join([*pieces, value[cursor:]])


def _balanced(value: str) -> dict[int, int]:
    """Map each parenthesis that opens a command to the end of it; empty ones make none."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    spoilt: list[bool] = []
    for match in _PARENTHESIS.finditer(value):
        at = match.start()
        if match[0] == "(":
            opened.append(at)
            spoilt.append(False)
        elif opened:
            start, is_spoilt = opened.pop(), spoilt.pop()
            if is_spoilt or at == start + 1:
                if spoilt:
                    spoilt[-1] = True
            else:
                ends[start] = at + 1
    return ends


def _substitute(value: str, state: _State) -> tuple[str, bool]:
    dynamic = False

    def replace(match: re.Match[str]) -> str:
        nonlocal dynamic
        if match[1]:
            return match[0][1:]
        if match[3] is None:
            return match[0]
        dynamic = dynamic or match[3] in state.dynamic
        return state.lookup(match[3])

    result = _VARIABLE.sub(replace, value)
    return ("", True) if dynamic else (result, False)


# --- what to tell ------------------------------------------------------------------------------------


def _unset(name: str) -> str:
    # `export A=` too: dotenv takes nothing behind `=` for no value at all.
    return f"`export` of {nameable(name) or 'a name'} without a value, and nothing set it before: FormatError"


def _unreadable(text: str, at: int) -> str:
    if at == 0 and text.startswith("\ufeff"):
        return "a byte order mark: this line is not an assignment for the parser"
    return "not an assignment: ignored"


def _doubts(text: str, found: _Found, value: str, *, dynamic: bool) -> Iterator[str]:
    shown = f"{nameable(found.name)}: " if nameable(found.name) else ""
    if dynamic:
        yield f"{shown}the value comes from a command, which is not executed here"
    if "\0" in value:
        yield f"{shown}a NUL cannot be part of an environment: loading it fails"
    raw = (found.value or "").strip(_STRIPPED)
    if found.value is None and not _SEPARATOR.match(text, _key_end(text, found)):
        yield f"{shown}name without a value: set to the empty string"
    elif raw[:1] in _CLOSERS and not _unquote(raw)[1]:
        yield f"{shown}the quote is not closed in its line: it is part of the value"


def _key_end(text: str, found: _Found) -> int:
    start = _skip(_EXPORT, text, found.at) if found.exported else found.at
    return _skip(_KEY, text, start)

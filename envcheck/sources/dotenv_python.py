"""Python's dotenv files, as `dotenv.load_dotenv(override=True)` and `dotenv_values` read them.

The library (python-dotenv, dotenv/parser.py) cuts the text into bindings. References are resolved here:
dotenv/main.py `resolve_variables` mixes in the environment of the calling process, which is ours.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import Lines, nameable, strict

# dotenv/parser.py `parse_unquoted_value` takes time by the square of the blanks in a row.
_BLANKS_LIMIT = 1024
_TOO_MANY_BLANKS = re.compile(rf"[^\S\r\n]{{{_BLANKS_LIMIT + 1}}}")
_END_OF_NAME = re.compile(r"[}:]")


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    text = strict(content)
    if text is None:
        return Parsed(
            (), (Problem(None, "not valid UTF-8: python-dotenv refuses the whole file"),), refused=True
        )
    text = text.removeprefix("\ufeff")
    lines = Lines(text)
    if many := _TOO_MANY_BLANKS.search(text):
        message = f"more than {_BLANKS_LIMIT} blanks in a row: the file is not read"
        return Parsed((), (Problem(lines.of(many.start()), message),), refused=True)
    values: dict[str, str | None] = {}
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for at, key, value, error in _bindings(text):
        line = lines.of(at)
        if error:
            problems.append(Problem(line, "not understood: ignored up to the end of the line"))
        elif key is not None and value is None:
            values[key] = None
            # Not named: a line by itself may as well be a part of a secret that has several lines.
            problems.append(Problem(line, "a name without a value: not set"))
        elif key is not None and value is not None:
            values[key] = resolve(value, known, values)
            assignments.append(Assignment(key, values[key], line))
            problems.extend(Problem(line, doubt) for doubt in _doubts(key, values[key] or ""))
    # A bare name that comes last takes back what an earlier line sets.
    kept = tuple(a for a in assignments if values[a.name] is not None)
    return Parsed(kept, tuple(problems))


def _bindings(text: str) -> Iterator[tuple[int, str | None, str | None, bool]]:
    """Cut *text* into bindings: where it begins, name, value, whether it is an error."""
    # Not at the top: the package brings logging, tempfile and shutil along, 30 ms that others need not pay.
    from dotenv.parser import parse_stream  # noqa: PLC0415

    at = 0
    for binding in parse_stream(io.StringIO(text, newline="")):
        whole = binding.original.string
        yield at + len(whole) - len(whole.lstrip()), binding.key, binding.value, binding.error
        at += len(whole)


def resolve(value: str, known: Mapping[str, str], values: Mapping[str, str | None]) -> str:
    """Resolve `${NAME}` and `${NAME:-default}` (dotenv/variables.py); a name set in the file beats *known*.

    A bare name in the file counts as set and empty: its default is not taken.
    """
    pieces: list[str] = []
    cursor = at = 0
    stop = -1
    while (at := value.find("${", at)) >= 0:
        if stop < at + 2:
            match = _END_OF_NAME.search(value, at + 2)
            if match is None:
                break
            stop = match.start()
        if value[stop] == ":" and not value.startswith(":-", stop):
            at = stop  # nothing that begins before it can be a reference
            continue
        end = value.find("}", stop)
        if end < 0:
            break
        name, default = value[at + 2 : stop], value[stop + 2 : end]
        found = values[name] if name in values else known.get(name, default)
        pieces += [value[cursor:at], found or ""]
        cursor = at = end + 1
    return "".join([*pieces, value[cursor:]])


def _about(message: str, name: str) -> str:
    shown = nameable(name)
    return f"{shown}: {message}" if shown else message


def _doubts(name: str, value: str) -> Iterator[str]:
    """Say what os.environ would not take."""
    if "\0" in name or "\0" in value:
        yield _about("a NUL cannot be part of an environment: loading it fails", name)
    if not name or "=" in name:
        yield "the name is empty or holds `=`: loading it fails"

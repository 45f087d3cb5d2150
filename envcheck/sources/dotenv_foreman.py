""".env files of foreman: NAME=value, each line by itself, without any expansion.

Source of the knowledge: foreman 0.87 (env.rb). No blank may stand around the `=`, and what does not have that
form is ignored; single quotes are taken away, double quotes too, with `\\n` and any other sign after a
backslash as they stand for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import strict

_LINE = re.compile(r"([A-Za-z_0-9]+)=(.*)", re.DOTALL)
_COMMENT = re.compile(r"\s#")
_ESCAPED = re.compile(r"\\([^\n])")


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    """Say what a file sets; nothing is expanded, so what is *known* does not matter."""
    del known
    text = strict(content)
    if text is None:
        return Parsed((), (Problem(None, "not valid UTF-8: foreman does not start"),), refused=True)
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if match := _LINE.fullmatch(line):
            value = _value(match[2])
            assignments.append(Assignment(match[1], value, number))
            if value == match[2] and _COMMENT.search(value):
                problems.append(Problem(number, f"{match[1]}: the comment is part of its value"))
        elif line.strip() and not line.lstrip().startswith("#"):
            problems.append(Problem(number, "not NAME=value: ignored"))
    return Parsed(tuple(assignments), tuple(problems))


def _value(text: str) -> str:
    quote = text[0] if len(text) > 1 and text[0] == text[-1] else ""
    if quote == "'":
        return text[1:-1]
    if quote == '"':
        return _ESCAPED.sub(r"\1", text[1:-1].replace("\\n", "\n"))
    return text

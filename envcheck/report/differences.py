"""What `diff` prints: a line for each variable that two sides do not have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from envcheck.escaping import escape, escape_json_text
from envcheck.report.json import dump
from envcheck.report.text import count
from envcheck.secrecy import Policy


class Difference(NamedTuple):
    name: str
    left: str | None
    right: str | None


def as_text(a: str, b: str, found: Sequence[Difference], policy: Policy) -> str:
    """Write the differences as diff(1) marks them: `-` the first side has, `+` the second."""
    if not found:
        return f"SAME: {escape(a)} and {escape(b)}\n"
    lines = [
        f"DIFFERENT: {count(len(found), 'variable', 'variables')}",
        f"--- {escape(a)}",
        f"+++ {escape(b)}",
    ]
    for name, left, right in found:
        lines += [f"-{escape(name)}={policy.display(name, left)}"] if left is not None else []
        lines += [f"+{escape(name)}={policy.display(name, right)}"] if right is not None else []
    return "\n".join(lines) + "\n"


def as_json(a: str, b: str, found: Sequence[Difference], policy: Policy) -> str:
    def value(name: str, text: str | None) -> Any:  # noqa: ANN401 - JSON
        return None if text is None else policy.as_json(name, text)

    differences = [
        {"variable": escape_json_text(name), "a": value(name, left), "b": value(name, right)}
        for name, left, right in found
    ]
    return dump({"schema": "envcheck.diff/1", "a": a, "b": b, "differences": differences})

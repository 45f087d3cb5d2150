"""`waivers`: findings that are known and do not count, each with a reason and a last day."""

from __future__ import annotations

import re
from datetime import date

from envcheck.model import Cause, Diagnosis, Waiver
from envcheck.spec.document import Node
from envcheck.spec.fault import Fault
from envcheck.spec.fields import Table, choice, listed, text, texts

SHORTEST = 8  # characters of a reason


def _reason(node: Node) -> str:
    typed = text(node)
    if len(typed) < SHORTEST:
        raise Fault(node.line, f"a reason has at least {SHORTEST} characters")
    return typed


def _day(node: Node) -> str:
    typed = text(node)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed):
        raise Fault(node.line, "a day is written YYYY-MM-DD")
    try:
        date.fromisoformat(typed)
    except ValueError:
        raise Fault(node.line, "there is no such day") from None
    return typed


WAIVER = Table(
    "a waiver",
    {
        "app": text,
        "var": text,
        "code": choice({str(word): str(word) for word in (*Diagnosis, *Cause)}),
        "hosts": texts,
        "reason": _reason,
        "expires": _day,
        "owner": text,
    },
)


def waivers(node: Node) -> tuple[Waiver, ...]:
    read: tuple[Waiver, ...] = listed(_waiver)(node)
    return read


def _waiver(node: Node) -> Waiver:
    given = WAIVER.read(node)
    for key in ("reason", "expires"):
        if key not in given.values:
            raise Fault(given.line, f"a waiver needs {key!r}")
    values = dict(given.values)
    variable = values.pop("var", "")
    return Waiver(variable=variable, **values)

"""Rules about several variables at once: alternatives, pairs, and what hangs on another variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envcheck.model import Condition, Constraint, Severity
from envcheck.shapes import Shape
from envcheck.spec import document
from envcheck.spec.document import Node, Scalar, Sequence
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import Table, choice, flag, listed, text
from envcheck.spec.shapes import comparison

SEVERITY = choice({**{s.value: s for s in Severity}, "off": None})
BESIDE = {
    "name": text,
    "secret": flag,
    "severity": SEVERITY,
    "allow_empty": flag,
    "hint": text,
    "desc": text,
    "docs": text,
    "owner": text,
}


def name(node: Node) -> str:
    typed = text(node)
    if not typed or "=" in typed:
        raise Fault(node.line, f"{quoted(typed)} is no name of a variable")
    return typed


def _several(node: Node) -> tuple[tuple[str, ...], ...]:
    """Read a list of names, each a set of its own."""
    names: tuple[str, ...] = listed(name)(node)
    if len(set(names)) < 2:  # noqa: PLR2004
        raise Fault(node.line, "a group has at least two variables")
    return tuple((n,) for n in names)


def alternative_sets(node: Node) -> tuple[tuple[str, ...], ...]:
    """Read a list of names, or of lists of names that belong together."""

    def one(item: Node) -> tuple[str, ...]:
        return listed(name)(item) if isinstance(item, Sequence) else (name(item),)

    sets: tuple[tuple[str, ...], ...] = listed(one)(node)
    if len(sets) < 2:  # noqa: PLR2004
        raise Fault(node.line, "of 'any_of' there are at least two sets of variables")
    return sets


KINDS = {
    "any_of": alternative_sets,
    "all_or_none": _several,
    "exactly_one": _several,
    "at_least_one": _several,
}
GROUP = Table("a group", {**KINDS, **BESIDE})


def is_alternatives(node: Node) -> bool:
    """Tell an entry of `env` that names alternative variables from the rule of one variable."""
    if not isinstance(node, document.Mapping):
        return False
    found = next((value for key, value in node.items if key.text == "any_of"), None)
    items = found.items if isinstance(found, Sequence) else ()
    return bool(items) and not any(isinstance(item, document.Mapping) for item in items)


def group(node: Node, known_as: str = "") -> Constraint | None:
    """Read a group; None where it is switched off. Without a name it is called by its variables."""
    given = GROUP.read(node)
    kinds = [kind for kind in KINDS if kind in given.values]
    if len(kinds) != 1:
        raise Fault(given.line, f"a group has one of {', '.join(KINDS)}")
    sets = given.values[kinds[0]]
    called = known_as or given.values.get("name") or " ".join("+".join(names) for names in sets)
    return made(called, kinds[0], sets, given.values)


def made(
    called: str,
    rule: str,
    sets: tuple[tuple[str, ...], ...],
    values: Mapping[str, Any],
    when: tuple[Condition, ...] = (),
) -> Constraint | None:
    severity = values.get("severity", Severity.ERROR)
    if severity is None:
        return None
    return Constraint(
        called,
        rule,
        sets,
        when,
        secret=values.get("secret") is True,
        severity=severity,
        allow_empty=values.get("allow_empty", True),
        hint=values.get("hint", ""),
    )


def groups(node: Node) -> tuple[Constraint, ...]:
    read = listed(group)(node)
    return tuple(g for g in read if g is not None)


def conditions(node: Node) -> tuple[Condition, ...]:
    """Read `required_when`: OTHER: text, a comparison, or {set: boolean}; all must hold."""
    if not isinstance(node, document.Mapping) or not node.items:
        raise Fault(node.line, "'required_when' must be a mapping of variables to what they have to be")
    return tuple(_condition(name(key), value) for key, value in node.items)


PRESENCE = Table("a condition", {"set": flag})


def _condition(variable: str, node: Node) -> Condition:
    if isinstance(node, Scalar):
        return (
            Condition(variable) if node.null else Condition(variable, shapes=(Shape("equals", (node.text,)),))
        )
    if isinstance(node, document.Mapping) and any(key.text == "set" for key, _ in node.items):
        return Condition(variable, present=PRESENCE.read(node).values["set"])
    return Condition(variable, shapes=comparison(node))

"""`env`: what is expected of each variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from envcheck.model import Constraint, Expectation, Severity
from envcheck.shapes import Shape
from envcheck.spec import document
from envcheck.spec.document import Node, Scalar
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import FLAGS, Fields, Table, choice, flag, listed, pattern, text, texts
from envcheck.spec.groups import SEVERITY, conditions, group, is_alternatives, made
from envcheck.spec.groups import name as variable_name
from envcheck.spec.shapes import SHAPES, alternatives, comparison, shapes

LATER = frozenset(
    ["fingerprint", "from_file", "same_across", "differs_across", "layers", "stale", "since_file"]
)
RULE = Table(
    "a rule",
    {
        "required": flag,
        "required_when": conditions,
        "forbidden": flag,
        "deprecated": text,
        "equals": text,
        "equals_var": variable_name,
        "one_of": listed(text),
        "pattern": pattern,
        **SHAPES,
        "not": comparison,
        "any_of": alternatives,
        "secret": choice({**FLAGS, "auto": None}),
        "severity": SEVERITY,
        "allow_empty": flag,
        "hint": text,
        "desc": text,
        "docs": text,
        "owner": text,
        "example": text,
        "tags": texts,
    },
    LATER,
)
HANGS = ("required_when", "equals_var")
SHAPED = (*SHAPES, "not", "any_of")
# The keys that say what the value must be: at most one of them, and none of what excludes it.
EXCLUDES = {
    "forbidden": ("required", "equals", "one_of", "pattern", "allow_empty", *HANGS, *SHAPED),
    "equals": ("one_of", "pattern", *SHAPED),
    "one_of": ("pattern",),
    "pattern": (),
}


Rule = Expectation | Constraint


def rules(node: Node) -> tuple[Rule, ...]:
    if not isinstance(node, document.Mapping) or not node.items:
        raise Fault(node.line, "'env' must be a mapping of variables to rules")
    return tuple(found for name, rule in node.items for found in _rules(name, rule))


def patterns(node: Node) -> tuple[Expectation, ...]:
    """Read rules of every variable whose name fits a glob: none of them has to be there."""
    found: list[Expectation] = []
    for rule in rules(node):
        if isinstance(rule, Constraint):
            raise Fault(node.line, "a rule in 'env_patterns' is about one variable")
        found.append(rule if rule.rule == "forbidden" else rule._replace(optional=True))
    return tuple(found)


def _rules(name: Scalar, node: Node) -> Iterator[Rule]:
    """Read one entry: the rule of a variable with what hangs on others, or alternatives."""
    if is_alternatives(node):
        if (found := group(node, name.text)) is not None:
            yield found
        return
    if not name.text or "=" in name.text:
        raise Fault(name.line, f"{quoted(name.text)} is no name of a variable")
    given = _given(name, node)
    _refuse_contradictions(name, given)
    _refuse_secrets(name, given)
    expected = expectation(name.text, given)
    if expected is None:
        return
    yield expected
    values = given.values
    if "required_when" in values:
        found = made(name.text, "required_when", ((name.text,),), values, values["required_when"])
        yield from (found,) if found else ()
    if "equals_var" in values:
        found = made(name.text, "equals_var", ((name.text,), (values["equals_var"],)), values)
        yield from (found,) if found else ()


def expectation(name: str, given: Fields) -> Expectation | None:
    """Make the rule of one variable; None where it is switched off."""
    values = given.values
    deprecated = "deprecated" in values
    severity = values.get("severity", Severity.WARNING if deprecated else Severity.ERROR)
    if severity is None:
        return None
    optional = not values.get("required", "required_when" not in values)
    plain = "optional" if optional else "required"
    return Expectation(
        name=name,
        rule="forbidden" if deprecated else next((key for key in EXCLUDES if key in values), plain),
        values=_literals(values),
        pattern=values.get("pattern", ""),
        secret=values.get("secret"),
        severity=severity,
        allow_empty=values.get("allow_empty", True),
        hint=values.get("hint", values.get("deprecated", "")),
        optional=optional,
        shapes=_shapes(given),
    )


def _shapes(given: Fields) -> tuple[Shape, ...]:
    values = given.values
    found = shapes(given._replace(values={k: v for k, v in values.items() if k in SHAPES}))
    if "not" in values:
        found = (*found, Shape("not", (), (values["not"],)))
    if "any_of" in values:
        found = (*found, Shape("any_of", (), values["any_of"]))
    return found


def _given(name: Scalar, node: Node) -> Fields:
    """Read a rule in its long form or in one of the short ones."""
    if isinstance(node, document.Mapping) and node.items:
        return RULE.read(node)
    if not isinstance(node, Scalar):
        raise Fault(node.line, f"the rule of {quoted(name.text)} must be a text, '~' or a mapping with keys")
    if node.null:
        return Fields({}, {}, node.line)
    return Fields({"equals": node.text}, {"equals": node.line}, node.line)


def _refuse_contradictions(name: Scalar, given: Fields) -> None:
    for key, others in EXCLUDES.items():
        for other in others:
            if key in given.values and other in given.values:
                line = max(given.lines[key], given.lines[other])
                raise Fault(line, f"{quoted(name.text)}: {key!r} and {other!r} exclude each other")
    if given.values.get("forbidden") is False:
        raise Fault(
            given.lines["forbidden"],
            f"{quoted(name.text)}: 'forbidden' is true or not there ('required: false': may be absent)",
        )
    if "required_when" in given.values and "required" in given.values:
        raise Fault(
            given.lines["required_when"],
            f"{quoted(name.text)}: 'required' and 'required_when' exclude each other",
        )


def _literals(values: Any) -> tuple[str, ...]:  # noqa: ANN401 - a mapping of whatever the readers gave
    return (values["equals"],) if "equals" in values else values.get("one_of", ())


def _refuse_secrets(name: Scalar, given: Fields) -> None:
    """Refuse the value of a secret, in whatever form: a spec is read by many."""
    declared = given.values.get("secret")
    for key, values in _spelled_out(given):
        if _any_secret(name.text, values, declared=declared):
            raise Fault(
                given.lines[key],
                f"{quoted(name.text)} is secret, or looks it: a spec must not hold its value "
                "('~' asks for any, 'pattern' for a shape, 'secret: false' says that it is none)",
            )
    for key, values in _parts_of(given):
        if _any_secret("", values, declared=False):
            raise Fault(given.lines[key], f"{quoted(name.text)}: what is given here looks like a secret")


def _spelled_out(given: Fields) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give all whole values that a rule spells out, with the key under which they stand."""
    for key in ("equals", "one_of", "pattern", "example"):
        if key in given.values:
            yield key, _spelled(key, given.values[key])
    for key in ("not", "any_of"):
        found = given.values.get(key, ())
        for part in (found,) if key == "not" else found:
            for shape in part:
                if shape.key in ("equals", "one_of"):
                    yield key, shape.given
                elif shape.key == "pattern":
                    yield key, _spelled("pattern", shape.given[0])


def _parts_of(given: Fields) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give what a value begins with, ends in or holds: shapes, unless they are a secret themselves."""
    for key in ("prefix", "suffix", "contains"):
        if key in given.values:
            yield key, given.values[key]
    for key in ("not", "any_of"):
        found = given.values.get(key, ())
        for part in (found,) if key == "not" else found:
            yield from ((key, s.given) for s in part if s.key in ("prefix", "suffix", "contains"))


def _spelled(key: str, value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Give the values that a rule spells out; `^text$` is one too."""
    if isinstance(value, tuple):
        return value
    if key in ("equals", "example"):
        return (value,)
    exact = re.fullmatch(r"(?:\^|\\A)((?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])+)(?:\$|\\Z)", value)
    return (re.sub(r"\\(.)", r"\1", exact[1]),) if exact else ()


def _any_secret(name: str, values: tuple[str, ...], *, declared: bool | None) -> bool:
    if declared or not values:
        return bool(values)
    from envcheck.secrecy import looks_secret  # noqa: PLC0415 - a spec without literals needs none of it

    judged = "" if declared is False else name  # the spec's word counts for the name, not for the value
    return any(looks_secret(judged, value) for value in values)

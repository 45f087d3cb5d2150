"""`env`: what is expected of each variable."""

from __future__ import annotations

import re
from typing import Any

from envcheck.model import Expectation, Severity
from envcheck.spec import document
from envcheck.spec.document import Node, Scalar
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import FLAGS, Fields, Table, choice, flag, listed, pattern, text

LATER = frozenset(
    [
        "required_when",
        "type",
        "equals_var",
        "fingerprint",
        "from_file",
        "prefix",
        "suffix",
        "contains",
        "min",
        "max",
        "min_length",
        "max_length",
        "schemes",
        "not",
        "any_of",
        "same_across",
        "differs_across",
        "layers",
        "stale",
        "since_file",
        "deprecated",
        "example",
        "tags",
    ]
)
RULE = Table(
    "a rule",
    {
        "required": flag,
        "forbidden": flag,
        "equals": text,
        "one_of": listed(text),
        "pattern": pattern,
        "secret": choice({**FLAGS, "auto": None}),
        "severity": choice({**{s.value: s for s in Severity}, "off": None}),
        "allow_empty": flag,
        "hint": text,
        "desc": text,
        "docs": text,
        "owner": text,
    },
    LATER,
)
# The keys that say what the value must be: at most one of them, and none of what excludes it.
EXCLUDES = {
    "forbidden": ("required", "equals", "one_of", "pattern", "allow_empty"),
    "equals": ("one_of", "pattern"),
    "one_of": ("pattern",),
    "pattern": (),
}


def expectations(node: Node) -> tuple[Expectation, ...]:
    if not isinstance(node, document.Mapping) or not node.items:
        raise Fault(node.line, "'env' must be a mapping of variables to rules")
    read = (expectation(name, rule) for name, rule in node.items)
    return tuple(e for e in read if e is not None)


def expectation(name: Scalar, node: Node) -> Expectation | None:
    """Read one variable's rule; None where it is switched off."""
    if not name.text or "=" in name.text:
        raise Fault(name.line, f"{quoted(name.text)} is no name of a variable")
    given = _given(name, node)
    _refuse_contradictions(name, given)
    _refuse_secrets(name, given)
    values = given.values
    severity = values.get("severity", Severity.ERROR)
    if severity is None:
        return None
    optional = not values.get("required", True)
    return Expectation(
        name=name.text,
        rule=next((key for key in EXCLUDES if key in values), "optional" if optional else "required"),
        values=_literals(values),
        pattern=values.get("pattern", ""),
        secret=values.get("secret"),
        severity=severity,
        allow_empty=values.get("allow_empty", True),
        hint=values.get("hint", ""),
        optional=optional,
    )


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


def _literals(values: Any) -> tuple[str, ...]:  # noqa: ANN401 - a mapping of whatever the readers gave
    return (values["equals"],) if "equals" in values else values.get("one_of", ())


def _refuse_secrets(name: Scalar, given: Fields) -> None:
    """Refuse the value of a secret, in whatever form: a spec is read by many."""
    declared = given.values.get("secret")
    for key in ("equals", "one_of", "pattern"):
        if key in given.values and _any_secret(
            name.text, _spelled(key, given.values[key]), declared=declared
        ):
            raise Fault(
                given.lines[key],
                f"{quoted(name.text)} is secret, or looks it: a spec must not hold its value "
                "('~' asks for any, 'pattern' for a shape, 'secret: false' says that it is none)",
            )


def _spelled(key: str, value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Give the values that a rule spells out; `^text$` is one too."""
    if isinstance(value, tuple):
        return value
    if key == "equals":
        return (value,)
    exact = re.fullmatch(r"(?:\^|\\A)((?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])+)(?:\$|\\Z)", value)
    return (re.sub(r"\\(.)", r"\1", exact[1]),) if exact else ()


def _any_secret(name: str, values: tuple[str, ...], *, declared: bool | None) -> bool:
    if declared or not values:
        return bool(values)
    from envcheck.secrecy import looks_secret  # noqa: PLC0415 - a spec without literals needs none of it

    judged = "" if declared is False else name  # the spec's word counts for the name, not for the value
    return any(looks_secret(judged, value) for value in values)

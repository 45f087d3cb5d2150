"""Whether a value is what a rule of the spec asks for."""

from __future__ import annotations

import re
from collections.abc import Callable

from envcheck.model import Expectation
from envcheck.shapes import all_fit
from envcheck.tokens import is_hidden

Rule = Callable[[Expectation, str | None], bool]

RULES: dict[str, Rule] = {
    "required": lambda _, value: value is not None,
    "optional": lambda _e, _v: True,
    "forbidden": lambda _, value: value is None,
    "equals": lambda rule, value: value in rule.values,
    "one_of": lambda rule, value: value in rule.values,
    "pattern": lambda rule, value: value is not None and bool(re.search(rule.pattern, value)),
}

# Those that more than whether there is a value decides about.
ASK_FOR_THE_VALUE = ("equals", "one_of", "pattern")


def accepts(rule: Expectation, value: str | None) -> bool | None:
    """Judge a value; None: the variable is not set, which is not the same as empty.

    The result is None where a record hides the value that the rule asks about.
    """
    if value is None and rule.optional:
        return True
    if value == "" and not rule.allow_empty:
        return False
    if value is not None and is_hidden(value):
        return _of_hidden(rule, value)
    return RULES[rule.rule](rule, value) and (value is None or all_fit(rule.shapes, value))


def _of_hidden(rule: Expectation, value: str) -> bool | None:
    """Judge a value of which there is the fingerprint alone: a shape cannot be seen in it."""
    if rule.rule in ASK_FOR_THE_VALUE:
        known = None if rule.tokens is None else value in rule.tokens
    else:
        known = RULES[rule.rule](rule, value)
    return None if rule.shapes and known else known

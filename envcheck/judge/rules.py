"""Whether a value is what a rule of the spec asks for."""

from __future__ import annotations

import re
from collections.abc import Callable

from envcheck.model import Expectation

Rule = Callable[[Expectation, str | None], bool]

RULES: dict[str, Rule] = {
    "required": lambda _, value: value is not None,
    "optional": lambda _e, _v: True,
    "forbidden": lambda _, value: value is None,
    "equals": lambda rule, value: value in rule.values,
    "one_of": lambda rule, value: value in rule.values,
    "pattern": lambda rule, value: value is not None and bool(re.search(rule.pattern, value)),
}


def accepts(rule: Expectation, value: str | None) -> bool:
    """Judge a value; None: the variable is not set, which is not the same as empty."""
    if value is None and rule.optional:
        return True
    if value == "" and not rule.allow_empty:
        return False
    return RULES[rule.rule](rule, value)

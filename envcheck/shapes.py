"""The shapes that a value may be asked to have: one row each, from the key of a rule to a test.

A shape never says what is wrong with a value, only whether it fits: the value may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Shape(NamedTuple):
    """One key of a rule, as typed: `min: 3` is Shape("min", ("3",))."""

    key: str
    given: tuple[str, ...]  # of a list all, else one
    parts: tuple[tuple[Shape, ...], ...] = ()  # of `not` and `any_of`

    def __str__(self) -> str:
        """Say what is asked for, without anything that may be a value or a part of one."""
        told = " or ".join(self.given) if self.key in HARMLESS else ""
        parts = " or ".join(" and ".join(map(str, part)) for part in self.parts)
        return f"{self.key.replace('_', ' ')} {told or parts}".rstrip()


HARMLESS = frozenset({"type", "schemes", "min", "max", "min_length", "max_length"})

Test = Callable[[str], bool]


def fits(shape: Shape, value: str) -> bool:
    return TESTS[shape.key](shape, value)


def all_fit(shapes: Iterable[Shape], value: str) -> bool:
    return all(fits(shape, value) for shape in shapes)


def number(text: str) -> float | None:
    """Read a number as it is written in decimal; None where it is none."""
    return float(text) if re.fullmatch(NUMBER, text) else None


def _is_json(value: str) -> bool:
    from json import loads  # noqa: PLC0415 - only where it is asked for

    try:
        loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _is_ip(value: str) -> bool:
    from ipaddress import ip_address  # noqa: PLC0415 - only where it is asked for

    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _is_host(value: str) -> bool:
    label = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
    return len(value) <= 253 and bool(re.fullmatch(rf"{label}(\.{label})*\.?", value))  # noqa: PLR2004


def _fitting(pattern: str) -> Test:
    return lambda value: re.fullmatch(pattern, value) is not None


NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

TYPES: dict[str, Test] = {
    "string": lambda _: True,
    "bool": _fitting(r"(?i:true|false|yes|no|on|off|t|f|y|n|1|0)"),
    "int": _fitting(r"[+-]?[0-9]+"),
    "number": _fitting(NUMBER),
    "port": lambda value: bool(re.fullmatch(r"[0-9]{1,5}", value)) and 1 <= int(value) <= 65535,  # noqa: PLR2004
    "url": _fitting(r"[A-Za-z][A-Za-z0-9+.-]*://\S+"),
    "host": lambda value: _is_host(value) or _is_ip(value),
    "ip": _is_ip,
    "email": _fitting(r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
    "path": _fitting(r"/[^\0]*"),
    "json": _is_json,
    "duration": _fitting(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)"),
    "bytes": _fitting(r"[0-9]+(\.[0-9]+)? ?([kKMGTP]i?)?B?"),
    "uuid": _fitting(r"(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"),
    "hex": _fitting(r"[0-9A-Fa-f]+"),
    "base64": _fitting(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
    "csv": _fitting(r"[^,\r\n]+(,[^,\r\n]+)*"),
    "semver": _fitting(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"),
}


def _at_least(shape: Shape, value: str) -> bool:
    found = number(value)
    return found is not None and found >= float(shape.given[0])


def _at_most(shape: Shape, value: str) -> bool:
    found = number(value)
    return found is not None and found <= float(shape.given[0])


TESTS: dict[str, Callable[[Shape, str], bool]] = {
    "equals": lambda shape, value: value in shape.given,
    "one_of": lambda shape, value: value in shape.given,
    "pattern": lambda shape, value: re.search(shape.given[0], value) is not None,
    "type": lambda shape, value: TYPES[shape.given[0]](value),
    "schemes": lambda shape, value: value.partition(":")[0].lower() in shape.given,
    "prefix": lambda shape, value: value.startswith(shape.given[0]),
    "suffix": lambda shape, value: value.endswith(shape.given[0]),
    "contains": lambda shape, value: shape.given[0] in value,
    "min": _at_least,
    "max": _at_most,
    "min_length": lambda shape, value: len(value) >= int(shape.given[0]),
    "max_length": lambda shape, value: len(value) <= int(shape.given[0]),
    "not": lambda shape, value: not any(all_fit(part, value) for part in shape.parts),
    "any_of": lambda shape, value: any(all_fit(part, value) for part in shape.parts),
}

"""The keys of a rule that say what shape a value has, and comparisons that are made of them."""

from __future__ import annotations

from collections.abc import Mapping

from envcheck.shapes import TYPES, Shape, number
from envcheck.spec.document import Node, Scalar
from envcheck.spec.fault import Fault
from envcheck.spec.fields import Fields, Reader, Table, choice, listed, pattern, text, texts

# What only a look at the host could tell, or a table of names that hosts differ in.
LATER_TYPES = ("file", "dir", "executable", "timezone", "locale")


def _one(reader: Reader) -> Reader:
    return lambda node: (reader(node),)


def _number(node: Node) -> str:
    typed = text(node)
    if number(typed) is None:
        raise Fault(node.line, "a number is expected here")
    return typed


def length(node: Node) -> str:
    typed = text(node)
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 9):  # noqa: PLR2004
        raise Fault(node.line, "a whole number, not below zero, is expected here")
    return typed


def _type(node: Node) -> str:
    if isinstance(node, Scalar) and node.text in LATER_TYPES:
        raise Fault(node.line, f"the type {node.text!r} is not supported by this version")
    return str(choice({name: name for name in TYPES})(node))


def _schemes(node: Node) -> tuple[str, ...]:
    return tuple(scheme.removesuffix("://").lower() for scheme in texts(node))


# Each gives what stands in `Shape.given`.
SHAPES: Mapping[str, Reader] = {
    "type": _one(_type),
    "schemes": _schemes,
    "prefix": _one(text),
    "suffix": _one(text),
    "contains": _one(text),
    "min": _one(_number),
    "max": _one(_number),
    "min_length": _one(length),
    "max_length": _one(length),
}
COMPARISON = Table(
    "a comparison",
    {"equals": _one(text), "one_of": listed(text), "pattern": _one(pattern), **SHAPES},
)


def comparison(node: Node) -> tuple[Shape, ...]:
    """Read a mapping of shapes, all of which a value must have."""
    given = COMPARISON.read(node)
    if not given.values:
        raise Fault(node.line, "a comparison needs at least one key")
    return shapes(given)


def shapes(given: Fields) -> tuple[Shape, ...]:
    """Give the shapes among the keys of a mapping that was read."""
    found = tuple(Shape(key, value) for key, value in given.values.items() if key in COMPARISON.readers)
    for low, high in (("min", "max"), ("min_length", "max_length")):
        if low in given.values and high in given.values and _above(given, low, high):
            raise Fault(max(given.lines[low], given.lines[high]), f"{low!r} is above {high!r}: nothing fits")
    return found


def _above(given: Fields, low: str, high: str) -> bool:
    return float(given.values[low][0]) > float(given.values[high][0])


def alternatives(node: Node) -> tuple[tuple[Shape, ...], ...]:
    """Read comparisons of which one is enough."""
    read: tuple[tuple[Shape, ...], ...] = listed(comparison)(node)
    return read

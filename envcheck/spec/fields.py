"""How the values of keys are read. A reader takes a node and gives a plain value, or raises `Fault`."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from envcheck.spec import document
from envcheck.spec.document import Node, Scalar, Sequence
from envcheck.spec.fault import LONGEST, Fault, quoted

Reader = Callable[[Node], Any]

MAX_PATTERN = 1000
FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
# What the compiler says, as far as it quotes nothing of the pattern.
PATTERN_FAULTS = ("missing", "unterminated", "nothing to repeat", "multiple repeat", "unbalanced")


class Fields(NamedTuple):
    """A mapping that was read by a table of readers."""

    values: Mapping[str, Any]
    lines: Mapping[str, int]
    line: int


class Table(NamedTuple):
    """What may stand in a mapping: key -> reader, and keys that later versions will know."""

    what: str  # for messages: "a rule"
    readers: Mapping[str, Reader]
    later: Collection[str] = ()

    def read(self, node: Node) -> Fields:
        if not isinstance(node, document.Mapping):
            raise Fault(node.line, f"{self.what} must be a mapping")
        values = {key.text: self._reader(key)(value) for key, value in node.items}
        return Fields(values, {key.text: key.line for key, _ in node.items}, node.line)

    def _reader(self, key: Scalar) -> Reader:
        reader = self.readers.get(key.text)
        if reader is not None:
            return reader
        if key.text in self.later:
            raise Fault(key.line, f"{quoted(key.text)} in {self.what} is not supported by this version")
        raise Fault(key.line, f"unknown key {quoted(key.text)} in {self.what}{meant(key.text, self.readers)}")


def meant(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word[:LONGEST], known, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def text(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise Fault(node.line, "a text is expected here")
    if node.empty:
        raise Fault(node.line, 'nothing is given here (the empty text is "")')
    return node.text


def texts(node: Node) -> tuple[str, ...]:
    """Read a text or a list of texts."""
    read: tuple[str, ...] = many(text)(node)
    return read


def many(reader: Reader) -> Reader:
    """Make a reader of one or of a list of them."""

    def read(node: Node) -> tuple[Any, ...]:
        return listed(reader)(node) if isinstance(node, Sequence) else (reader(node),)

    return read


def listed(reader: Reader) -> Reader:
    """Make a reader of a list."""

    def read(node: Node) -> tuple[Any, ...]:
        if not isinstance(node, Sequence) or not node.items:
            raise Fault(node.line, "a list with at least one item is expected here")
        return tuple(reader(item) for item in node.items)

    return read


def choice(values: Mapping[str, Any]) -> Reader:
    """Make a reader of one of some words, each with its meaning."""

    def read(node: Node) -> Any:  # noqa: ANN401 - whatever the table holds
        word = text(node)
        if word not in values:
            raise Fault(node.line, f"must be one of {', '.join(values)}{meant(word, values)}")
        return values[word]

    return read


flag = choice(FLAGS)


def pattern(node: Node) -> str:
    """Read a regular expression; what Python warns of does not mean what was meant."""
    expression = text(node)
    if len(expression) > MAX_PATTERN:
        raise Fault(node.line, f"a pattern may have {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(expression)
    except re.error as error:
        why = f": {error.msg}" if error.msg.startswith(PATTERN_FAULTS) else ""
        where = "" if error.pos is None else f" (at character {error.pos + 1})"
        raise Fault(node.line, f"is no regular expression{why}{where}") from None
    except Exception:  # noqa: BLE001 - OverflowError, RecursionError, FutureWarning, ...
        raise Fault(node.line, "is no regular expression that Python can use as it is meant") from None
    return expression


def absolute(node: Node) -> str:
    path = text(node)
    if not path.startswith("/"):
        raise Fault(node.line, "must be an absolute path")
    return path

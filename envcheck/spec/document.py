"""A strict YAML loader that reads text: `yes`, `0755`, `12:30` and `1.10` stay what was typed.

Refused are tags, merge keys, a second document, duplicate keys and keys that are no text. All is bounded:
bytes, depth, aliases, and the nodes that remain when the aliases are followed. Who reads a file that others
write for others too (an inventory) may take tags: what is tagged has no text then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from envcheck.spec.events import Event, events
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.text import decode

MAX_DEPTH = 64
MAX_ALIASES = 100
MAX_NODES = 25_000  # 0.7 s


class Scalar(NamedTuple):
    text: str
    line: int
    plain: bool  # typed without quotes
    tagged: bool = False  # what was written means something only to who knows its tag: it is not kept

    @property
    def empty(self) -> bool:
        """Nothing was written at all."""
        return self.plain and not self.text

    @property
    def null(self) -> bool:
        """What YAML calls null; only a rule asks for it."""
        return self.plain and self.text in ("", "~", "null")

    def __repr__(self) -> str:
        return f"Scalar(line {self.line})"  # never the text


class Sequence(NamedTuple):
    items: tuple[Node, ...]
    line: int


class Mapping(NamedTuple):
    items: tuple[tuple[Scalar, Node], ...]
    line: int


Node = Scalar | Sequence | Mapping


class _Built(NamedTuple):
    """A node with its measures, aliases followed."""

    node: Node
    size: int = 1
    height: int = 0


def parse(content: bytes, *, tags: bool = False, most: int = MAX_NODES) -> Node:
    """Read a document of *most* nodes; raises nothing but `Fault`."""
    stream = events(decode(content))
    next(stream)
    if next(stream).kind == "StreamEndEvent":
        raise Fault(1, "is empty")
    root = _Builder(stream, tags=tags, most=most).node(next(stream), 1)
    next(stream)
    after = next(stream)
    if after.kind != "StreamEndEvent":
        raise Fault(after.line, "a second document: a file holds one")
    return root.node


class _Builder:
    """Turns events into nodes; the parser has seen to it that they nest and end."""

    def __init__(self, stream: Iterator[Event], *, tags: bool, most: int) -> None:
        self.stream = stream
        self.tags = tags
        self.most = most
        self.anchors: dict[str, _Built] = {}
        self.aliases = 0
        self.nodes = 0

    def node(self, event: Event, depth: int) -> _Built:
        if event.tagged and not self.tags:
            raise Fault(event.line, "tags ('!...') are not supported; put quotes around a text with '!'")
        built = self.makers[event.kind](self, event, depth)
        if event.tagged:
            built = built._replace(node=Scalar("", event.line, plain=False, tagged=True))
        self.nodes += built.size if event.kind == "alias" else 1
        if self.nodes > self.most:
            raise Fault(event.line, f"more than {self.most} nodes")
        if depth + built.height > MAX_DEPTH:
            raise Fault(event.line, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None and event.kind != "alias":
            self.anchors[event.anchor] = built
        return built

    def scalar(self, event: Event, _depth: int) -> _Built:
        if "\0" in event.text:
            raise Fault(event.line, "a NUL in a text: no variable can hold it")
        try:
            event.text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise Fault(event.line, "a text with half a surrogate pair") from None
        return _Built(Scalar(event.text, event.line, event.plain))

    def alias(self, event: Event, _depth: int) -> _Built:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise Fault(event.line, f"more than {MAX_ALIASES} aliases")
        built = self.anchors.get(event.anchor or "")
        if built is None:
            raise Fault(event.line, "an alias ('*...') of nothing; put quotes around a text with '*'")
        return built

    def sequence(self, event: Event, depth: int) -> _Built:
        built = [self.node(child, depth + 1) for child in self.children(event, depth)]
        return _measured(Sequence(tuple(b.node for b in built), event.line), built)

    def mapping(self, event: Event, depth: int) -> _Built:
        built: list[_Built] = []
        items: list[tuple[Scalar, Node]] = []
        lines: dict[str, int] = {}
        for child in self.children(event, depth):
            key = self.key(child, depth + 1, lines)
            value = self.node(next(self.stream), depth + 1)
            items.append((key, value.node))
            built.append(value._replace(size=value.size + 1))
        return _measured(Mapping(tuple(items), event.line), built)

    def key(self, event: Event, depth: int, lines: dict[str, int]) -> Scalar:
        """Read a key; *lines* says where the ones before it stand."""
        key = self.node(event, depth).node
        if not isinstance(key, Scalar) or key.empty or key.tagged:
            raise Fault(event.line, "a key must be a text")
        if key.plain and key.text == "<<":
            raise Fault(event.line, "merge keys ('<<') are not supported")
        if key.text in lines:
            raise Fault(event.line, f"duplicate key {quoted(key.text)}, first in line {lines[key.text]}")
        lines[key.text] = event.line
        return key

    def children(self, event: Event, depth: int) -> Iterator[Event]:
        """Give the first event of each child; whoever asks takes the others."""
        if depth >= MAX_DEPTH:
            raise Fault(event.line, f"nested deeper than {MAX_DEPTH} levels")
        while (child := next(self.stream)).kind != "end":
            yield child

    makers: dict[str, Callable[[_Builder, Event, int], _Built]] = {  # noqa: RUF012 - never changed
        "scalar": scalar,
        "alias": alias,
        "sequence": sequence,
        "mapping": mapping,
    }


def _measured(node: Node, children: list[_Built]) -> _Built:
    height = max((c.height + 1 for c in children), default=0)
    return _Built(node, 1 + sum(c.size for c in children), height)

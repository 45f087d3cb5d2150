"""YAML is read as text, and nothing in a file can kill or hang the loader."""

from __future__ import annotations

import time

import pytest

from envcheck.spec.document import MAX_ALIASES, MAX_DEPTH, Mapping, Node, Scalar, Sequence, parse
from envcheck.spec.fault import Fault
from envcheck.spec.text import MAX_BYTES


def plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.items}


def fault(content: bytes) -> Fault:
    with pytest.raises(Fault) as caught:
        parse(content)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "NO",
        "on",
        "0755",
        "017",
        "0x_",
        "12:30",
        "12:30:45",
        "1_000",
        "1.10",
        "2020-01-01",
        "2020-13-45",
        "~",
        "null",
        "True",
        ".inf",
        "1e3",
        "=",
        "-",
        "--",
        "a:b",
    ],
)
def test_a_scalar_stays_what_was_typed(text: str) -> None:
    node = parse(f"- {text}\n".encode() if text != "-" else b"- '-'\n")
    assert plain(node) == [text]


def test_lines_and_quotes_are_kept() -> None:
    node = parse(b"# a comment\na: 1\n\nb:\n  - 'x'\n  - |\n    two\n    lines\nc:\n")
    assert isinstance(node, Mapping)
    (a, one), (_, items), (_, nothing) = node.items
    assert (a, one) == (Scalar("a", 2, plain=True), Scalar("1", 2, plain=True))
    assert isinstance(items, Sequence)
    assert items.items == (Scalar("x", 5, plain=False), Scalar("two\nlines\n", 6, plain=False))
    assert nothing == Scalar("", 9, plain=True)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfa: 1", {"a": "1"}),
        (b"a: 1\r\nb: 2\rc: 3", {"a": "1", "b": "2", "c": "3"}),
        (b"--- \na: b\n...\n", {"a": "b"}),
        (b"%YAML 1.1\n---\na: b", {"a": "b"}),
        (b"{a: [b, {c: d}], 'e': \"f\\x41\"}", {"a": ["b", {"c": "d"}], "e": "fA"}),
        (b"a: &x [1, 2]\nb: *x\n&k c: d", {"a": ["1", "2"], "b": ["1", "2"], "c": "d"}),
        ("a: Grüße \U0001f600".encode(), {"a": "Grüße \U0001f600"}),
        (b"a: >-\n  folded\n  text\n", {"a": "folded text"}),
        (b'a: "\\udcff"', {"a": "\udcff"}),
        (b"'<<': a", {"<<": "a"}),
    ],
)
def test_what_is_read(content: bytes, expected: object) -> None:
    assert plain(parse(content)) == expected


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", 1, "is empty"),
        (b"# only a comment\n", 1, "is empty"),
        (b"a: 1\nb: 2\na: 3", 3, "duplicate key 'a', first in line 1"),
        (b"a: 1\n'a': 3", 2, "duplicate key 'a'"),
        (b"a: 1\n---\nb: 2", 2, "second document"),
        (b"a: !!int x", 1, "tags"),
        (b"a: !!python/object/apply:os.system [x]", 1, "tags"),
        (b"\na: !Pa55w0rd", 2, "tags"),
        (b"a: !Pa55!w0rd", 1, "undefined tag handle something"),
        (b"a:\n  <<: {b: c}", 2, "merge keys"),
        (b"a: *Pa55w0rd", 1, "alias ('*...') of nothing"),
        (b"&a [*a]", 1, "of nothing"),
        (b"? [a]\n: b", 1, "key must be a text"),
        (b"{a: b}: c", 1, "key must be a text"),
        (b"a: b\n?\n: c", 2, "key must be a text"),
        (b"a: b\nc: d: e", 2, "mapping values are not allowed here"),
        (b"a: 'b", 1, "end of stream"),
        (b"a: b\nc: [d", 2, "expected ',' or ']'"),
        (b"a: b\n\tc: d", 2, "cannot start any token"),
        (b"a: @b", 1, "cannot start any token"),
        (b'\na: "\\UFFFFFFFF"', 2, "cannot be read"),
        (b'a: "\\q"', 1, "unknown escape character"),
        (b'a: "x\\0y"', 1, "NUL"),
        (b'a: "\\ud800"', 1, "surrogate"),
        (b"a: b\nc: \0", 2, "U+0000"),
        (b"a: b\r\nc: \x1b[2J", 2, "U+001B"),
        ("a: b\n\nc: d\u2028e".encode(), 3, "U+2028"),
        (b"a: b\nc: \xff", 2, "not UTF-8"),
        ("a: b".encode("utf-16"), 1, "not UTF-8"),
        (b"a" * (MAX_BYTES + 1), 1, "larger than"),
    ],
)
def test_what_is_refused(content: bytes, line: int, says: str) -> None:
    error = fault(content)
    assert (error.line, says in error.message) == (line, True), error.message
    assert "Pa55" not in error.message
    assert error.message.isprintable()


def test_depth_and_aliases_are_bounded_exactly() -> None:
    levels = MAX_DEPTH - 1
    parse(b"[" * levels + b"x" + b"]" * levels)
    assert "deeper" in fault(b"[" * (levels + 1) + b"]" * (levels + 1)).message
    half = MAX_DEPTH // 2
    deep = b"- &a " + b"[" * half + b"]" * half
    parse(deep + b"\n- *a")
    assert "deeper" in fault(deep + b"\n- " + b"[" * half + b"*a" + b"]" * half).message
    parse(b"- &a x\n" + b"- *a\n" * MAX_ALIASES)
    assert "aliases" in fault(b"- &a x\n" + b"- *a\n" * (MAX_ALIASES + 1)).message


LAUGHS = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
MERGES = "".join(f"a{i}: &a{i}\n  <<: [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
BOMBS = {
    "billion laughs": b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + LAUGHS.encode(),
    "laughs in mappings": b"a: &a {k: v}\n"
    + "".join(f"b{i}: &a {{{','.join(f'k{j}: *a' for j in range(9))}}}\n" for i in range(11)).encode(),
    "merge keys": b"a0: &a0 {k: v}\n" + MERGES.encode(),
    "lists nested": b"[" * 200_000,
    "mappings nested": b"{" * 200_000,
    "nested over lines": b"[\n" * 200_000,
    "blocks nested": b"- " * 200_000,
    "keys nested": b"? " * 200_000,
    "both nested": b"a: [" * 200_000,
    "anchors": b"&a " * 200_000,
    "too many nodes": b"- a\n" * 200_000,
    "5000 digits, as a tag": b"a: !!int " + b"9" * 5000,
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_at_once(content: bytes) -> None:
    start = time.process_time()
    fault(content)
    assert time.process_time() - start < 1


def test_no_text_shows_in_a_repr() -> None:
    assert "hunter2" not in repr(parse(b"a: [hunter2]"))

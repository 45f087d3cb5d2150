"""Answers as bytes that survive a login shell: banners before, noise after, a connection cut in between.

    <nonce> BEGIN <length of the body> <crc32 of the body>
    <body: zlib of JSON, with the bytes of SHIELDS replaced>
    <nonce> END

The JSON is [table, answers]: each distinct bytes value stands once in the table, one character per byte, and
is referred to as {"b": index}. A list of C strings is the bytes value that NULs end, {"n": index}: a live
environment is mostly the one at exec. A list of integers is {"i": [the first, differences]}.

A list of dicts with the same keys is {"c": [keys, column of each]}, where a column of bytes is {"t": indexes,
written like integers}. A dict of such dicts is {"m": [its keys, that list]}. A real dict with one key alone,
which is one of these words, is {"d": that dict}.
"""

MOST = 16777216  # bytes, of the body and of the JSON
MARKS = (b"[", b"{", b",", b":", b"\\u0000")  # each stands for one value more at most
VALUES = 1100000
LARGE = 1 << 63  # no integer of an answer is as large
WORDS = ("b", "n", "i", "c", "t", "m", "d")
# What a terminal adds to, takes away or replaces; the first one is what stands before the others.
SHIELDS = ((b"=", b"=}"), (b"\0", b"=@"), (b"\t", b"=I"), (b"\n", b"=J"), (b"\r", b"=M"))


class FrameError(Exception):
    """`kind`: missing (no frame began), truncated, damaged; when encoding: oversized."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def encode(answers: list, nonce: str) -> bytes:
    """The frame; FrameError("oversized") if it would be larger than a client accepts."""
    from zlib import compress, crc32

    from .quick import dumps

    table = {}  # type: dict[bytes, int]
    packed = [_pack(one, table) for one in answers]
    plain = dumps([[value.decode("latin-1") for value in table], packed]).encode("ascii")
    body = compress(plain)
    for byte, instead in SHIELDS:
        body = body.replace(byte, instead)
    if max(len(plain), len(body)) > MOST or values(plain) > VALUES:
        raise FrameError("oversized")
    begin = "%s BEGIN %d %08x\n" % (nonce, len(body), crc32(body) & 0xFFFFFFFF)
    return begin.encode("ascii") + body + ("\n%s END\n" % nonce).encode("ascii")


def values(document: bytes) -> int:
    """At least the number of values that it makes, counted without making any."""
    return sum(document.count(mark) for mark in MARKS)


def _pack(value: object, table: "dict[bytes, int]") -> object:
    if isinstance(value, bytes):
        return {"b": table.setdefault(value, len(table))}
    if isinstance(value, (list, tuple)):
        return _packed_list(value, table)
    if isinstance(value, dict):
        if _alike(list(value.values())):
            return {"m": [list(value), _pack(list(value.values()), table)]}
        packed = {key: _pack(one, table) for key, one in value.items()}
        return {"d": packed} if len(packed) == 1 and not packed.keys().isdisjoint(WORDS) else packed
    return value


def _packed_list(value: "Sequence", table: "dict[bytes, int]") -> object:
    if set(map(type, value)) == {bytes}:
        ended = b"\0".join(value) + b"\0"
        if ended.count(b"\0") == len(value):
            return {"n": table.setdefault(ended, len(table))}
    if len(value) > 1 and all(type(one) is int and abs(one) < LARGE for one in value):
        return {"i": _differences(value)}
    if _alike(value):
        return {"c": [list(value[0]), [_column([row[key] for row in value], table) for key in value[0]]]}
    return [_pack(one, table) for one in value]


def _column(cells: "Sequence", table: "dict[bytes, int]") -> object:
    if set(map(type, cells)) == {bytes}:
        return {"t": _differences([table.setdefault(cell, len(table)) for cell in cells])}
    return _pack(cells, table)


def _differences(numbers: "Sequence") -> "list[int]":
    return [numbers[0]] + [numbers[i] - numbers[i - 1] for i in range(1, len(numbers))]


def _alike(rows: "Sequence") -> bool:
    """Whether they are several dicts with the same keys."""
    if len(rows) < 2 or set(map(type, rows)) != {dict}:
        return False
    keys = list(rows[0])
    return bool(keys) and all(list(row) == keys for row in rows)


if False:  # for the type checker alone
    from collections.abc import Sequence

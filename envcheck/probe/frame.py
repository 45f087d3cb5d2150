"""Answers as text that survives a login shell: banners before, noise after, a connection cut in between.

    <nonce> BEGIN <length of the body> <crc32 of the body>
    <body: base64 of zlib of JSON>
    <nonce> END

The JSON is [table, answers]: each distinct bytes value stands once in the table, one character per byte, and
is referred to as {"b": index}. A list of C strings is the bytes value that NULs end, {"n": index}: a live
environment is mostly the one at exec. A real dict with the single key "b", "n" or "d" is {"d": that dict}.

The other end is not trusted: a few bytes can inflate to many, and a byte of JSON become a hundred of memory.
10,000 servers' processes take 12 MB of JSON and 1,000,000 of MARKS (those in strings are counted with them).
"""

MOST = 16777216  # bytes, of the body and of the JSON
MARKS = (b"[", b"{", b",", b":", b"\\u0000")  # each stands for one value more at most
VALUES = 1100000
DEPTH = 32


class FrameError(Exception):
    """`kind`: missing (no frame began), truncated, damaged; when encoding: oversized."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def encode(answers: list, nonce: str) -> bytes:
    """The frame, ASCII; FrameError("oversized") if it would be larger than a client accepts."""
    from binascii import b2a_base64
    from zlib import compress, crc32

    from .quick import dumps

    table = {}  # type: dict[bytes, int]
    packed = _pack(answers, table)
    document = dumps([[value.decode("latin-1") for value in table], packed])
    plain = document.encode("ascii")
    body = b2a_base64(compress(plain, 9), newline=False)
    if max(len(plain), len(body)) > MOST or _values(plain) > VALUES:
        raise FrameError("oversized")
    begin = "%s BEGIN %d %08x\n" % (nonce, len(body), crc32(body) & 0xFFFFFFFF)
    return begin.encode("ascii") + body + ("\n%s END\n" % nonce).encode("ascii")


def decode(data: bytes, nonce: str) -> list:
    """The answers; whatever stands before and after the frame is ignored. Raises FrameError."""
    from zlib import crc32

    length, crc, start = _begin(data, nonce.encode("ascii"))
    end = ("\n%s END\n" % nonce).encode("ascii")
    body = data[start : start + length]
    rest = data[start + length : start + length + len(end) + 2].replace(b"\r", b"")  # a terminal adds them
    if len(body) < length or (end.startswith(rest) and rest != end):
        raise FrameError("truncated")
    if not rest.startswith(end) or crc32(body) & 0xFFFFFFFF != crc:
        raise FrameError("damaged")
    return _answers(body)


def _begin(data: bytes, nonce: bytes) -> "tuple[int, int, int]":
    """(length, crc, where the body starts) of the first frame with this nonce."""
    start = data.find(nonce + b" BEGIN ")
    if start < 0:
        raise FrameError("missing")
    start += len(nonce) + 7
    end = data.find(b"\n", start, start + 64)
    if end < 0:
        raise FrameError("truncated" if len(data) < start + 64 else "damaged")
    try:
        length, crc = data[start:end].split()
        size, check = int(length), int(crc, 16)
    except ValueError:
        raise FrameError("damaged") from None
    if not 0 <= size <= MOST:
        raise FrameError("damaged")
    return size, check, end + 1


def _answers(body: bytes) -> list:
    from binascii import a2b_base64
    from json import loads
    from zlib import error as ZlibError  # noqa: N812 - it is a class

    try:
        document = _inflated(a2b_base64(body))
        if _values(document) > VALUES:
            raise FrameError("damaged")
        table, packed = loads(document.decode("ascii"))
        del document
        for index, value in enumerate(table):
            table[index] = value.encode("latin-1")
        answers = _unpack(packed, table, {}, DEPTH)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ZlibError):
        raise FrameError("damaged") from None
    if not isinstance(answers, list):
        raise FrameError("damaged")
    return answers


def _inflated(packed: bytes) -> bytes:
    """All of it, if that is not more than MOST."""
    from zlib import decompressobj

    inflate = decompressobj()
    document = inflate.decompress(packed, MOST)
    if not inflate.eof:
        raise FrameError("damaged")
    return document


def _values(document: bytes) -> int:
    """At least the number of values that it makes, counted without making any."""
    return sum(document.count(mark) for mark in MARKS)


def _pack(value: object, table: "dict[bytes, int]") -> object:
    if isinstance(value, bytes):
        return {"b": table.setdefault(value, len(table))}
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(one, bytes) and b"\0" not in one for one in value):
            return {"n": table.setdefault(b"\0".join(value) + b"\0", len(table))}
        return [_pack(one, table) for one in value]
    if isinstance(value, dict):
        packed = {key: _pack(one, table) for key, one in value.items()}
        return {"d": packed} if _ambiguous(packed) else packed
    return value


def _unpack(value: object, table: "list[bytes]", lists: "dict[int, list[bytes]]", depth: int) -> object:
    """The value meant, made of *value* itself: a copy would need its memory once more.

    *lists*: those made so far, by index; whoever means the same one gets the same one.
    """
    if not depth:
        raise FrameError("damaged")
    if isinstance(value, list):
        for index, one in enumerate(value):
            value[index] = _unpack(one, table, lists, depth - 1)
    elif isinstance(value, dict):
        single = _ambiguous(value)
        if single and "b" in value:
            return table[value["b"]]
        if single and "n" in value:
            index = value["n"]
            if index not in lists:
                lists[index] = table[index].split(b"\0")[:-1]
            return lists[index]
        meant = value["d"] if single else value  # type: dict
        for key in meant:
            meant[key] = _unpack(meant[key], table, lists, depth - 1)
        return meant
    return value


def _ambiguous(value: dict) -> bool:
    return len(value) == 1 and not value.keys().isdisjoint(("b", "n", "d"))

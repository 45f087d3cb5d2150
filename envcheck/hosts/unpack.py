"""Answers out of a frame (envcheck/probe/frame.py says how it is made).

The other end is not trusted: a few bytes can inflate to many, and a byte of JSON become a hundred of memory.
10,000 servers' processes take 8 MB of JSON; what is made of it is counted before it is made.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

from envcheck.hosts.wire import is_list, is_object
from envcheck.probe.frame import LARGE, MOST, SHIELDS, VALUES, FrameError, values

DEPTH = 32
DAMAGED = "damaged"


def decode(data: bytes, nonce: str) -> list[Any]:
    """Give the answers; whatever stands before and after the frame is ignored.

    Raises:
        FrameError: There is none, or it is cut off or damaged.
    """
    length, crc, start = _begin(data, nonce.encode("ascii"))
    end = f"\n{nonce} END\n".encode("ascii")
    body = data[start : start + length]
    rest = data[start + length : start + length + len(end) + 2].replace(b"\r", b"")  # a terminal adds them
    if len(body) < length or (end.startswith(rest) and rest != end):
        raise FrameError("truncated")
    if not rest.startswith(end) or zlib.crc32(body) & 0xFFFFFFFF != crc:
        raise FrameError(DAMAGED)
    return _answers(body)


def _begin(data: bytes, nonce: bytes) -> tuple[int, int, int]:
    """Give the length, the crc, and where the body starts, of the first frame with this nonce."""
    start = data.find(nonce + b" BEGIN ")
    if start < 0:
        raise FrameError("missing")
    start += len(nonce) + 7
    end = data.find(b"\n", start, start + 64)
    if end < 0:
        raise FrameError("truncated" if len(data) < start + 64 else DAMAGED)
    try:
        length, crc = data[start:end].split()
        size, check = int(length), int(crc, 16)
    except ValueError:
        raise FrameError(DAMAGED) from None
    if not 0 <= size <= MOST:
        raise FrameError(DAMAGED)
    return size, check, end + 1


def _answers(body: bytes) -> list[Any]:
    try:
        document = _inflated(body)
        left = VALUES - values(document)
        if left < 0:
            raise FrameError(DAMAGED)
        given, packed = json.loads(document.decode("ascii"))
        table = _listed(given)
        del document
        for index, value in enumerate(table):
            table[index] = value.encode("latin-1")
        answers = _listed(_Unpacker(table, left).value(packed, DEPTH))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, zlib.error):
        raise FrameError(DAMAGED) from None
    return answers


def _inflated(body: bytes) -> bytes:
    """Give all of it, if that is not more than MOST."""
    for byte, instead in reversed(SHIELDS):
        body = body.replace(instead, byte)
    inflate = zlib.decompressobj()
    document = inflate.decompress(body, MOST)
    if not inflate.eof:
        raise FrameError(DAMAGED)
    return document


NESTED = (list, dict)  # all else stands for itself


class _Unpacker:
    """Gives the value meant, made of the packed one itself: a copy would need its memory once more.

    *left*: how many values may be made beyond those that stand in the document.
    """

    def __init__(self, table: list[bytes], left: int) -> None:
        self.table = table
        self.left = left
        self.lists: dict[int, list[bytes]] = {}  # whoever means the same one gets the same one
        self.words: Mapping[str, Callable[[Any, int], Any]] = {
            "b": self._bytes,
            "n": lambda index, _depth: self._strings(index),
            "i": lambda numbers, _depth: _sums(numbers),
            "t": lambda numbers, _depth: [self.table[index] for index in _sums(numbers)],
            "c": self._rows,
            "m": self._named,
            "d": self._plain,
        }

    def value(self, value: Any, depth: int) -> Any:
        if not depth:
            raise FrameError(DAMAGED)
        if is_list(value):
            for index, one in enumerate(value):
                if type(one) in NESTED:
                    value[index] = self.value(one, depth - 1)
        elif is_object(value):
            word = next(iter(value)) if len(value) == 1 else ""
            if word in self.words:
                return self.words[word](value[word], depth)
            return self._plain(value, depth)
        return value

    def _plain(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        for key, one in value.items():
            if type(one) in NESTED:
                value[key] = self.value(one, depth - 1)
        return value

    def _bytes(self, index: int, _depth: int) -> bytes:
        return self.table[index]

    def _strings(self, index: int) -> list[bytes]:
        if index not in self.lists:
            self.lists[index] = self.table[index].split(b"\0")[:-1]
        return self.lists[index]

    def _rows(self, value: list[list[Any]], depth: int) -> list[dict[str, Any]]:
        keys, packed = value
        columns = [_listed(self.value(column, depth - 1)) for column in packed]
        self._make(len(columns[0]) * (2 + len(keys)))
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]

    def _named(self, value: list[Any], depth: int) -> dict[str, Any]:
        names = _listed(value[0])
        self._make(len(names))
        return dict(zip(names, _listed(self.value(value[1], depth - 1)), strict=True))

    def _make(self, values: int) -> None:
        self.left -= values
        if self.left < 0:
            raise FrameError(DAMAGED)


def _listed(value: Any) -> list[Any]:
    if not is_list(value):
        raise FrameError(DAMAGED)
    return value


def _sums(differences: list[int]) -> list[int]:
    if not _are_within(2 * LARGE, differences):
        raise FrameError(DAMAGED)
    sums = list(accumulate(differences))
    if not _are_within(LARGE, sums):
        raise FrameError(DAMAGED)
    return sums


def _are_within(end: int, numbers: list[int]) -> bool:
    return set(map(type, numbers)) <= {int} and max(map(abs, numbers), default=0) < end

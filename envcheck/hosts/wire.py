"""A small language for what another host may answer: each of these words makes a test of a value.

A test raises `Wrong`, which says what is wrong and where, and never what was found there: that may be a
secret, or meant to be read as something else. Keys of the other end are never told either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

LONGEST = 32768  # characters of a text: a path has 4096 bytes at most, each of which may be written as six
UNSIGNED = 10**20  # what is written with the digits of 64 bits

Test = Callable[[Any], None]


class Wrong(Exception):  # noqa: N818 - says what and where
    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what, self.where = what, where

    def inside(self, where: object) -> Wrong:
        return Wrong(self.what, f"{where}.{self.where}" if self.where else str(where))


# What is in them, the type checkers cannot know.
def is_object(value: object) -> TypeGuard[dict[Any, Any]]:
    return type(value) is dict


def is_list(value: object) -> TypeGuard[list[Any]]:
    return type(value) is list


def anything(_value: Any) -> None:
    """Test nothing: something else is compared with it."""


def text(pattern: str = "", most: int = LONGEST) -> Test:
    """Make a test for text that some bytes without a NUL were decoded to."""
    fits = re.compile(pattern or r"[^\0]*").fullmatch

    def test(value: Any) -> None:
        if type(value) is not str:
            raise Wrong("not text")
        if len(value) > most or not fits(value):
            raise Wrong("another text than it can be")
        if not value.isascii():
            try:
                value.encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                raise Wrong("a text that no bytes are decoded to") from None

    return test


def word(*words: str) -> Test:
    def test(value: Any) -> None:
        if type(value) is not str or value not in words:
            raise Wrong("no word that is known")

    return test


def whole(first: int, last: int) -> Test:
    def test(value: Any) -> None:
        if type(value) is not int or not first <= value <= last:
            raise Wrong("no number that it can be")

    return test


def truth(value: Any) -> None:
    """Test for yes or no."""
    if type(value) is not bool:
        raise Wrong("neither yes nor no")


def number(first: float, last: float) -> Test:
    """Make a test for a number that may have a fraction; it is none where it is NaN."""

    def test(value: Any) -> None:
        if type(value) not in (int, float) or not first <= value <= last:
            raise Wrong("no number that it can be")

    return test


def data(most: int = UNSIGNED, *, nul: bool = True) -> Test:
    """Make a test for bytes; *nul*: a NUL may be in them."""

    def test(value: Any) -> None:
        if type(value) is not bytes:
            raise Wrong("not bytes")
        if len(value) > most or (not nul and b"\0" in value):
            raise Wrong("other bytes than they can be")

    return test


def written(pattern: bytes, most: int) -> Test:
    """Make a test for bytes that are written in a certain way, or are none."""
    fits = re.compile(pattern, re.DOTALL).fullmatch

    def test(value: Any) -> None:
        if type(value) is not bytes:
            raise Wrong("not bytes")
        if value and (len(value) > most or not fits(value)):
            raise Wrong("not written as the kernel writes it")

    return test


def lines(patterns: Mapping[bytes, bytes], most: int) -> Test:
    """Make a test for lines `Key:value`; of the keys that matter the values are looked at."""
    fitting = {key: re.compile(pattern).fullmatch for key, pattern in patterns.items()}

    def test(value: Any) -> None:
        if type(value) is not bytes:
            raise Wrong("not bytes")
        if len(value) > most:
            raise Wrong("other bytes than they can be")
        for line in value.split(b"\n"):
            key, _, rest = line.partition(b":")
            fits = fitting.get(key)
            if fits is not None and not fits(rest):
                raise Wrong("not written as the kernel writes it")

    return test


def strings(value: Any) -> None:
    """Test a list of C strings."""
    if not is_list(value):
        raise Wrong("not a list")
    if not set(map(type, value)) <= {bytes} or b"\0" in b"".join(value):
        raise Wrong("not all are C strings")


def maybe(one: Test) -> Test:
    """Make a test for that, or nothing at all."""

    def test(value: Any) -> None:
        if value is not None:
            one(value)

    return test


def several(one: Test) -> Test:
    def test(value: Any) -> None:
        if not is_list(value):
            raise Wrong("not a list")
        for index, item in enumerate(value):
            try:
                one(item)
            except Wrong as wrong:
                raise wrong.inside(index) from None

    return test


def named(one: Test, name: Test) -> Test:
    """Make a test for an object with any keys that pass the test *name*."""

    def test(value: Any) -> None:
        if not is_object(value):
            raise Wrong("not an object")
        for index, (key, item) in enumerate(value.items()):
            try:
                name(key)
                one(item)
            except Wrong as wrong:
                raise wrong.inside(index) from None

    return test


def fields(also: Mapping[str, Test] | None = None, /, **tests: Test) -> Test:
    """Make a test for an object with exactly these keys; those of *also* may be absent."""
    allowed = {**tests, **(also or {})}

    def test(value: Any) -> None:
        if not is_object(value):
            raise Wrong("not an object")
        if absent := tests.keys() - value.keys():
            raise Wrong("it is not there", min(absent))
        if len(value) > len(allowed) or value.keys() - allowed.keys():
            raise Wrong("there is more than was asked for")
        for key, item in value.items():
            try:
                allowed[key](item)
            except Wrong as wrong:
                raise wrong.inside(key) from None

    return test


def agreeing(one: Test, agrees: Callable[[Any], bool], otherwise: str) -> Test:
    """Make a test for that, the parts of which agree with each other."""

    def test(value: Any) -> None:
        one(value)
        if not agrees(value):
            raise Wrong(otherwise)

    return test

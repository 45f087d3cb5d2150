"""`[user@]host[:port]`, and ranges: `web[01:20].example.com`, `db-[a:f]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

NO_PORT = "a port is a number from 1 to 65535"
MOST = 10_000  # hosts of one text, whatever ranges it has
LAST_PORT = 65535

# What no host is called: it would be an option, several words, or something for a shell.
HOST = re.compile(r"[\w.:%][\w.:%-]*")
USER = re.compile(r"[\w.][\w.\\+@-]*\$?")
RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
BRACKETED = re.compile(r"\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%[\w.-]+)?)\](?::(.*))?", re.DOTALL)


def is_host(text: str) -> bool:
    return HOST.fullmatch(text) is not None


def is_user(text: str) -> bool:
    return USER.fullmatch(text) is not None


def port(text: str) -> tuple[str, int | None]:
    """Split a port off, where there is one: a bare IPv6 address has none."""
    bracketed = BRACKETED.fullmatch(text)
    if bracketed and text.count(":") > 1:
        return bracketed[1], _number(bracketed[2] or "")
    host, colon, digits = text.partition(":")
    if not colon or ":" in digits:
        return text, None
    return host, _number(digits)


def fault(text: str) -> str:
    """Say what is wrong with a `[user@]host[:port]`; "" if nothing is."""
    if "://" in text:
        return "is not reached by SSH: -H takes it"
    user, at, rest = text.rpartition("@")
    if at and not is_user(user):
        return "is no user"
    host, number = port(rest)
    if not is_host(host):
        return "is no host"
    return NO_PORT if number is None and host != rest.strip("[]") else ""


def _number(digits: str) -> int | None:
    plain = digits.isascii() and digits.isdigit() and len(digits) <= len(str(LAST_PORT))
    return int(digits) if plain and 1 <= int(digits) <= LAST_PORT else None


def expand(text: str) -> list[str]:
    """Give the names that a text with ranges means.

    Raises:
        ValueError: It is no range, or means too many. The message says why.
    """
    if BRACKETED.fullmatch(text.rpartition("@")[2]):
        return [text]
    names = list(islice(_expanded(text), MOST + 1))  # ranges multiply
    if len(names) > MOST:
        raise ValueError(f"a range has {MOST} hosts at most")
    return names


def _expanded(text: str) -> Iterator[str]:
    found = RANGE.search(text)
    if found is None:
        yield text
        return
    for item in _items(found[1], found[2], int(found[3] or 1)):
        for rest in _expanded(text[found.end() :]):
            yield text[: found.start()] + item + rest


def _items(first: str, last: str, step: int) -> Iterator[str]:
    if step < 1:
        raise ValueError("a range goes upwards")
    if first.isdigit() and last.isdigit():
        width = len(first) if first.startswith("0") else 0
        numbers = range(int(first), int(last) + 1, step)
    elif len(first) == len(last) == 1 and first.isalpha() and last.isalpha():
        width = -1
        numbers = range(ord(first), ord(last) + 1, step)
    else:
        raise ValueError("a range is [01:20] or [a:f]")
    if not numbers:
        raise ValueError("a range goes upwards")
    for number in numbers:
        yield chr(number) if width < 0 else f"{number:0{width}d}"

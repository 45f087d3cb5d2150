"""Procfiles: a name and a command in each line, as honcho and foreman read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*)")


class Entry(NamedTuple):
    line: int
    name: str
    command: str


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Give the processes in their order; where lines end, honcho and foreman do not agree."""
    for number, line in enumerate(lines, 1):
        if match := _LINE.match(line):
            yield Entry(number, match[1], match[2])

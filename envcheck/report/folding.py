"""Names of many hosts in few words: `web-[1:20]` as Ansible writes it, which `--limit` takes as well."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

FEWEST = 3  # a range of two is no shorter

NUMBER = re.compile(r"\d+")
LONGEST = 9  # digits: what is longer is no number that anybody counts with


class _Place(NamedTuple):
    """A name without one of its numbers."""

    before: str
    after: str


def fold(names: Iterable[str]) -> list[str]:
    """Write names as few ranges, in the order of their numbers; each name once."""
    known = list(dict.fromkeys(names))
    places = {name: list(_places(name)) for name in known}
    common = Counter(place for found in places.values() for place, _ in found)
    families: dict[_Place | str, list[str]] = {}
    for name, found in places.items():
        # The number that counts is the one in which most of the others differ: of equals, the last one.
        best = max(reversed(found), key=lambda pair: common[pair[0]], default=None)
        families.setdefault(best[0] if best and common[best[0]] > 1 else name, []).append(
            best[1] if best and common[best[0]] > 1 else name
        )
    return [
        text
        for place, found in families.items()
        for text in ([place] if isinstance(place, str) else _ranges(place, found))
    ]


def _places(name: str) -> Iterator[tuple[_Place, str]]:
    for found in NUMBER.finditer(name):
        if len(found[0]) <= LONGEST:
            yield _Place(name[: found.start()], name[found.end() :]), found[0]


def _ranges(place: _Place, numbers: Sequence[str]) -> Iterator[str]:
    run: list[str] = []
    for number in [*sorted(numbers, key=lambda text: (len(text), text) if text[0] != "0" else (0, text)), ""]:
        if run and number != _next(run):
            first, last = run[0], run[-1]
            if len(run) >= FEWEST:
                yield f"{place.before}[{first}:{last}]{place.after}"
            else:
                yield from (f"{place.before}{one}{place.after}" for one in run)
            run = []
        run.append(number)


def _next(run: Sequence[str]) -> str:
    width = len(run[0]) if run[0].startswith("0") else 0
    return f"{int(run[-1]) + 1:0{width}d}"

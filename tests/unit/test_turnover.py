"""Workers that end as soon as they have started are told from those that a reload replaces."""

from __future__ import annotations

import build
import pytest

from envcheck import turnover
from envcheck.model import Server
from envcheck.servers.grouping import servers

MASTER = 10


def looks(text: str) -> list[frozenset[int]]:
    """Read looks like `ab . c`: a letter for every worker, a dot where none was there."""
    return [frozenset(ord(c) for c in word if c != ".") for word in text.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        (". . .", 0),
        ("ab ab ab", 0),
        ("ab cd cd cd", 1),  # a reload
        ("ab . cd cd", 1),
        ("ab bc cd cd", 1),  # one after the other
        ("a b c d", 3),
        ("a a a b b b c", 2),  # slow to fail
        ("a . b . a", 2),
    ],
)
def test_replacements(text: str, expected: int) -> None:
    assert turnover.replacements(looks(text)) == expected


def group(workers: frozenset[int], age: float, of_master: float) -> list[Server]:
    made = [build.gunicorn(pid, MASTER, started=build.NOW - age) for pid in workers]
    return list(servers([build.gunicorn(MASTER, started=build.NOW - of_master), *made]))


@pytest.mark.parametrize(
    ("text", "ages", "expected", "asked"),
    [
        ("a b c", (1, 100), (MASTER,), 2),
        ("a a b b b c", (1, 100), (MASTER,), 5),
        ("a b", (1, 100), (), turnover.MORE),  # reloaded while it was looked at
        ("a a", (1, 100), (), turnover.LOOKS),
        ("a b c", (turnover.YOUNG + 1, 100), (), 0),  # not young
        ("a b c", (1, 1.5), (), 0),  # as old as their master
        (". a . b . c", (1, 100), (MASTER,), 5),
    ],
)
def test_looping(
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    ages: tuple[float, float],
    expected: tuple[int, ...],
    asked: int,
) -> None:
    """It is looked at no longer than it takes to tell; the last look stands for all later ones."""
    monkeypatch.setattr(turnover, "PAUSE", 0.0)
    first, *later = looks(text)
    calls = iter(range(1000))

    def again() -> list[Server]:
        return group(later[min(next(calls), len(later) - 1)], *ages)

    assert turnover.looping(group(first, *ages), build.NOW, again) == expected
    assert next(calls) == asked

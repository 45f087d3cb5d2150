"""Workers that end as soon as they have started are told from those that a reload replaces."""

from __future__ import annotations

import build
import pytest

from envcheck import turnover
from envcheck.model import Server
from envcheck.servers.grouping import servers

MASTER = 10


def looks(text: str) -> list[turnover.Look]:
    """Read looks like `ab . +c`: a letter for every worker, a dot where none was there, + where one ended."""
    words, reaped, found = text.split(), 0, list[turnover.Look]()
    for word in words:
        reaped += word.count("+")
        found.append(turnover.Look(frozenset(ord(c) for c in word if c not in ".+"), reaped))
    return found


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (". +. +. +.", 3),
        ("a +. ++b +c", 3),
        ("a a a", 0),
        ("ab +b +cd cd", 0),  # a reload, one worker after the other
        ("ab +. +cd cd", 0),  # a reload, at once
        ("ab +ac +cd", 0),  # after so many requests
        ("ab +b +.", 1),  # TTOU, until there is none
        (". . .", 0),  # and then
        (". a a", 0),  # a start
        ("+. a +. +.", 2),
    ],
)
def test_row(text: str, expected: int) -> None:
    assert turnover.row(looks(text)) == expected


def group(look: turnover.Look, age: float, of_master: float) -> list[Server]:
    made = [build.gunicorn(pid, MASTER, started=build.NOW - age) for pid in look.workers]
    master = build.gunicorn(MASTER, started=build.NOW - of_master, reaped=look.reaped)
    return list(servers([master, *made]))


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
        (". +. +. +.", (1, 100), (MASTER,), 3),
        ("a a +. +. +.", (1, 100), (MASTER,), 4),
        ("ab +. +cd cd", (1, 100), (), turnover.MORE),  # reloaded while it was looked at
        (". .", (1, 100), (), turnover.LOOKS),  # of its own will
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

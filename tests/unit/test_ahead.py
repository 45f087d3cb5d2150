"""What is begun before it is wanted: it is had where it is wanted, and nothing is left of it where not."""

from __future__ import annotations

import threading

import pytest

from envcheck.hosts.ahead import Ahead
from envcheck.hosts.deadline import Deadline


def test_what_was_made_is_had() -> None:
    undone: list[int] = []
    assert Ahead(Deadline(9, 9), lambda: 7, undone.append).result() == 7
    assert undone == []


def test_what_failed_fails_where_it_is_wanted() -> None:
    def fail() -> int:
        raise ValueError("so it goes")

    with pytest.raises(ValueError, match="so it goes"):
        Ahead(Deadline(9, 9), fail, print).result()


@pytest.mark.parametrize("late", [False, True])
def test_what_nobody_wants_is_undone(*, late: bool) -> None:
    """Whether it is made by then or not."""
    go, done = threading.Event(), threading.Event()
    undone: list[int] = []

    def make() -> int:
        go.wait(9)
        return 7

    def undo(made: int) -> None:
        undone.append(made)
        done.set()

    made = Ahead(Deadline(9, 9), make, undo)
    if not late:
        go.set()
        assert made.result() == 7
    made.drop()
    go.set()

    assert done.wait(9)
    assert undone == [7]

"""A host is let go of while what was seen of it is judged."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from envcheck.cli.looking import looked_at
from envcheck.errors import HostError
from envcheck.hosts import ActingHost, Answer, Request


class Slow:
    """A host that takes its leave only when it is told to."""

    name = "slow"

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.closed = False

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        return [{} for _ in requests]

    def acting(self) -> ActingHost:
        raise NotImplementedError

    def rest(self) -> None:
        pass

    def close(self) -> None:
        self.closed = self.may_go.wait(9)


def test_what_was_seen_is_had_before_the_host_has_left() -> None:
    host = Slow()
    with looked_at(host, lambda _host: "seen") as seen:
        assert (seen, host.closed) == ("seen", False)
        host.may_go.set()
    assert host.closed


def test_what_fails_meanwhile_leaves_nothing() -> None:
    host = Slow()
    host.may_go.set()
    with pytest.raises(ZeroDivisionError), looked_at(host, lambda _host: "seen"):
        raise ZeroDivisionError
    assert host.closed


@pytest.mark.parametrize("wrong", [HostError("closed", "connecting", "gone"), SystemExit(130)])
def test_a_host_that_cannot_be_looked_at_is_let_go_of(wrong: BaseException) -> None:
    host = Slow()
    host.may_go.set()

    def look(_host: object) -> str:
        raise wrong

    with pytest.raises(type(wrong)), looked_at(host, look):
        pass
    assert host.closed

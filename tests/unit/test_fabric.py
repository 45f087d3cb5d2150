"""The stream itself, without a host at its other end."""

from __future__ import annotations

import threading

import pytest
from live.harness import wait_for

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.fabric import FabricStream
from envcheck.hosts.sockets import LONGEST, Heard


def test_a_watchdog_that_barks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes before the stream is whole, and no thread fails for that."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    before = set(threading.enumerate())

    for _ in range(100):
        with pytest.raises(HostError) as caught:
            FabricStream([], "true", Deadline(0, 0))
        assert caught.value.status == "timed-out"
    wait_for(lambda: set(threading.enumerate()) <= before, "a thread stays")

    assert failed == []


class Talker:
    """What a host says, in pieces of any size."""

    timeout = 5

    def __init__(self, said: bytes) -> None:
        self.said = said

    def recv(self, size: int) -> bytes:
        piece, self.said = self.said[:size], self.said[size:]
        return piece


def heard_of(heard: Heard) -> bytes:
    return b"".join(iter(lambda: heard.recv(4), b""))


def test_what_is_said_first_is_heard() -> None:
    said = b"welcome\r\nSSH-2.0-x\r\n"
    heard = Heard(Talker(said + b"y" * 2 * LONGEST))

    assert heard_of(heard) == said + b"y" * 2 * LONGEST
    assert heard.first == said
    assert heard.timeout == 5


@pytest.mark.parametrize("line", [b"x", b"x\n", b"SSH-", b" SSH-2.0-x\n"])
def test_a_banner_that_does_not_come(line: bytes) -> None:
    heard = Heard(Talker(line * 2 * LONGEST))

    with pytest.raises(OSError, match="no banner"):
        heard_of(heard)
    assert len(heard.first) <= LONGEST + 4

"""The stream itself, without a host at its other end."""

from __future__ import annotations

import threading

import pytest

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.fabric import FabricStream


def test_a_watchdog_that_barks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes before the stream is whole, and no thread fails for that."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    before = set(threading.enumerate())

    for _ in range(100):
        with pytest.raises(HostError) as caught:
            FabricStream([], "true", Deadline(0, 0))
        assert caught.value.status == "timed-out"
    for thread in set(threading.enumerate()) - before:
        thread.join()

    assert failed == []

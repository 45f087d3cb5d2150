"""Hosts that fail, at the first attempt and at those after it: nothing of them stays open here."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from live.harness import wait_for

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.process import ProcessStream, Program
from envcheck.hosts.remote import Remote, Timing
from envcheck.probe.scan import children

# What sh does instead of the program that is asked for, at each attempt; the state of the host; attempts.
KINDS: list[tuple[list[str], str, int]] = [
    (["exit 75", "exit 75"], "throttled", 2),
    (["exit 75", "echo nonsense; exit 9", "exit 9"], "no-answer", 3),
    (["exit 127", "exit 127"], "no-python", 2),
    (["exit 127", "cat >/dev/null & exit 3"], "no-python", 2),
    (["echo This account is not available.; exit 1"] * 2, "no-shell", 2),
    (["exec cat"], "timed-out", 1),
    (["exec yes"], "oversized", 1),
]
BUSY = 75


class Failing:
    """Starts commands of this machine in place of what is asked for."""

    sudo = False
    hint = ""
    patience = 0.2

    def __init__(self, name: str, commands: Sequence[str]) -> None:
        self.name = name
        self.left = list(commands)
        self.attempts = 0
        self.threads: list[threading.Thread] = []

    def start(self, program: Sequence[str], deadline: Deadline) -> ProcessStream:
        del program
        self.attempts += 1
        self.threads.append(threading.current_thread())
        argv = ("sh", "-c", self.left.pop(0))
        return ProcessStream(Program(argv, _explain, HostError("absent", "", ""), self.patience), deadline)


def _explain(code: int | None, _stderr: str) -> HostError | None:
    return HostError("throttled", "connecting", "it is busy") if code == BUSY else None


def test_nothing_of_failing_hosts_stays_open() -> None:
    before = opened()
    hosts: list[Remote] = []  # held, so that nothing is closed by forgetting it
    for number in range(21):
        commands, status, attempts = KINDS[number % len(KINDS)]
        way = Failing(f"host{number}", commands)
        hosts.append(Remote(way, Timing(1.0, 1.5), lambda _text: None))
        with pytest.raises(HostError) as caught:
            hosts[-1].ask([{"op": "host"}])
        assert (caught.value.status, way.attempts) == (status, attempts), commands
        assert opened() == before, commands


def test_patience_with_what_has_answered_nothing_ends_soon() -> None:
    way = Failing("host", ["exec sleep 600"])
    way.patience = 3.0  # as an engine is given to tidy up
    began = time.monotonic()
    with pytest.raises(HostError, match="was over"):
        Remote(way, Timing(0.3, 0.3), lambda _text: None).ask([{"op": "host"}])
    assert time.monotonic() - began < 1.3
    assert not children(os.getpid())


def test_the_first_question_is_put_before_anything_else_is_done(tmp_path: Path) -> None:
    """Where a command here reaches the host, which has not to be waited for."""
    heard = tmp_path / "heard"
    way = Failing("host", [f"cat >{heard}"])
    host = Remote(way, Timing(9.0, 9.0), lambda _text: None)
    try:
        host.hasten([{"op": "host"}])

        assert way.threads == [threading.main_thread()]
        wait_for(lambda: heard.exists() and b'"op": "host"' in heard.read_bytes(), "nothing was asked")
    finally:
        host.close()


class Absent(Failing):
    """Cannot even be started."""

    error = HostError("absent", "connecting", "there is no such program")

    def start(self, program: Sequence[str], deadline: Deadline) -> ProcessStream:
        del program, deadline
        self.attempts += 1
        raise self.error


def test_a_host_that_cannot_be_reached_is_told_so_once() -> None:
    """What goes wrong with a question that was put early, its asking tells; it is not put again."""
    way = Absent("host", [])
    host = Remote(way, Timing(9.0, 9.0), lambda _text: None)
    host.hasten([{"op": "host"}])
    with pytest.raises(HostError) as caught:
        host.ask([{"op": "host"}])
    assert (caught.value, way.attempts) == (way.error, 1)


def opened() -> tuple[int, int]:
    """How many descriptors and threads this process has."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208

"""A host that takes too long to be judged is one that could not be judged; time of others does not count."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from envcheck.cli import judging
from envcheck.model import App, Expectation, HostReport, Match, Report, Spec

EVIL = "^(a+)+$"
FINE = Report((HostReport("web-1", "ok", (), ()),), 0)
PATTERN = Spec("/spec", (App("shop", (), (), (Expectation("EVIL", "pattern", pattern=EVIL),)),))
COMMAND_LINE = Spec("/spec", (App("shop", (Match(cmdline=(EVIL,)),), (), ()),))
PLAIN = Spec("/spec", (App("shop", (Match(cwd=("/srv/*",)),), (), (Expectation("PORT", "required"),)),))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "JUDGING", 0.3)


def forever() -> Report:
    re.search(EVIL, "a" * 40 + "b")
    return FINE


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (PATTERN, "a pattern of the spec"),
        (COMMAND_LINE, "a pattern of the spec"),
        (PLAIN, "it"),
        (None, "it"),
    ],
)
def test_what_takes_too_long_is_the_state_of_that_host(spec: Spec | None, why: str) -> None:
    bounds = judging.Bounds(spec)
    found = bounds.judged("web-1", forever)

    [host] = found.hosts
    assert (host.name, host.status, found.exit_code) == ("web-1", "unjudged", 3)
    assert host.gaps[0].why == f"{why} took more than 0.3 seconds of processor time"
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert bounds.judged("web-2", lambda: FINE) is FINE  # the next one


def test_neither_the_clock_nor_other_threads_count() -> None:
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()

    def waiting() -> Report:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            time.sleep(0.01)
        return FINE

    try:
        assert judging.Bounds(PATTERN).judged("web-1", waiting) is FINE
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_fault_beneath_is_no_way_out() -> None:
    """What takes any exception for a fault of a source must not swallow that the time is over."""

    def guarded() -> Report:
        try:
            return forever()
        except Exception:  # noqa: BLE001
            return FINE

    assert judging.Bounds(None).judged("web-1", guarded).exit_code == 3


def test_many_of_them_take_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "LEAST", 0.1)
    bounds = judging.Bounds(PATTERN)
    began = time.thread_time()

    whys = [bounds.judged(f"web-{i}", forever).hosts[0].gaps[0].why for i in range(4)]

    assert [why.split()[8] for why in whys] == ["0.3", "0.15", "0.1", "0.1"]
    assert time.thread_time() - began < 10  # on a machine that has other things to do too

"""One host after another: the first alone, and none after one that did not end well."""

from __future__ import annotations

import threading
from collections.abc import Callable

import build
import pytest

from envcheck.judge import judge
from envcheck.model import HostReport, Outcome, Report, Result
from envcheck.rolling import Turn, order, roll

PATIENCE = 10.0


def report(name: str, code: int = 0) -> Report:
    return Report((HostReport(name, "ok", (), ()),), code)


def nobody(code: int) -> None:
    raise AssertionError(code)


def turns(run: Callable[[str], int], count: int) -> list[Turn]:
    def made(name: str) -> Turn:
        return Turn(report(name), lambda: report(name, run(name)), nobody)

    return [made(str(i)) for i in range(count)]


@pytest.mark.parametrize("parallel", [1, 2])
def test_the_first_that_fails_stops_those_after_it(parallel: int) -> None:
    ran: list[str] = []

    def run(name: str) -> int:
        ran.append(name)
        return 4 * (name == "0")

    found = roll(turns(run, 4), parallel)

    assert ran == ["0"]
    assert found.exit_code == 4
    assert [host.name for host in found.hosts] == ["0", "1", "2", "3"]


def test_the_first_is_alone_and_then_there_are_so_many() -> None:
    together = threading.Barrier(3, timeout=PATIENCE)
    alone: list[int] = []

    def run(name: str) -> int:
        if name == "0":
            alone.append(threading.active_count())
        else:
            together.wait()
        return 0

    before = threading.active_count()
    assert roll(turns(run, 7), 3).exit_code == 0
    assert alone == [before]


def test_a_host_with_nothing_to_do_shows_nothing() -> None:
    """The next one is alone: it is the first that is restarted."""
    [app] = judge(build.snapshot(build.gunicorn(10)), None, [], build.OPEN).hosts[0].apps
    idle = app._replace(outcome=Outcome(Result.NOTHING_TO_DO, 0))
    ran: list[str] = []

    def made(name: str) -> Turn:
        apps = (idle,) if name in "01" else ()

        def run() -> Report:
            ran.append(name)
            return Report((HostReport(name, "ok", (), apps),), 4 * (name == "2"))

        return Turn(report(name), run, nobody)

    found = roll([made(str(i)) for i in range(6)], 3)

    assert ran == ["0", "1", "2"]
    assert found.exit_code == 4


def test_what_has_begun_comes_to_its_end() -> None:
    """Two are at it; one fails, the other is not cut off, and no third one begins."""
    failed, ran = threading.Event(), list[str]()

    def run(name: str) -> int:
        ran.append(name)
        if name == "1":
            failed.set()
            return 4
        if name == "2":
            assert failed.wait(PATIENCE)
        return 5 * (name == "2")

    found = roll(turns(run, 5), 2)

    assert set(ran) == {"0", "1", "2"}
    assert found.exit_code == 4  # begun, and not verified: worse than refused


def test_a_bug_in_a_turn_is_not_swallowed() -> None:
    def run(name: str) -> int:
        if name == "2":
            raise KeyError(name)
        return 0

    with pytest.raises(KeyError):
        roll(turns(run, 3), 2)


def test_the_canary_goes_first() -> None:
    assert order(["a", "b", "c"], "b") == ["b", "a", "c"]
    assert order(["a", "b", "c"], None) == ["a", "b", "c"]

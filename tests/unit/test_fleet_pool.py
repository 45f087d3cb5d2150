"""The pool: bounded, results as they come, a deadline from outside, nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from envcheck.errors import HostError
from envcheck.hosts import ActingHost, Answer, Request
from envcheck.hosts.fleet import WAITING, Fleet

PATIENCE = 10.0


class Fake:
    """A host whose work waits for an event: faults that no real host can be made to have at will."""

    def __init__(self, name: str, *, closes: bool = True) -> None:
        self.name = name
        self.go = threading.Event()
        self.closed = threading.Event()
        self.closes = closes

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        raise NotImplementedError

    def rest(self) -> None:
        raise NotImplementedError

    def acting(self) -> ActingHost:
        raise NotImplementedError

    def close(self) -> None:
        self.closed.set()
        if self.closes:
            self.go.set()


def quick(host: object) -> str:
    return str(getattr(host, "name", ""))


def held(host: object) -> str:
    assert isinstance(host, Fake)
    assert host.go.wait(PATIENCE)
    return host.name


def values(fleet: Fleet[str]) -> list[str]:
    return [str(result.value) for result in fleet.results() if result is not None]


def test_each_host_once() -> None:
    hosts = [Fake(f"web-{i}") for i in range(200)]

    assert sorted(values(Fleet(hosts, quick, parallel=32, timeout=5))) == sorted(h.name for h in hosts)


def test_no_more_at_once_than_allowed() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def count(host: object) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1
        return quick(host)

    values(Fleet([Fake(str(i)) for i in range(60)], count, parallel=4, timeout=5))

    assert 1 < most <= 4


def test_results_come_while_others_are_held() -> None:
    slow = Fake("slow")

    def look(host: object) -> str:
        return held(host) if host is slow else quick(host)

    fleet = Fleet([slow, *(Fake(f"web-{i}") for i in range(20))], look, parallel=2, timeout=PATIENCE)
    seen: list[str] = []
    for result in fleet.results():
        if result is not None:
            seen.append(str(result.value))
        if len(seen) == 20:
            assert [name for name, _ in fleet.slow(0)] == ["slow"]
            slow.go.set()

    assert seen[-1] == "slow"
    assert len(seen) == 21


@pytest.mark.parametrize("closes", [True, False])
def test_a_host_that_does_not_end_is_given_up_and_delays_nobody(*, closes: bool) -> None:
    hung = [Fake(f"hung-{i}", closes=closes) for i in range(3)]
    hosts = [*hung, *(Fake(f"web-{i}") for i in range(10))]
    began = time.monotonic()

    def look(host: object) -> str:
        return held(host) if host in hung else quick(host)

    results = [r for r in Fleet(hosts, look, parallel=3, timeout=0.2).results() if r is not None]

    failed = {r.host.name: r.value for r in results if isinstance(r.value, HostError)}
    assert set(failed) == {"hung-0", "hung-1", "hung-2"}
    assert {str(error.status) for error in failed.values() if isinstance(error, HostError)} == {"timed-out"}
    assert len(results) == 13
    assert all(host.closed.is_set() for host in hung)
    assert time.monotonic() - began < 5
    for host in hung:
        host.go.set()


def test_an_error_is_a_result() -> None:
    def fail(host: object) -> str:
        raise HostError("refused", "connecting", quick(host))

    [result] = [r for r in Fleet([Fake("web-1")], fail, parallel=8, timeout=5).results() if r]

    assert isinstance(result.value, HostError)


def test_who_stops_listening_lets_go_of_all() -> None:
    hosts = [Fake(f"web-{i}") for i in range(50)]
    before = set(threading.enumerate())
    fleet: Fleet[str] = Fleet(hosts, held, parallel=8, timeout=PATIENCE)
    results = fleet.results()

    assert next(results) is None
    results.close()  # type: ignore[attr-defined]

    assert sum(host.closed.is_set() for host in hosts) == 8  # the others were never begun
    assert not set(threading.enumerate()) - before


def test_no_thread_stays() -> None:
    before = set(threading.enumerate())
    values(Fleet([Fake(str(i)) for i in range(100)], quick, parallel=16, timeout=5))

    end: Callable[[], bool] = lambda: not set(threading.enumerate()) - before  # noqa: E731
    assert end()


def test_a_host_that_cannot_be_closed_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Fake):
        def close(self) -> None:
            super().close()
            raise AttributeError("closed in the midst of something")

    [result] = [r for r in Fleet([Broken("web-1")], held, parallel=1, timeout=0.1).results() if r]

    assert isinstance(result.value, HostError)
    assert capsys.readouterr().err == ""


def test_no_more_are_begun_while_results_wait() -> None:
    """What was seen of a host is large, and whoever takes it may be slow."""
    begun: list[str] = []

    def look(host: object) -> str:
        begun.append(quick(host))
        return begun[-1]

    fleet = Fleet([Fake(f"web-{i}") for i in range(50)], look, parallel=4, timeout=PATIENCE)
    taken = 0
    for result in fleet.results():
        if result is not None:
            taken += 1
            time.sleep(0.01)
            assert len(begun) <= taken + 4 + WAITING

    assert taken == 50

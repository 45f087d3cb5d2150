"""The loop of `check --wait` and of a restart: when it is satisfied, when it gives up, how much it looks."""

from __future__ import annotations

from collections.abc import Iterator

import build

from envcheck import spec as specs
from envcheck import waiting
from envcheck.judge import judge
from envcheck.model import HostReport, Process, Report, Severity
from envcheck.secrecy import Policy
from envcheck.waiting import Look, Patience, wait

NOTHING = Report((), 0)
SPEC = b"apps: {shop: {match: {cwd: /srv/shop}, env: {COLOUR: red}}}"
BRISK = 0.9


def looks(*wrong: str, processes: Iterator[int] | None = None) -> Iterator[Look]:
    """Give what is wrong, look by look; the last one for ever."""
    for text in wrong:
        yield Look(NOTHING, text, frozenset({(next(processes) if processes else 1, 1)}))
    while True:
        yield Look(NOTHING, wrong[-1], frozenset({(next(processes) if processes else 1, 1)}))


def test_all_is_well_at_once() -> None:
    seen = looks("")
    last, wrong = wait(lambda: next(seen), Patience(5), print)
    assert (last.wrong, wrong) == ("", "")


def test_it_waits_until_all_is_well_and_tells_each_change_once() -> None:
    told: list[str] = []
    seen = looks("stale", "stale", "no workers", "")
    _, wrong = wait(lambda: next(seen), Patience(30, share=BRISK), told.append)
    assert (wrong, told) == ("", ["stale", "no workers"])


def test_the_time_is_over() -> None:
    seen = looks("stale")
    last, wrong = wait(lambda: next(seen), Patience(0.25, share=BRISK), lambda _: None)
    assert (last.wrong, wrong) == ("stale", "stale")


def test_no_time_at_all_is_one_look() -> None:
    count = iter(range(9))
    wait(lambda: Look(NOTHING, str(next(count)), frozenset()), Patience(0), print)
    assert next(count) == 1


def test_workers_that_come_and_go_are_not_stable() -> None:
    pids = iter(range(10**6))
    seen = looks("", processes=pids)
    _, wrong = wait(lambda: next(seen), Patience(0.5, 0.3, BRISK), lambda _: None)
    assert "the same processes have not run for 0.3 s" in wrong


def test_what_stays_well_is_stable() -> None:
    seen = looks("stale", "")
    _, wrong = wait(lambda: next(seen), Patience(30, 0.3, BRISK), lambda _: None)
    assert wrong == ""


def test_a_dear_look_leaves_time_to_settle() -> None:
    """One that costs more than its share of all the time that there is."""
    seen = looks("stale", "stale", "")
    _, wrong = wait(lambda: next(seen), Patience(3, 0.5, share=1e-9), lambda _: None)
    assert wrong == ""


def judged(*processes: Process) -> str:
    report = judge(build.snapshot(*processes), specs.load(SPEC, "/spec.yaml"), [], Policy(bytes(32)))
    return waiting.judged(report, Severity.ERROR).wrong


def worker(pid: int, parent: int, colour: str = "red") -> Process:
    return build.gunicorn(pid, parent, at_exec={"COLOUR": colour})


def test_what_is_wrong() -> None:
    master = build.gunicorn(10, at_exec={"COLOUR": "red"})
    new = build.gunicorn(20, 10, at_exec={"COLOUR": "red"}, caught=build.GUNICORN_MASTER, image="two")

    assert judged(master, worker(11, 10)) == ""
    assert judged(master) == "shop has no workers"
    assert judged(master, worker(11, 10, "blue")) == "shop is unexplained in 1 of 2 processes"
    assert judged(master, worker(11, 10), new) == "shop still has an old generation"
    assert judged() == "no running server is meant by app shop"


def test_of_many_hosts_each_reason_is_told_once_with_their_names() -> None:
    report = judge(build.snapshot(build.gunicorn(10)), specs.load(SPEC, "/spec.yaml"), [], build.OPEN)
    [host] = report.hosts
    same = [host._replace(name=f"web-{number}") for number in range(5)]
    dead = HostReport("db", "unreachable", (), ())

    seen = waiting.judged(Report((*same, dead), 1), Severity.ERROR)

    assert seen.wrong == (
        "shop is unexplained in 1 of 1 processes on web-0, web-1, web-2 and 2 more; "
        "not looked at (unreachable) on db"
    )

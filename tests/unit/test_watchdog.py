"""One thread for all deadlines: each step is done in time, once, unless it is called off."""

from __future__ import annotations

import threading
import time

from envcheck.hosts import watchdog


def test_steps_are_done_in_the_order_of_their_times() -> None:
    done: list[str] = []
    last = threading.Event()
    watchdog.watch(0.2, last.set)
    for name, seconds in (("second", 0.1), ("first", 0.02)):
        watchdog.watch(seconds, lambda name=name: done.append(name))  # type: ignore[misc]

    assert last.wait(9)
    assert done == ["first", "second"]


def test_what_is_called_off_is_not_done() -> None:
    done: list[int] = []
    last = threading.Event()
    calm = watchdog.watch(0.05, lambda: done.append(1))
    calm()
    calm()
    watchdog.watch(0.1, last.set)

    assert last.wait(9)
    assert done == []


def test_a_step_that_hangs_holds_nobody_up() -> None:
    go, last = threading.Event(), threading.Event()
    watchdog.watch(0, go.wait)
    began = time.monotonic()
    watchdog.watch(0.05, last.set)

    assert last.wait(9)
    assert time.monotonic() - began < 5
    go.set()


def test_no_thread_stays() -> None:
    calm = watchdog.watch(60, print)
    assert "watchdog" in {thread.name for thread in threading.enumerate()}
    calm()
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(9)

    assert "watchdog" not in {thread.name for thread in threading.enumerate()}

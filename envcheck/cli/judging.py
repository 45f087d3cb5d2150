"""Judge one host within bounds: what goes over them is the loss of that host, and of no other."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from envcheck.errors import EnvcheckError
from envcheck.model import Gap, HostReport, Report, Spec

UNJUDGED = "unjudged"
JUDGING = 5.0  # seconds of processor time, for one host
AGAIN = 0.5  # seconds of processor time between further looks


class OverTimeError(BaseException):
    """The time is over. It may come at any place, and nothing on its way out is to take it for a fault."""


def within(judge: Callable[[], Report], host: str, spec: Spec | None) -> Report:
    """Judge; a host for which the time is not enough is reported as such."""
    try:
        with deadline(JUDGING):
            return judge()
    except OverTimeError:
        gap = Gap("judging it", *_why(spec))
        return Report((HostReport(host, UNJUDGED, (gap,), ()),), EnvcheckError.exit_status)


def _why(spec: Spec | None) -> tuple[str, str]:
    took = f"took more than {JUDGING:g} seconds of processor time"
    if _has_patterns(spec):
        return f"a pattern of the spec {took}", "look for nested repeats, as in (a+)+"
    return f"it {took}", "name what is meant: a pid, an app, cwd:PATH"


def _has_patterns(spec: Spec | None) -> bool:
    """Tell whether there is a regular expression in it: only those can take for ever."""
    apps = spec.apps if spec else ()
    ruled = any(rule.pattern for app in apps for rule in (*app.expectations, *app.patterns))
    return ruled or any(match.cmdline for app in apps for match in app.matches)


@contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Bound the processor time of this thread: the engine of `re` looks for signals while it searches.

    On a busy machine, and beside the threads that look at other hosts, the time of the clock says nothing of
    a pattern. The timer counts for the whole process, so it is never late, but early: it is asked whose time
    that was.

    Raises:
        OverTimeError: The time is over.
    """
    end = time.thread_time() + seconds

    def look(_number: int, _frame: object) -> None:
        if time.thread_time() >= end:
            raise OverTimeError

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

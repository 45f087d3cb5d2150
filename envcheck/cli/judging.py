"""Judge one host within bounds: what goes over them is the loss of that host, and of no other."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from envcheck.errors import EnvcheckError
from envcheck.model import Gap, HostReport, Report, Snapshot, Spec
from envcheck.report.grouping import UNJUDGED

JUDGING = 5.0  # seconds of processor time, for one host
LEAST = 0.5  # of them, after hosts for which they were not enough
AGAIN = 0.5  # seconds of processor time between further looks


class OverTimeError(BaseException):
    """The time is over. It may come at any place, and nothing on its way out is to take it for a fault."""


class Bounds:
    """Judges hosts by a spec. After each for which the time was not enough, there is half of it for the next:
    while a pattern is tried, no other host gets on, and what holds up one may well hold up many."""

    def __init__(self, spec: Spec | None) -> None:
        self.spec = spec
        self.seconds = JUDGING

    def concluded(self, seen: Snapshot | HostReport, judge: Callable[[Snapshot], Report]) -> Report:
        """Judge what was seen of a host, if it could be looked at."""
        if isinstance(seen, HostReport):
            return Report((seen,), EnvcheckError.exit_status)
        return self.judged(seen.host, lambda: judge(seen))

    def judged(self, host: str, judge: Callable[[], Report]) -> Report:
        """Judge; a host for which the time is not enough is reported as such."""
        try:
            with deadline(self.seconds):
                return judge()
        except OverTimeError:
            gap = Gap("judging it", *_why(self.spec, self.seconds))
            self.seconds = max(min(LEAST, self.seconds), self.seconds / 2)
            return Report((HostReport(host, UNJUDGED, (gap,), ()),), EnvcheckError.exit_status)


def _why(spec: Spec | None, seconds: float) -> tuple[str, str]:
    took = f"took more than {seconds:.2g} seconds of processor time"
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

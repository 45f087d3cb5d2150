"""Leaving on a signal: at once, wherever it strikes, and with everything cleaned up.

What is imported here is imported before anything can be interrupted.
"""

from __future__ import annotations

import signal
import sys
import time

TYPE_CHECKING = False  # `typing` takes longer to be imported than all that is needed here
if TYPE_CHECKING:
    from types import FrameType

SIGNALS = signal.SIGINT, signal.SIGTERM
SAME = 1.0  # seconds in which another signal says what the last one has said
SOON = 0.001  # seconds
BASE = 128

_obeyed: list[float] = []


def on_signals() -> None:
    """Exit from now on as a shell says it of a program that a signal has ended."""
    for number in SIGNALS:
        signal.signal(number, _leave)
    sys.unraisablehook = _swallowed


def in_any_case() -> None:
    """Ignore signals: what is left to be done takes a moment; interrupted, it would not be done."""
    for number in SIGNALS:
        # Not SIG_IGN: Python complains of one that has come already.
        signal.signal(number, lambda _number, _frame: None)


def _leave(number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _obeyed and now - _obeyed[-1] < SAME:
        return  # whoever has to clean up does
    _obeyed.append(now)
    raise SystemExit(BASE + number)


def _swallowed(what: sys.UnraisableHookArgs) -> None:
    """Try once more, and soon: what is raised in a callback, as one of a weak reference, ends nothing."""
    if not isinstance(what.exc_value, SystemExit):
        sys.__unraisablehook__(what)
        return
    number = int(what.exc_value.code or 0) - BASE
    _obeyed.clear()
    signal.signal(signal.SIGALRM, lambda _number, frame: _leave(number, frame))
    signal.setitimer(signal.ITIMER_REAL, SOON)

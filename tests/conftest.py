"""For all tests: signals do what they do where nobody has asked for anything else."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Take back what `nohup` and shells in their background ignore: children inherit it."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

"""How far a look at many hosts has come: a line on standard error that is drawn over, on a terminal only."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable

from envcheck.escaping import escape
from envcheck.model import HostReport, Report
from envcheck.report.grouping import word

PAUSE = 0.2  # seconds between two drawings
SLOW = 2.0  # seconds after which it is told of which host the answer is awaited
FEW = 3
CLEAR = "\r\x1b[K"


class Progress:
    """Counts hosts by how they are. With *verbose* each is told in a line of its own."""

    def __init__(self, total: int, *, verbose: bool) -> None:
        self.total = total
        self.verbose = verbose
        self.counts: Counter[str] = Counter()
        self.drawn = 0.0
        self.terminal = sys.stderr is not None and sys.stderr.isatty()

    def told(self, name: str, found: object) -> None:
        """Count a host."""
        how = _word(found)
        self.counts[how] += 1
        if self.verbose:
            self.clear()
            _write(f"envcheck: {escape(name)}: {how}{_why(found)}\n")

    def draw(self, slow: Callable[[float], list[tuple[str, float]]]) -> None:
        """Say how far it has come; *slow* gives the hosts that have taken longer than so many seconds."""
        now = time.monotonic()
        if not self.terminal or now - self.drawn < PAUSE:
            return
        self.drawn = now
        done = sum(self.counts.values())
        parts = [f"{done} of {self.total} hosts", *(f"{n} {how}" for how, n in self.counts.most_common())]
        waiting = slow(SLOW)
        if waiting:
            told = ", ".join(f"{escape(name)} ({seconds:.0f} s)" for name, seconds in waiting[:FEW])
            more = f" and {len(waiting) - FEW} more" if len(waiting) > FEW else ""
            parts.append(f"waiting for {told}{more}")
        _write(CLEAR + ("; ".join(parts))[: _columns() - 1])

    def clear(self) -> None:
        """Leave nothing of the line."""
        if self.terminal and self.drawn:
            _write(CLEAR)


def _word(found: object) -> str:
    if isinstance(found, Report):
        return word(found.hosts[0])
    return word(found) if isinstance(found, HostReport) else "seen"


def _why(found: object) -> str:
    host = found.hosts[0] if isinstance(found, Report) else found
    if not isinstance(host, HostReport) or host.looked:
        return ""
    return "".join(f": {escape(gap.what)}: {escape(gap.why)}" for gap in host.gaps)


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80


def _write(text: str) -> None:
    """Write to standard error; that it is closed, or full, changes nothing."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return

"""Moments as text: UTC, whole seconds, with `Z`. Durations from text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from envcheck.errors import UsageError

UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
# Seconds since the epoch: the years 1000 to 9999. A file can claim any time, and so can another host.
FIRST, LAST = -30610224000, 253402300799


def iso(moment: float) -> str:
    """Write a moment; one that has no such text is the nearest that has."""
    within = min(LAST, max(FIRST, moment))  # FIRST where it is no number at all
    return datetime.fromtimestamp(int(within), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(moment: float, today: float) -> str:
    """Give the time of day, with the date where it is not the day of *today*."""
    text = iso(moment)
    return text[11:] if text[:10] == iso(today)[:10] else text[:10] + " " + text[11:]


def duration(text: str) -> float:
    """Read a duration such as `1500ms`, `60s`, `2m` or `1.5h` into seconds; a plain number is seconds.

    Raises:
        UsageError: It is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|)", text, re.ASCII)
    if found is None:
        raise UsageError(f"'{text}' is no duration", "as in 500ms, 60s, 2m, 1h")
    return float(found[1]) * UNITS[found[2]]

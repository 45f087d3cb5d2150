"""Moments as text: UTC, whole seconds, with `Z`."""

from __future__ import annotations

from datetime import UTC, datetime

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

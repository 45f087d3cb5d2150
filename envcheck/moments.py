"""Moments as text: UTC, whole seconds, with `Z`."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(moment: float, today: float) -> str:
    """Give the time of day, with the date where it is not the day of *today*."""
    text = iso(moment)
    return text[11:] if text[:10] == iso(today)[:10] else text[:10] + " " + text[11:]

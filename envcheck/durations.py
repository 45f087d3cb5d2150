"""Durations from text."""

from __future__ import annotations

import re

from envcheck.errors import UsageError

UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Read a duration such as `1500ms`, `60s`, `2m` or `1.5h` into seconds; a plain number is seconds.

    Raises:
        UsageError: It is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|)", text, re.ASCII)
    if found is None:
        raise UsageError(f"'{text}' is no duration", "as in 500ms, 60s, 2m, 1h")
    return float(found[1]) * UNITS[found[2]]

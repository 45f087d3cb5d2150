"""Moments as text: whatever a file or a host claims."""

from __future__ import annotations

import re

import pytest

from envcheck.moments import iso


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (-1.5, "1969-12-31T23:59:59Z"),
        (253402300799.9, "9999-12-31T23:59:59Z"),
        (1e12, "9999-12-31T23:59:59Z"),
        (1e300, "9999-12-31T23:59:59Z"),
        (float("inf"), "9999-12-31T23:59:59Z"),
        (10**400, "9999-12-31T23:59:59Z"),
        (-1e13, "1000-01-01T00:00:00Z"),
        (float("-inf"), "1000-01-01T00:00:00Z"),
        (float("nan"), "1000-01-01T00:00:00Z"),
    ],
)
def test_every_number_has_a_text(moment: float, text: str) -> None:
    assert iso(moment) == text
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)

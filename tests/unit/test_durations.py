"""Durations as people write them."""

from __future__ import annotations

import pytest

from envcheck.durations import duration
from envcheck.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("2m", 120), ("1500ms", 1.5), ("1.5h", 5400), ("7", 7), ("0s", 0), ("0.25s", 0.25)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 s", "1d", "1m30s", "٣s", "1e3s", ".5s", "inf", "1s\n"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        duration(text)

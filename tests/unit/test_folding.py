"""Many names in few words: nothing is lost, and `--limit` takes it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.inventory.address import expand
from envcheck.report.folding import fold


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        (["web-1"], ["web-1"]),
        (["web-1", "web-2"], ["web-1", "web-2"]),
        (["web-2", "web-1", "web-3"], ["web-[1:3]"]),
        ([f"web-{i}" for i in range(8, 12)], ["web-[8:11]"]),
        ([f"web-{i:02d}" for i in range(8, 12)], ["web-[08:11]"]),
        (["web-1", "web-2", "web-3", "web-7", "db-1"], ["web-[1:3]", "web-7", "db-1"]),
        ([f"10.0.0.{i}:2222" for i in (1, 2, 3)], ["10.0.0.[1:3]:2222"]),
        ([f"127.0.0.1:{i}" for i in (2201, 2202, 2203)], ["127.0.0.1:[2201:2203]"]),
        (["gateway", "gateway"], ["gateway"]),
        ([f"web{i}.dc2.example" for i in (1, 2, 3)], ["web[1:3].dc2.example"]),
    ],
)
def test_fold(names: list[str], folded: list[str]) -> None:
    assert fold(names) == folded


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "a-", "", "b0"]), st.integers(0, 130), st.sampled_from(["", "0", "00"])
        ),
        max_size=40,
    )
)
def test_nothing_is_lost(parts: list[tuple[str, int, str]]) -> None:
    names = {f"{prefix}{zeros}{number}x" for prefix, number, zeros in parts}

    assert sorted(name for text in fold(sorted(names)) for name in expand(text)) == sorted(names)

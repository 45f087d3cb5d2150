"""The name of a DynamicUser=: vectors of systemd 252, and one of SipHash's authors."""

from __future__ import annotations

import pytest

from envcheck.supervisors.systemd.dynamic_user import name, siphash


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("shop", "shop"),
        ("a.b", "_dud645219be626ade9"),
        ("9x", "_du45a1d994fe1f683a"),
        ("waytoolongtobeausername-really-yes-it-is", "_du771cc0a819015724"),
    ],
)
def test_name(prefix: str, expected: str) -> None:
    assert name(prefix) == expected


def test_siphash() -> None:
    assert siphash(bytes(range(15)), bytes(range(16))) == 0xA129CA6149BE45E5

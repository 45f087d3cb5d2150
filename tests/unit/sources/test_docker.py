"""Docker's env files: the cases of docker's own tests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import environment, vectors

from envcheck.sources import dialect, docker


@pytest.mark.parametrize("case", vectors("docker_env_file.json")["cases"], ids=lambda case: case["id"])
def test_recorded(case: dict[str, Any]) -> None:
    parsed = docker.parse(case["input"].encode(), case.get("lookup", {}))
    assert parsed.refused == ("error" in case)
    assert [f"{name}={value}" for name, value in environment(parsed).items()] == case.get("expected", [])


def test_quotes_and_blanks_are_part_of_the_value() -> None:
    parsed = dialect("docker")(b"\xef\xbb\xbfA=\"x\" \r\nB='y'\n C=z # c\nHOST\n", {})
    assert environment(parsed) == {"A": '"x" ', "B": "'y'", "C": "z # c"}
    assert [problem.line for problem in parsed.problems] == [2, 3, 4]


@given(st.binary())
def test_never_raises(content: bytes) -> None:
    parsed = docker.parse(content, {"A": "1"})
    assert parsed.assignments == () or not parsed.refused

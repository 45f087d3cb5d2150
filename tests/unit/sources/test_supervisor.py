"""`environment=` of supervisord: recorded cases, and the real parser on generated values."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import environment, seeded, vectors
from unit.supervisors.real import real

from envcheck.sources import dialect, supervisor

CASES = vectors("supervisor_environment.json")["dict_of_key_value_pairs"]
PIECES = [
    "A",
    "B2",
    "_x",
    "a-b",
    "=",
    "=",
    "=",
    ",",
    ",",
    '"',
    "'",
    " ",
    "\n",
    "#",
    "x y",
    "$",
    "\\",
    "/.+-():",
    "é",
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recorded(case: dict[str, Any]) -> None:
    parsed = supervisor.parse(case["input"].encode(), {})
    assert parsed.refused == ("error" in case)
    assert environment(parsed) == case.get("expected", {})


def _generated(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 14)))
    quotes = ['"%s"', "'%s'", "%s"]
    pairs = (
        f"{rng.choice('ABC')}=" + rng.choice(quotes) % rng.choice(PIECES) for _ in range(rng.randint(1, 4))
    )
    return rng.choice([",", ",\n", " , ", " "]).join(pairs)


def test_like_the_real_parser() -> None:
    oracle = real("supervisor.datatypes")
    rng = seeded(20261124)
    accepted = 0
    for _ in range(20_000):
        text = _generated(rng)
        parsed = supervisor.pairs(text)
        try:
            expected = oracle.dict_of_key_value_pairs(text)
        except ValueError:
            assert parsed.refused, repr(text)
            continue
        accepted += 1
        assert not parsed.refused, repr(text)
        assert environment(parsed) == expected, repr(text)
    assert accepted > 2000


def test_lines_and_doubts() -> None:
    parsed = dialect("supervisor")(b'A="x",\nB="y",\n\nC=x\nD="v\nw",E=1\n', {})
    assert parsed.refused
    parsed = dialect("supervisor")(b'A="x\ny",\nB=x z\nC=$,\nD=1', {})
    assert [(a.name, a.line) for a in parsed.assignments] == [("A", 1), ("B", 3), ("C", 4), ("D", 5)]
    assert [p.line for p in parsed.problems] == [3, 4]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A=x y", "dropped"),
        ("A=$HOME", "dropped"),
        ("A=x#y", "comment"),
        ("a-b=1", "not the name"),
        ("A=$", "one sign"),
    ],
)
def test_what_is_cut_is_told(text: str, word: str) -> None:
    assert any(word in p.message for p in supervisor.pairs(text).problems)


def test_refusals_name_their_line_and_no_text() -> None:
    parsed = supervisor.pairs('A="1",\nB="hunter2')
    assert [(p.line, "hunter2" in p.message) for p in parsed.problems] == [(2, False)]


@pytest.mark.parametrize(
    "text", ["A=" + "a" * 1_000_000, "A=" + "a#" * 500_000, '"' * 1_000_001, "#\n" * 500_000]
)
def test_linear(text: str) -> None:
    begun = time.process_time()
    supervisor.pairs(text)
    assert time.process_time() - begun < 3


@given(st.binary())
def test_never_raises(content: bytes) -> None:
    parsed = supervisor.parse(content, {"A": "1"})
    assert parsed.assignments == () or not parsed.refused

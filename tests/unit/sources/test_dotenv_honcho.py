"""honcho's .env: the real parser on generated files."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import environment, seeded
from unit.supervisors.real import real

from envcheck.sources import dialect, dotenv_honcho

PIECES = [
    "A",
    "B_2",
    "export ",
    "=",
    "=",
    "=",
    " ",
    '"',
    "'",
    "\\",
    "#",
    "x y",
    "$A",
    "\\n",
    "\\t",
    "é",
    "a-b",
    ".",
    "1",
    '"x y"',
    "'x y'",
    '"a\\"b"',
    "\t",
    ":",
    "/x",
    "☂",
    "\\\\",
    "\x0b",
    "\u2028",
    "\n",
    "\n",
    "\nC=",
]


def test_like_the_real_parser() -> None:
    oracle = real("honcho.environ")
    rng = seeded(20261127)
    accepted = 0
    for _ in range(30_000):
        head = rng.choice(["", "A=", "A = "])
        text = head + "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 10)))
        parsed = dotenv_honcho.parse(text.encode(), {})
        try:
            expected = oracle.parse(text)
        except ValueError:
            assert parsed.refused, repr(text)
            continue
        accepted += 1
        assert not parsed.refused, repr(text)
        assert environment(parsed) == expected, repr(text)
    assert accepted > 5000


def test_what_is_dropped_is_told() -> None:
    parsed = dialect("dotenv-honcho")(b"A=a b\nexport B=1\nC=\n# said\nD='x y'\n", {})
    assert environment(parsed) == {"A": "ab", "D": "x y"}
    assert [p.line for p in parsed.problems] == [1, 2, 3]


@pytest.mark.parametrize(
    "text", ["A=" + "a" * 1_000_000, "A=" + '"\\"' * 300_000, "A=" + "\\a" * 500_000, "A=\n" * 300_000]
)
def test_linear(text: str) -> None:
    begun = time.process_time()
    dotenv_honcho.parse(text.encode(), {})
    assert time.process_time() - begun < 3


@given(st.binary())
def test_never_raises(content: bytes) -> None:
    parsed = dotenv_honcho.parse(content, {"A": "1"})
    assert parsed.assignments == () or not parsed.refused

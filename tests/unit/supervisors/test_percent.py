"""`%(name)s` of supervisord: recorded cases, the real expansion, and bounds."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from unit.sources.oracle import seeded, vectors
from unit.supervisors.real import real

from envcheck.supervisors.percent import LIMIT, RefusedError, UnboundedError, expand

CASES = vectors("supervisor_environment.json")["percent_expansion"]
KNOWN: dict[str, str | int] = {"ENV_A": "a", "process_num": 3, "ENV_x(y)": "b", "ENV_E": ""}
PIECES = [
    "%",
    "%%",
    "%(ENV_A)s",
    "%(process_num)02d",
    "(",
    ")",
    "%(",
    "ENV_A",
    "ENV_x(y)",
    "s",
    "d",
    "5",
    ".",
    "*",
    "-",
    " ",
    "#",
    "l",
    "h",
    "%(ENV_E)",
    "%(process_num)",
    "%(nope)s",
    "x",
    "c",
    "r",
    "e",
    "\n",
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recorded(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError, match="%"):
            expand(case["value"], case["expansions"])
    else:
        assert expand(case["value"], case["expansions"]) == case["expected"]


def test_like_the_real_expansion() -> None:
    oracle = real("supervisor.options")
    rng = seeded(20261125)
    for _ in range(20_000):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 8)))
        try:
            expected: str | None = oracle.expand(text, KNOWN, "x")
        except ValueError:
            expected = None
        try:
            found: str | None = expand(text, KNOWN)
        except RefusedError:
            found = None
        except UnboundedError:
            continue
        assert found == expected, repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "%(ENV_A)999999999s",
        "%(process_num)099999999999999999999999999d",
        "%(process_num).999999999f",
        "%(ENV_x(y))999999999s",
        "%(ENV_B)s" * 1000,
        "%s",
        "%r",
    ],
)
def test_memory_is_bounded(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(UnboundedError):
        expand(text, KNOWN | {"ENV_B": "x" * (LIMIT // 100)})
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", ["%(" * 300_000, "(" * 600_000 + "%", "%%" * 300_000, "%" + "9" * 600_000])
def test_linear(text: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(RefusedError, UnboundedError):
        expand(text, KNOWN)
    assert time.process_time() - begun < 2

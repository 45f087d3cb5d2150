"""Compose's .env: the recorded cases of compose-go."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import environment, vectors

from envcheck.sources import dialect, dotenv_compose

CASES = vectors("compose_dotenv.json")
ROWS = vectors("dotenv_matrix.json")["rows"]


def content(given: str | dict[str, str]) -> bytes:
    return given.encode() if isinstance(given, str) else base64.b64decode(given["b64"])


@pytest.mark.parametrize("case", CASES["key_value"], ids=lambda case: case["id"])
def test_one_value(case: dict[str, Any]) -> None:
    parsed = dotenv_compose.parse(content(case["input"]), {})
    assert environment(parsed) == {case["key"]: case["value"]}


@pytest.mark.parametrize("text", CASES["unterminated_quotes_must_error"])
def test_unterminated(text: str) -> None:
    assert dotenv_compose.parse(text.encode(), {}).refused


@pytest.mark.parametrize("case", CASES["expanding"] + CASES["bytes"], ids=lambda case: case["id"])
def test_whole(case: dict[str, Any]) -> None:
    assert environment(dotenv_compose.parse(content(case["input"]), {})) == case["expected"]


@pytest.mark.parametrize("case", CASES["fixtures"], ids=lambda case: case["id"])
def test_fixtures(case: dict[str, Any]) -> None:
    parsed = dotenv_compose.parse(content(case["input"]), {})
    assert parsed.refused == ("error" in case["oracle"])
    assert parsed.refused or environment(parsed) == case["oracle"]["env"]


@pytest.mark.parametrize("case", CASES["var_expansion_env_EMPTY_VAR_TEST_VAR"], ids=lambda case: case["id"])
def test_defaults(case: dict[str, Any]) -> None:
    parsed = dotenv_compose.parse(content(case["input"]), {"EMPTY_VAR": "", "TEST_VAR": "Test Value"})
    assert [f"{n}={v}" for n, v in environment(parsed).items()] == [case["result"]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cost $5", "cost $5"),
        ("$", "$"),
        ("$$SET", "$SET"),
        ("a$SET.b", "ayes.b"),
        ("${NO:-{}}", "{}"),
        ('${NO:-{"k": 1}} x', '{"k": 1} x'),
        ("${NO:-${SET}}-${NO-b}", "yes-b"),
        ("${SET:+x${NO:-y}}", "xy"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${SET:?why}", "yes"),
        ("${NO:?why}", None),
        ("${EMPTY:?why}", None),
        ("${EMPTY?why}", ""),
        ("${", None),
        ("${}", None),
        ("${ SET}", None),
        ("${SET!}", None),
        ("${NO:-x", None),
        ('"${NO:-a\nb}"', None),
        ("\x1f x", "\x1f x"),
        ("#c", "#c"),
        ('"\\0"', "\\"),
        ('"\\0400"', "\\400"),
        ('"\\c\\$SET"', "\\c$SET"),
    ],
)
def test_by_the_grammar(text: str, value: str | None) -> None:
    parsed = dotenv_compose.parse(f"A={text}".encode(), {"SET": "yes", "EMPTY": ""})
    assert parsed.refused == (value is None)
    assert value is None or environment(parsed) == {"A": value}


def test_a_name_alone() -> None:
    parsed = dotenv_compose.parse(b"A\nB\nC=$A\n", {"A": "1"})
    assert environment(parsed) == {"A": "1", "C": "1"}
    assert [p.line for p in parsed.problems] == [2]
    assert dotenv_compose.parse(b"export ", {}).refused


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row["input"]))
def test_matrix(row: dict[str, Any]) -> None:
    expected = row["compose_go_v2"] if "compose_go_v2" in row else row["results"]["compose_go_v2"]
    parsed = dialect("dotenv-compose")(content(row["input"]), {})
    assert parsed.refused == ("error" in expected)
    assert parsed.refused or environment(parsed) == expected["env"]


@pytest.mark.parametrize(
    "text",
    [
        "A=" + "a" * 1_000_000,
        'A="' + "\\a" * 500_000,
        "A=" + "${A:-" * 200_000,
        "A=" + "${A:-" * 40 + "}" * 40,
        "A=" + "${A:-" * 150_000 + "}" * 150_000,
        "A=" + "${A:-x} " * 120_000 + "y" * 1_000_000,
        "A=" + "${A:-{" * 150_000 + "}",
        'A="' + "${A:-{}\n" * 100_000 + '"',
        "A=" + "$$" * 500_000,
        "\n#" * 300_000,
        "A0=" + "x" * 1000 + "".join(f"\nA{i + 1}=$A{i}$A{i}" for i in range(60)),
        "A\n" * 200_000,
        "export " * 200_000,
    ],
)
def test_linear(text: str) -> None:
    begun = time.process_time()
    dotenv_compose.parse(text.encode(), {})
    assert time.process_time() - begun < 4


@given(st.binary() | st.text(alphabet="A=$\\{}:-?+'\"# \n\t.").map(str.encode))
def test_never_raises(given: bytes) -> None:
    parsed = dotenv_compose.parse(given, {"A": "1"})
    assert parsed.assignments == () or not parsed.refused

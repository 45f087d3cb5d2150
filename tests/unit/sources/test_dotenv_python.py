"""Python's dotenv: recorded answers, and the library itself on generated files."""

from __future__ import annotations

import io
import logging
import os
import random
import subprocess
import sys
import time
from typing import Any

import dotenv
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import environment, seeded, vectors

from envcheck.model import Assignment
from envcheck.sources import dotenv_python

FILE = vectors("python_dotenv.json")
INPUTS = 20_000


@pytest.mark.parametrize("case", FILE["parser"], ids=lambda case: case["id"])
def test_recorded_bindings(case: dict[str, Any]) -> None:
    parsed = dotenv_python.parse(case["input"].encode(), {})
    expected = [(b["key"], b["value"]) for b in case["bindings"] if b["value"] is not None]
    assert [(a.name, a.value) for a in parsed.assignments] == expected
    told = [p.line for p in parsed.problems]
    assert told == [b["line"] for b in case["bindings"] if b["error"] or (b["key"] and b["value"] is None)]


@pytest.mark.parametrize(
    "case", [c for c in FILE["interpolation"] if c["interpolate"]], ids=lambda case: case["id"]
)
def test_recorded_interpolation(case: dict[str, Any]) -> None:
    assert environment(dotenv_python.parse(case["input"].encode(), case["env"])) == case["expected"]


@pytest.mark.parametrize("row", vectors("dotenv_matrix.json")["rows"], ids=lambda row: row["id"])
def test_recorded_matrix(row: dict[str, Any]) -> None:
    recorded = row["python_dotenv_1.2.4"]["env"]
    found = environment(dotenv_python.parse(row["input"].encode(), {}))
    assert found == {name: value for name, value in recorded.items() if value is not None}


def test_our_own_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "secret")
    assert environment(dotenv_python.parse(b"A=${OURS}\nB=${OURS:-d}\n", {})) == {"A": "", "B": "d"}


def test_lines_are_those_of_the_names() -> None:
    parsed = dotenv_python.parse(b"\r\n\r\n# c\r\nA='1\r\n2'\r\n\r\n  export B=2\r\n", {})
    assert parsed.assignments == (Assignment("A", "1\r\n2", 4), Assignment("B", "2", 7))


def test_a_name_alone_is_told_and_takes_back_what_was_set() -> None:
    parsed = dotenv_python.parse(b"A=1\nB=2\nA\nC=${A:-d}\n", {"A": "known"})
    assert environment(parsed) == {"B": "2", "C": ""}
    assert [(p.line, p.message) for p in parsed.problems] == [(3, "a name without a value: not set")]


def test_an_error_is_told_without_the_text_of_the_line() -> None:
    logging.getLogger("dotenv.main").setLevel(logging.CRITICAL)
    parsed = dotenv_python.parse(b"A=1\nB='hunter2\nC=3\n", {})
    assert environment(parsed) == {"A": "1", "C": "3"}
    assert [p.line for p in parsed.problems] == [2]
    assert "hunter2" not in str(parsed.problems)


def test_what_is_no_text_refuses_the_file() -> None:
    assert dotenv_python.parse(b"A=\xff", {}).refused


def test_the_library_is_imported_only_where_it_is_used() -> None:
    program = "import sys, envcheck.sources; sys.exit('dotenv' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


@given(st.binary(), st.dictionaries(st.text(), st.text()))
def test_never_raises(content: bytes, known: dict[str, str]) -> None:
    parsed = dotenv_python.parse(content, known)
    assert parsed.assignments == () or not parsed.refused


PIECES = [
    b"A=1\n",
    b" ",
    b"\n",
    b"A='",
    b'A="',
    b'A="\\"',
    b"${",
    b"${a",
    b"${a:-",
    b"A=${b} ",
    b"\\",
    b"x #",
    b"\t",
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", [b"", b":", b"}", b"!"])
def test_takes_linear_time(piece: bytes, end: bytes) -> None:
    started = time.process_time()
    dotenv_python.parse(piece * (60_000 // len(piece)) + end, {})
    dotenv_python.parse(b"A=" + piece * (60_000 // len(piece)) + end, {})
    dotenv_python.parse((b"A=x" + b" " * 1000 + b"y") * 60 + end, {})
    assert time.process_time() - started < 10


TOKENS = [
    *[
        "A",
        "B",
        "_c",
        "A.B",
        "1",
        "x",
        "é",
        "A-B",
        "export ",
        "export\t",
        "'A'",
        "\nA=",
        "\nB=",
        "\nA\n",
        "B=1\n",
    ],
    *[
        "=",
        "=",
        "=",
        " = ",
        "A=",
        "A=${B:-d}\n",
        "B",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        " ",
        "  ",
        "\t",
        "\f",
        "\x85",
    ],
    *[
        "'",
        "'",
        '"',
        '"',
        "''",
        '""',
        "'x'",
        '"y"',
        "\\",
        "\\\\",
        "\\'",
        '\\"',
        "\\n",
        "\\t",
        "\\$",
        "\\q",
        "\\\n",
    ],
    *[
        "$A",
        "${A}",
        "${B}",
        "${B",
        "${",
        "}",
        "${A:-",
        ":-",
        ":",
        "${C:-x y}",
        "${A:x}",
        "${KNOWN}",
        "${KNOWN:-d}",
    ],
    *["#", " #c", "\n# c\n", "\ufeff", "\u00a0", ";", "`", "\0", "\U0001f600"],
]


def generate(chance: random.Random) -> str:
    pieces = chance.choices(TOKENS, k=int(chance.expovariate(0.1)) + 1)
    return "".join([chance.choice(["A=", 'A="', "A='", ""]), *pieces])


def test_reads_generated_files_as_the_library_does(monkeypatch: pytest.MonkeyPatch) -> None:
    logging.getLogger("dotenv.main").setLevel(logging.CRITICAL)
    for name in list(os.environ):
        monkeypatch.delenv(name)
    known = {"KNOWN": "k", "B": "from before"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    chance = seeded(20261123)
    for number in range(INPUTS):
        text = generate(chance)
        expected = dotenv.dotenv_values(stream=io.StringIO(text, newline=""))
        parsed = dotenv_python.parse(text.encode(), known)
        assert environment(parsed) == {k: v for k, v in expected.items() if v is not None}, (
            f"{number}: {text!r}"
        )

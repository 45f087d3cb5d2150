"""EnvironmentFile: systemd's own cases, recorded answers, lines and what a reader is told."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import environment, vectors

from envcheck.model import Assignment, Parsed
from envcheck.sources import Dialect, systemd

FILE = vectors("systemd_env_file.json")
DIALECTS = [systemd.before_254, systemd.since_254]


def service(expected: list[str] | int) -> dict[str, str] | None:
    """What a service gets of what the file holds: names that are none are dropped."""
    if isinstance(expected, int):
        return None
    pairs = [assignment.split("=", 1) for assignment in expected]
    return {name: value for name, value in pairs if name.isidentifier() and name.isascii()}


def got(parsed: Parsed) -> dict[str, str] | None:
    return None if parsed.refused else environment(parsed)


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_recorded(case: dict[str, Any]) -> None:
    content = case["input"].encode()
    for dialect, column in ((systemd.before_254, "expected_v252"), (systemd.since_254, "expected")):
        found, expected = got(dialect(content, {})), service(case[column])
        assert found == expected
        assert list(found or ()) == list(expected or ())


@pytest.mark.parametrize("row", vectors("dotenv_matrix.json")["rows"], ids=lambda row: row["id"])
def test_recorded_matrix(row: dict[str, Any]) -> None:
    parsed = systemd.before_254(row["input"].encode(), {})
    assert got(parsed) == row["systemd_v252_service_env"].get("env")


@pytest.mark.parametrize("value", FILE["write_and_load_roundtrip_values"])
def test_what_systemd_writes_is_read_back(value: str) -> None:
    escaped = "".join(f"\\{c}" if c in '"\\`$' else c for c in value)
    assert environment(systemd.since_254(f'A="{escaped}"\n'.encode(), {})) == {"A": value}


def told(content: bytes, dialect: Dialect = systemd.since_254) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in dialect(content, {}).problems]


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"A=1\nexport B=2\n", 2, "`export` is not understood here: B is dropped"),
        (b"A.B=1\n", 1, "A.B is not a valid name: dropped"),
        (b"\n\n=x=1\n", 3, "not a valid name: dropped"),
        (b"A=1\n\nhunter2\n", 3, "no name stands before an `=`: the line is ignored"),
        (b"A=1 # c\n", 1, "part of it"),
        (b'A="1" # c\n', 1, "part of it"),
        (b"A=1\r\nB=2\r\n", 1, "CR LF"),
        (b"\xef\xbb\xbfA=1\n", 1, "byte order mark"),
        (b"A=1\nB='x\nC=2\n", 2, "not closed"),
        (b"A=1\nB=\xff\n", 2, "the whole file"),
        (b"A=1\nB=\0\n", 2, "the whole file"),
        (b"A=" + b"x" * 131072, 1, "too long"),
    ],
)
def test_tells_of(content: bytes, line: int, said: str) -> None:
    problems = told(content)
    assert any(at == line and said in message for at, message in problems), problems
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# c\n; c\nA=1\n\nB='x # y'\nC=#fff\nD=a#b\n",
        b"A=\xc3\xa9\n#\xff\n",
        b"# c \\\nA=1\n",
        b"A=one \\\n two\n",
    ],
)
def test_has_nothing_to_tell_of(content: bytes) -> None:
    assert told(content) == []


def test_a_comment_swallows_the_next_line_before_254() -> None:
    content = b"# c \\\nA=1\nB=2\n"
    assert environment(systemd.before_254(content, {})) == {"B": "2"}
    assert environment(systemd.since_254(content, {})) == {"A": "1", "B": "2"}
    assert [line for line, _ in told(content, systemd.before_254)] == [1]


def test_lines_are_those_of_the_names_and_all_assignments_are_told() -> None:
    parsed = systemd.since_254(b"# c\r\n\r\nA='1\r\n2'\r\nB=x\\\ny\nA=3", {})
    assert parsed.assignments == (
        Assignment("A", "1\r\n2", 3),
        Assignment("B", "xy", 5),
        Assignment("A", "3", 7),
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@given(content=st.binary())
def test_never_raises(dialect: Dialect, content: bytes) -> None:
    parsed = dialect(content, {})
    assert parsed.assignments == () or not parsed.refused
    assert all(
        1 <= assignment.line <= content.count(b"\n") + content.count(b"\r") + 1
        for assignment in parsed.assignments
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "piece", [b"A=1\n", b" ", b"\n", b"A", b'A="', b"A='", b"A=\\", b"#\\", b'""', b"A=' ", b"x \\\n"]
)
def test_takes_linear_time(dialect: Dialect, piece: bytes) -> None:
    started = time.process_time()
    dialect(piece * (200_000 // len(piece)), {})
    dialect(b"A=" + piece * (200_000 // len(piece)), {})
    assert time.process_time() - started < 10

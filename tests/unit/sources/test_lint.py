"""What is doubtful in a source beside what its grammar says."""

from __future__ import annotations

import pytest

from envcheck.model import FileFacts, Source, Stage
from envcheck.sources import chain
from envcheck.sources.lint import doubts


def of_file(content: str, dialect: str) -> list[tuple[int | None, str]]:
    facts = FileFacts("ok", content.encode(), mode=0o600)
    applied, *_ = chain.read(Source("file", "/f", Stage.EXEC, dialect), facts, {})
    return [(d.line, d.message) for d in doubts(applied, facts)]


def of_folder(**files: bytes) -> list[tuple[str, int | None, str]]:
    entries = {name: FileFacts("ok", content, mode=0o600) for name, content in files.items()}
    facts = FileFacts("ok", entries=entries)
    applied, *_ = chain.read(Source("envdir", "/d", Stage.EXEC), facts, {})
    return [(d.path, d.line, d.message) for d in doubts(applied, facts)]


def test_a_file_with_an_odd_name_is_named() -> None:
    assert of_folder(**{"A~": b"1\n", "B C": b"'x'\n"}) == [
        ("/d/A~", 1, "not the name of a variable, but set all the same"),
        ("/d/B C", 1, "not the name of a variable, but set all the same"),
        ("/d/B C", 1, "the quotes are part of the value"),
    ]


def test_what_may_be_a_value_is_not_named() -> None:
    [(path, _, message)] = of_folder(**{"A=s3cret": b"1\n"})
    assert (path, "s3cret" in message) == ("/d", False)


@pytest.mark.parametrize(
    "dialect",
    ["systemd", "systemd254", "docker", "dotenv-ruby", "dotenv-python", "dotenv-compose", "dotenv-foreman"],
)
def test_quotes_that_are_kept(dialect: str) -> None:
    text = """A=a"b"\nB=x 'y z'\nC=don't\nD={"a": "b"}\nE="x"\nF='say "so"'\nG=plain\n"""
    kept = {line for line, message in of_file(text, dialect) if message == "the quotes are part of the value"}
    whole = {5, 6} if dialect == "docker" else set[int]()
    assert kept == {1, 2} | whole


def test_quotes_that_are_taken_away() -> None:
    assert of_file("export A=a\"b\" B='x'\n", "shell") == []
    assert of_file('A=a"b"\n', "dotenv-honcho") == []


@pytest.mark.parametrize(
    ("value", "told"),
    [('B=z"q"', True), ("B=z'q'x", True), ('B="q"', False), ("B='q'", False), ('B="it\'s"', False)],
)
def test_quotes_in_a_value_of_supervisord(value: str, *, told: bool) -> None:
    said = of_file(f"{value},C=1", "supervisor")
    assert said == (
        [(1, "B: a quote within the value is part of it, and one at its end is not")] if told else []
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export A=1\nexport A=2\n", [(2, "A is set again: line 1 does not count")]),
        ("set -a\nA=1\nB=1\nA=2\n", [(4, "A is set again: line 2 does not count")]),
        ("A=1\nexport A\nA=2\n", [(3, "A is set again: line 1 does not count")]),
        ("A=1\nA=2\nexport A\n", [(2, "A is set again: line 1 does not count")]),
        (
            "A=1\nA=2\n",
            [(2, "A is set again: line 1 does not count"), (2, "A is set, but not exported")],
        ),
        ('export A=1\nexport A="$A:2"\n', []),
        ('export A=1\nexport B="$A"\nexport A=2\n', []),
        ("export A=1\nprogram\nexport A=2\n", []),
        ("unset A\nexport A=1\nexport A\n", []),
        (
            "export A=1\n. /x\nexport A=2\n",
            [(2, "what is sourced here is not known"), (3, "A is set again: line 1 does not count")],
        ),
    ],
)
def test_what_a_script_sets_again(text: str, expected: list[tuple[int, str]]) -> None:
    assert of_file(text, "shell") == expected


@pytest.mark.parametrize(
    ("dialect", "content", "lines"),
    [
        ("docker", "A=1\n B C=1\nA=2\n=x\n", [2, 3, 4]),
        ("docker", "A=1\r\n B C=1\r\nA=2\r\n", [2, 3]),
        ("dotenv-honcho", "A='1\nB=2\nC='\nB=3\n", [1, 3, 4]),
        ("dotenv-compose", 'A=1\nB C=2\nA=3\nD="x\n', [2, 3, 4]),
    ],
)
def test_a_line_that_is_refused_hides_no_other(dialect: str, content: str, lines: list[int]) -> None:
    found = of_file(content, dialect)
    assert sorted({line for line, _ in found if line}) == lines


def test_a_file_that_is_refused_as_a_whole_is_told_once() -> None:
    assert len(of_file("A=\0\nB=1\n", "systemd")) == 1

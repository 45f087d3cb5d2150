"""Ruby's dotenv: recorded answers, the real parser on generated files, and what is never executed.

Debian's gem may be older than 3.1 and read line by line: then only plain lines are compared. A newer one is
taken from the folder in ENVCHECK_RUBY_DOTENV.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unit.sources.oracle import absent, environment, seeded, vectors

from envcheck.model import Assignment
from envcheck.sources import dotenv_ruby

COMMAND_RAN = "\1command\1"
# Commands are answered by a mark instead of being executed.
PROGRAM = r"""
require "json"
require "dotenv"
require "dotenv/version"
module Dotenv::Substitutions::Command
  class << self
    def `(command)
      "\1command\1"
    end
  end
end
$stdout.sync = true
puts JSON.generate(Dotenv::VERSION)
$stdin.each_line do |line|
  begin
    puts JSON.generate(Dotenv::Parser.call(JSON.parse(line)))
  rescue Dotenv::FormatError
    puts "null"
  end
end
"""


@pytest.mark.parametrize("case", vectors("ruby_dotenv.json")["cases"], ids=lambda case: case["id"])
def test_recorded(case: dict[str, Any]) -> None:
    parsed = dotenv_ruby.parse(case["input"].encode(), case["env"])
    assert parsed.refused == bool(case["error"])
    dynamic = {a.name for a in parsed.assignments if a.dynamic}
    expected: dict[str, Any]
    if "expected_value_of" in case:
        expected = {case["expected_value_of"]: case["expected"]}
        found = {name: value for name, value in environment(parsed).items() if name in expected}
    else:
        expected = dict(case["expected"] or {})
        found = environment(parsed)
    if case["needs_command_substitution"]:
        expected = {name: value for name, value in expected.items() if name not in dynamic}
        found = {name: value for name, value in found.items() if name not in dynamic}
    else:
        assert not dynamic
    assert found == expected


@pytest.mark.parametrize("row", vectors("dotenv_matrix.json")["rows"], ids=lambda row: row["id"])
def test_recorded_matrix(row: dict[str, Any]) -> None:
    recorded = row["ruby_dotenv"]
    parsed = dotenv_ruby.parse(row["input"].encode(), {})
    assert parsed.refused == ("error" in recorded)
    assert environment(parsed) == recorded.get("env", {})


def test_a_command_is_dynamic_and_so_is_what_refers_to_it() -> None:
    parsed = dotenv_ruby.parse(b"A=$(id)\nB=\"x $A\"\nC='$(id)'\nD=\\$(id)\nA=1\nE=$A\n", {})
    assert parsed.assignments == (
        Assignment("A", "", 1, dynamic=True),
        Assignment("B", "", 2, dynamic=True),
        Assignment("C", "$(id)", 3),
        Assignment("D", "$(id)", 4),
        Assignment("A", "1", 5),
        Assignment("E", "1", 6),
    )
    assert not any("id" in problem.message.split() for problem in parsed.problems)


def test_lines_are_those_of_the_names() -> None:
    parsed = dotenv_ruby.parse(b"\r\n\r\n# c\r\nexport A='1\r\n2'\r\n\r\nB=2\r\n", {})
    assert [(a.name, a.value, a.line) for a in parsed.assignments] == [("A", "1\n2", 4), ("B", "2", 7)]


def test_an_exported_name_without_a_value_refuses_the_file() -> None:
    parsed = dotenv_ruby.parse(b"A=1\nexport NOPE\n", {})
    assert parsed.refused
    assert parsed.assignments == ()
    assert parsed.problems[0].line == 2
    assert environment(dotenv_ruby.parse(b"export A\n", {"A": "1"})) == {"A": "1"}


def test_what_is_no_text_refuses_the_file() -> None:
    assert dotenv_ruby.parse(b"A=\xff", {}).refused


@given(st.binary())
@example(b"export\n" * 3)
def test_never_raises(content: bytes) -> None:
    parsed = dotenv_ruby.parse(content, {"A": "1"})
    assert parsed.assignments == () or not parsed.refused


PIECES = [
    b"\n",
    b" ",
    b"A=' ",
    b'A="',
    b'A="\\"',
    b"'",
    b"A",
    b"export ",
    b"$(",
    b"${A",
    b"\\",
    b"#",
    b"A=$(",
    b"A=1\n",
    b"(",
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", [b"", b"!", b")", b"=x'"])
def test_takes_linear_time(piece: bytes, end: bytes) -> None:
    started = time.process_time()
    dotenv_ruby.parse(piece * (60_000 // len(piece)) + end, {})
    dotenv_ruby.parse(b"A=" + piece * (60_000 // len(piece)) + end, {})
    assert time.process_time() - started < 5


class Ruby:
    """One process of the real parser."""

    def __init__(self) -> None:
        ruby = shutil.which("ruby")
        if not ruby:
            absent("ruby")
        library = os.environ.get("ENVCHECK_RUBY_DOTENV")
        run = [str(ruby), *(["-I", library] if library else []), "-e", PROGRAM]
        environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(run, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environ)
        first = self._read()
        if not first:
            self.close()
            absent("the gem dotenv")
        version = json.loads(first).split(".")
        self.is_recent = (int(version[0]), int(version[1])) >= (3, 1)

    def _read(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def parse(self, text: str) -> dict[str, str] | None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        result: dict[str, str] | None = json.loads(self._read())
        return result

    def close(self) -> None:
        self.process.communicate(timeout=10)


@pytest.fixture
def ruby() -> Iterator[Ruby]:
    process = Ruby()
    yield process
    process.close()


TOKENS = [
    *[
        "A",
        "B",
        "_c",
        "A.B",
        "1",
        "x",
        "ab",
        "é",
        "A-B",
        "export ",
        "export",
        "export A",
        "\nA=",
        "\nB=",
        "\nC: ",
    ],
    *[
        "=",
        "=",
        "=",
        " = ",
        ": ",
        ":",
        "A=",
        "B=1",
        "\nexport B=",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        " ",
        "  ",
        "\t",
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
        "\\r",
        "\\$",
        "\\$(",
        "\\(",
    ],
    *[
        "$A",
        "${A}",
        "$B",
        "${B",
        "$",
        "{",
        "}",
        "$(",
        "(",
        ")",
        "()",
        "$(x)",
        "#",
        " #c",
        "\n# c\n",
        "\f",
        "\v",
        "\0",
    ],
    *[
        "DOTENV_LINEBREAK_MODE=legacy\n",
        "DOTENV_LINEBREAK_MODE=\n",
        "\ufeff",
        "\x85",
        "\u00a0",
        ";",
        "&",
        "`",
    ],
]
# Of an exported name with nothing behind `=`, versions differ.
NAMES = ["A", "B", "FOO.BAR", "  C", "A1"]
EXPORTED = ["export A=1", "\texport  _d = 'x y'", 'export B="$A"']
VALUES = [
    "1",
    "x y",
    "'a b'",
    '"a b"',
    "$A",
    "${B}x",
    '"$A"',
    "'$A'",
    "a=b",
    "http://h:1/p",
    '"a#b"',
    "'a#b'",
    "",
    "é",
]


def generate(chance: random.Random, *, plain: bool) -> str:
    if plain:
        form = "{name}{sep}{value}{end}"
        lines = [
            form.format(
                name=chance.choice(NAMES),
                sep=chance.choice(["=", " =", "= ", " = "]),
                value=chance.choice(VALUES),
                end=chance.choice(["", " ", " # c", "\t"]),
            )
            for _ in range(chance.randrange(1, 6))
        ]
        lines += chance.sample(EXPORTED, chance.randrange(3))
        return chance.choice(["\n", "\r\n", "\n\n", "\n# c\n"]).join(lines)
    pieces = chance.choices(TOKENS, k=int(chance.expovariate(0.1)) + 1)
    return "".join([chance.choice(["A=", 'A="', "A='", ""]), *pieces])


def test_reads_generated_files_as_the_real_parser_does(ruby: Ruby) -> None:
    chance = seeded(20261123)
    inputs = 20_000 if ruby.is_recent else 5_000
    for number in range(int(os.environ.get("ENVCHECK_INPUTS", inputs))):
        text = generate(chance, plain=not ruby.is_recent)
        expected = ruby.parse(text)
        parsed = dotenv_ruby.parse(text.encode(), {})
        assert parsed.refused == (expected is None), f"input {number}: {text!r}"
        last = {a.name: a for a in parsed.assignments}
        found = {name: COMMAND_RAN if a.dynamic else a.value for name, a in last.items()}
        marked = {
            name: COMMAND_RAN if COMMAND_RAN in value else value for name, value in (expected or {}).items()
        }
        assert found == marked, f"input {number}: {text!r}"

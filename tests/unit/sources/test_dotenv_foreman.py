"""foreman's .env: the real parser on generated files."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import absent, environment, seeded

from envcheck.sources import dialect, dotenv_foreman

PIECES = [
    *("A", "B_2", "1", "export ", "=", "=", "=", " ", '"', "'", "\\", "#", "x y", "$A", "\\n", "\\t", "é"),
    *('"x y"', "'x y'", '"a\\"b"', '"a\\nb"', "\t", "\r", "\r\n", "☂", "\\\\", "\x0b", "\u2028", "-"),
    *("\n", "\n", "\nC="),
]
# What it is given instead of a file is the text itself.
PROGRAM = r"""
require "json"
require "foreman/env"
File.define_singleton_method(:read) { |text| text }
texts = JSON.parse($stdin.read)
def read(text)
  found = {}
  Foreman::Env.new(text).entries { |name, value| found[name] = value }
  found
end
puts JSON.generate(texts.map { |text| read(text) })
"""


def test_like_the_real_parser() -> None:
    if not shutil.which("foreman"):
        absent("foreman")
    rng = seeded(20261128)
    heads = ["", "A=", 'A="', "A='"]
    texts = ["".join([rng.choice(heads), *rng.choices(PIECES, k=rng.randint(0, 10))]) for _ in range(30_000)]
    real = subprocess.run(
        ["ruby", "-Ku", "-e", PROGRAM], input=json.dumps(texts), check=True, capture_output=True, text=True
    )
    answers = json.loads(real.stdout)
    assert sum(map(bool, answers)) > 5000
    for text, expected in zip(texts, answers, strict=True):
        assert environment(dotenv_foreman.parse(text.encode(), {})) == expected, repr(text)


def test_what_is_dropped_is_told() -> None:
    text = b"A=a b\nexport B=1\nC =1\n# said\n\nD='x #y'\nE=1 # one\n"
    parsed = dialect("dotenv-foreman")(text, {})
    assert environment(parsed) == {"A": "a b", "D": "x #y", "E": "1 # one"}
    assert [p.line for p in parsed.problems] == [2, 3, 7]


@pytest.mark.parametrize("text", ["A=" + "a" * 1_000_000, 'A="' + "\\a" * 500_000 + '"', "A=\n" * 300_000])
def test_linear(text: str) -> None:
    begun = time.process_time()
    dotenv_foreman.parse(text.encode(), {})
    assert time.process_time() - begun < 3


@given(st.binary())
def test_never_raises(content: bytes) -> None:
    parsed = dotenv_foreman.parse(content, {"A": "1"})
    assert parsed.assignments == () or not parsed.refused

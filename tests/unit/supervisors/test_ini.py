"""Ini files as supervisord reads them: the real parser on generated files, and where things stand."""

from __future__ import annotations

import configparser
import random
import time

import pytest
from unit.sources.oracle import seeded

from envcheck.supervisors.ini import Ini, MalformedError

PIECES = [
    "[a]",
    "[b]",
    "[a:b]",
    "[DEFAULT]",
    "[]",
    "k=v",
    "K2 : w",
    "k = x ; c",
    "k=x;y",
    "k=x # c",
    "= v",
    "k",
    "; c",
    "# c",
    "",
    "  ",
    "  more",
    "\tmore ; c",
    "  k=v",
    " ;c",
    "[a] ; c",
    "k=a ;b #c",
    "k=a;b #c ;d",
    "k=]",
    "[x]y]",
]


def _real(text: str) -> dict[str, dict[str, str]] | None:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _ours(text: str) -> dict[str, dict[str, str]] | None:
    ini = Ini()
    try:
        ini.read(text, "/x")
    except MalformedError:
        return None
    return {s: {name: option.value for name, option in ini.options(s).items()} for s in ini.sections}


def _generated(rng: random.Random) -> str:
    lines = (rng.choice(PIECES) for _ in range(rng.randint(0, 12)))
    return "[s]\n" * (rng.random() < 0.8) + rng.choice(["\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def test_like_the_real_parser() -> None:
    rng = seeded(20261126)
    good = 0
    for _ in range(20_000):
        text = _generated(rng).replace("\r\n", "\n")
        expected = _real(text)
        assert _ours(text) == expected, repr(text)
        good += expected is not None
    assert good > 1000


def test_where_values_stand() -> None:
    ini = Ini()
    ini.read("[p]\n; c\nA=1,\n  ; c\n  B=2,\n\n  C=3\n", "/x")
    option = ini.sections["p"]["a"]
    assert option.value == "1,\nB=2,\n\nC=3"
    assert [option.line(n) for n in (1, 2, 3, 4, 9)] == [3, 5, 6, 7, 7]


def test_later_files_win() -> None:
    ini = Ini()
    ini.read("[p]\na=1\nb=1\n", "/x")
    ini.read("[p]\na=2\n", "/y")
    assert {n: (o.value, o.path) for n, o in ini.sections["p"].items()} == {
        "a": ("2", "/y"),
        "b": ("1", "/x"),
    }


@pytest.mark.parametrize(
    "text", ["[s]\n" + "k=" + ";" * 1_000_000, "[s]\nk=1\n" + " x\n" * 300_000, "[" * 1_000_000]
)
def test_linear(text: str) -> None:
    begun = time.process_time()
    _ours(text)
    assert time.process_time() - begun < 3

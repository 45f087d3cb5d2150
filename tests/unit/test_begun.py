"""A command line of which every word is certain is read at once, as typer reads it; all others by typer."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import typer
from hypothesis import assume, given
from hypothesis import strategies as st

from envcheck import questions
from envcheck.cli import ahead, check, early, plain
from envcheck.cli.ahead import Reach
from envcheck.cli.hosts import chosen_hosts
from envcheck.errors import UsageError
from envcheck.hosts import resolve
from envcheck.hosts.destination import parse

USUAL = {name: one.default for name, one in inspect.signature(chosen_hosts).parameters.items()}


@pytest.fixture(scope="module")
def command() -> Any:
    """Give the command as typer makes it."""
    app = typer.Typer(add_completion=False)
    app.command()(check.command)
    return typer.main.get_command(app)


def test_the_options_are_those_of_the_command(command: Any) -> None:
    options = [one for one in command.params if one.param_type_name == "option"]
    flags = {name for option in options if option.is_flag for name in option.opts}
    values = {name for option in options if not option.is_flag for name in option.opts}
    known = {*early.FLAGS, *early.VALUES, *early.LEFT, *early.SHORT}

    assert known == flags | values
    assert {early.SHORT.get(name, name) for name in flags} == set(early.FLAGS)
    assert {early.SHORT.get(name, name) for name in values} == {*early.VALUES, *early.LEFT}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("check -H web", Reach("web")),
        ("check shop --host=web -s spec.yaml -q", Reach("web")),
        ("check -H a@web:22 --sudo -v --transport ssh", Reach("a@web:22", "ssh", sudo=True, verbose=True)),
        ("check --timeout 9s -H web --connect-timeout=1s", Reach("web", "auto", "1s", "9s")),
        ("check --timeout 9s -H web --timeout 8s", Reach("web", "auto", "5s", "8s")),
        ("check", None),
        ("check shop", None),
    ],
)
def test_a_host_is_reached_as_it_is_said(line: str, expected: Reach | None) -> None:
    words = early.understood(line.split())

    assert words is not None
    assert (ahead.meant(words) if early.HOST in words else None) == expected


@pytest.mark.parametrize(
    "line",
    [
        "check -s -H web",  # a spec of that name
        "check -H",
        "check -H web -H db",
        "check --host=",
        "check -H docker://web",
        "check -H web --hosts-file hosts",
        "check -H web --limit web",
        "check -H web --snapshot records",
        "check -H web --key-file -",
        "check -H web --sudo=yes",
        "check -H web --unknown",
        "check -H web -- -v",
        "check -Hweb",
        "check -qv",
        "check --help",
        "restart -H web",
        "-H web",
        "",
    ],
)
def test_what_is_not_certain_is_left_to_typer(line: str) -> None:
    assert early.understood(line.split()) is None


def same(value: Any) -> Any:
    """Give several words as a list, and nothing as None."""
    return (list(value) if type(value) in {list, tuple} else value) or None


WORD = st.sampled_from(["shop", "web", "", "a=b", "error", "warning", "never", "9s", "json=x", "fabric", "é"])
OPTION = st.sampled_from([*early.FLAGS, *early.VALUES, *early.SHORT])


@given(
    st.lists(
        st.one_of(
            WORD.map(lambda word: [word]),
            OPTION.map(lambda name: [name]),
            st.tuples(OPTION, WORD).map(list),
            st.tuples(OPTION, WORD).map(lambda pair: ["=".join(pair)]),
        ),
        max_size=6,
    )
)
def test_what_is_read_plainly_is_what_typer_reads(command: Any, parts: list[list[str]]) -> None:
    line = [word for part in parts for word in part]
    words = early.understood(["check", *line])
    try:
        said = None if words is None else plain.meant(words)
    except ValueError:
        said = None
    assume(said is not None)  # else it is left to typer
    assert said is not None
    wanted, reached = said
    read = command.make_context("check", list(line)).params

    plainly = {**wanted._asdict(), "no_live": not wanted.live, **USUAL, **reached}
    for name, value in read.items():
        assert same(plainly[name]) == same(value), name


@pytest.mark.parametrize("host", ["web-1.example", "a@web", "web:22", "[::1]", "-web", "ume\u0301"])
def test_what_is_asked_first_is_what_will_be_asked(host: str) -> None:
    """Another question would be put for nothing, and of what is no host nothing is asked."""
    put: list[questions.Question] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(questions, "put", put.append)
        early.begin({early.HOST: [host]})
        early_ones = list(put)
        put.clear()
        try:
            resolve.begin(parse(host))
        except UsageError:
            assert early_ones == []
        assert early_ones in ([], put[:1])
        assert bool(early_ones) == (host == "web-1.example")

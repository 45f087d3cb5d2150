"""A host is begun to be reached by a command line of which every word is certain, and by no other."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from envcheck import questions
from envcheck.cli import ahead, check, early
from envcheck.cli.ahead import Reach
from envcheck.errors import UsageError
from envcheck.hosts import resolve
from envcheck.hosts.destination import parse


def test_the_options_are_those_of_the_command() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(check.command)
    parameters: list[Any] = list(typer.main.get_command(app).params)
    options = [one for one in parameters if one.param_type_name == "option"]
    flags = {name for option in options if option.is_flag for name in option.opts}
    values = {name for option in options if not option.is_flag for name in option.opts}

    assert set(early.FLAGS) == flags
    assert set(early.VALUES) | set(early.LEFT) == values
    assert not set(early.VALUES) & set(early.LEFT)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("check -H web", Reach("web")),
        ("check shop --host=web -s spec.yaml -q", Reach("web")),
        ("check -H a@web:22 --sudo -v --transport ssh", Reach("a@web:22", "ssh", sudo=True, verbose=True)),
        ("check --timeout 9s -H web --connect-timeout=1s", Reach("web", "auto", "1s", "9s")),
        ("check -s -H web", None),  # a spec of that name
        ("check shop", None),
        ("check -H", None),
        ("check -H web -H db", None),
        ("check -H web --hosts-file hosts", None),
        ("check -H web --limit web", None),
        ("check -H web --snapshot records", None),
        ("check -H web --key-file -", None),
        ("check -H web --sudo=yes", None),
        ("check -H web --unknown", None),
        ("check -H web -- -v", None),
        ("check -Hweb", None),
        ("restart -H web", None),
        ("-H web", None),
        ("", None),
    ],
)
def test_only_what_is_certain_is_understood(line: str, expected: Reach | None) -> None:
    words = early.understood(line.split())

    assert (None if words is None else ahead.meant(words)) == expected


@pytest.mark.parametrize("host", ["web-1.example", "a@web", "web:22", "[::1]", "-web", "ume\u0301"])
def test_what_is_asked_first_is_what_will_be_asked(host: str) -> None:
    """Another question would be put for nothing, and of what is no host nothing is asked."""
    put: list[questions.Question] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(questions, "put", put.append)
        early.begin({early.HOST: host})
        early_ones = list(put)
        put.clear()
        try:
            resolve.begin(parse(host))
        except UsageError:
            assert early_ones == []
        assert early_ones in ([], put)
        assert bool(early_ones) == (host == "web-1.example")

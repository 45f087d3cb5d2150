"""A check whose command line needs no more than `early`: typer is not imported, nothing else is different."""

from __future__ import annotations

from typing import Any

from envcheck import suspicion
from envcheck.cli import checking
from envcheck.cli.early import HOST, TARGETS, Words, last
from envcheck.cli.hosts import chosen_hosts
from envcheck.cli.output import Color
from envcheck.model import Severity


def check(words: Words) -> int | None:
    """Check; give the exit status. None: a word is not what it should be, which typer is to tell."""
    try:
        wanted, reached = meant(words)
    except ValueError:
        return None
    hosts = chosen_hosts(**reached)
    try:
        if hosts.begun is not None:
            suspicion.get_ready()
        return checking.check(hosts, wanted)
    finally:
        hosts.let_go()


def meant(words: Words) -> tuple[checking.Wanted, dict[str, Any]]:
    """Give what is wanted, and what `chosen_hosts` takes.

    Raises:
        ValueError: There is no such word.
    """
    return _wanted(words), _reached(words)


def _wanted(words: Words) -> checking.Wanted:
    usual = checking.Wanted()
    return checking.Wanted(
        targets=words[TARGETS],
        spec=last(words, "--spec", "") if "--spec" in words else None,
        formats=words.get("--format", ()),
        fail_on=Severity(last(words, "--fail-on", usual.fail_on)),
        wait=last(words, "--wait", usual.wait),
        stable_for=last(words, "--stable-for", usual.stable_for),
        reveal=words.get("--reveal", ()),
        live="--no-live" not in words,
        color=Color(last(words, "--color", usual.color)),
        quiet="--quiet" in words,
    )


def _reached(words: Words) -> dict[str, Any]:
    values = {
        name: last(words, option, "")
        for name, option in (
            ("transport", "--transport"),
            ("connect_timeout", "--connect-timeout"),
            ("timeout", "--timeout"),
        )
        if option in words
    }
    return {"host": words.get(HOST), "sudo": "--sudo" in words, "verbose": "-v" in words, **values}

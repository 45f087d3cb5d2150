"""Reads the plainest command lines, before anything else is imported: what takes long can begin at once.

A command line counts of which every word is known here. All others are left to typer, to import which takes
as long as to look at a server. This module is the first to be imported, and imports next to nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

Words = Mapping[str, Sequence[str]]  # each option with what was given to it, in order; for none, the targets

COMMAND = "check"
HOST = "--host"
TARGETS = ""
# Its options without a value, with one, and those that tell of more than one host, or of none.
FLAGS = ("--no-live", "--quiet", "--sudo", "-v")
VALUES = (
    *("--color", "--fail-on", "--format", "--reveal", "--spec", "--stable-for", "--wait"),
    *("--connect-timeout", "--timeout", "--transport", HOST),
)
LEFT = ("--hosts-file", "--key-file", "--limit", "--max-parallel", "--snapshot")
SHORT = {"-f": "--format", "-H": HOST, "-q": "--quiet", "-s": "--spec"}
# A name of these is a destination as it is, if no option; any other has to be read first.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def begin(words: Words) -> None:
    """Ask what the configuration of ssh says of the host of a command line; nothing depends on it.

    Nothing else yet: two at once would take both processors of a small machine from what is imported.
    """
    [host] = words[HOST]
    if PLAIN.issuperset(host) and not host.startswith("-"):
        from envcheck import questions  # noqa: PLC0415 - only for other hosts

        questions.put(questions.of_host(host))


def end() -> None:
    """Leave nothing behind that was not needed."""
    for name in ("envcheck.cli.ahead", "envcheck.questions"):
        if name in sys.modules:
            sys.modules[name].end()


def understood(arguments: Sequence[str]) -> Words | None:
    """Read a command line, if it is one about which there is no doubt, and about one host at most."""
    if not arguments or arguments[0] != COMMAND:
        return None
    found: dict[str, list[str]] = {TARGETS: []}
    words = iter(arguments[1:])
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        name = SHORT.get(name, name)
        if name in VALUES:
            value = value if equals else next(words, "-")
            if value.startswith("-") and not equals:
                return None
        elif not name.startswith("-"):
            name, value = TARGETS, word
        elif name not in FLAGS or equals:
            return None
        found.setdefault(name, []).append(value)
    hosts = found.get(HOST, [])
    return found if len(hosts) <= 1 and all(host and "://" not in host for host in hosts) else None


def last(words: Words, name: str, usual: str) -> str:
    """Give what counts of an option that has one value."""
    return words[name][-1] if name in words else usual

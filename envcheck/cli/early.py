"""What ssh is going to be asked is asked before all else: it answers while everything is being imported.

A command line counts of which every word is known here. All others are left to what reads them properly. This
module is the first to be imported, and imports next to nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

COMMAND = "check"
HOST = "--host"
# Its options without a value, with one, and those that tell of more than one host, or of none, or wait for
# somebody: the time that a host may take counts from the beginning.
FLAGS = ("--no-live", "--quiet", "--sudo", "-q", "-v")
VALUES = (
    *("--color", "--fail-on", "--format", "--reveal", "--spec", "--stable-for", "--wait"),
    *("--connect-timeout", "--timeout", "--transport", "-f", "-s", "-H", HOST),
)
LEFT = ("--hosts-file", "--key-file", "--limit", "--max-parallel", "--snapshot")
# A name of these is a destination as it is, if no option; any other has to be read first.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def begin(words: Mapping[str, str]) -> None:
    """Ask what the configuration of ssh says of the host of a command line; nothing depends on it."""
    host = words[HOST]
    if PLAIN.issuperset(host) and not host.startswith("-"):
        from envcheck import questions  # noqa: PLC0415 - only for other hosts

        questions.put(questions.of_host(host))
        questions.put(questions.USUALLY)


def end() -> None:
    """Leave nothing behind that was not needed."""
    for name in ("envcheck.cli.ahead", "envcheck.questions"):
        if name in sys.modules:
            sys.modules[name].end()


def understood(arguments: Sequence[str]) -> Mapping[str, str] | None:
    """Read a command line, if it is one for which a single host is certain: options with their values."""
    if not arguments or arguments[0] != COMMAND:
        return None
    found: dict[str, str] = {}
    words = iter(arguments[1:])
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in VALUES:
            name = HOST if name == "-H" else name
            if name == HOST and name in found:
                return None
            found[name] = value if equals else next(words, "")
        elif word in FLAGS:
            found[word] = ""
        elif word.startswith("-"):
            return None
    host = found.get(HOST, "")
    return found if host and "://" not in host else None

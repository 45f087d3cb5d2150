"""The only host of a check is begun to be reached before the command line is read: that takes as long.

A command line counts of which every word is known here. All others are left to what reads them properly.
Where a value turns out to be wrong, as a spec that cannot be read, the host was connected to for nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from envcheck.hosts.remote import Remote

COMMAND = "check"
HOST = ("-H", "--host")
# Its options without a value, with one, and those that tell of more than one host, or of none, or wait for
# somebody: the time that a host may take counts from the beginning.
FLAGS = ("--no-live", "--quiet", "--sudo", "-q", "-v")
VALUES = (
    *("--color", "--fail-on", "--format", "--reveal", "--spec", "--stable-for", "--wait"),
    *("--connect-timeout", "--timeout", "--transport", "-f", "-s", *HOST),
)
LEFT = ("--hosts-file", "--key-file", "--limit", "--max-parallel", "--snapshot")


class Reach(NamedTuple):
    """A host and how it is reached, as it was written."""

    host: str
    transport: str = "auto"
    connect_timeout: str = "5s"
    timeout: str = "30s"
    sudo: bool = False
    verbose: bool = False


_begun: dict[Reach, Remote] = {}


def begin(arguments: Sequence[str]) -> None:
    """Begin to reach the host of a command line; nothing depends on it."""
    reach = understood(arguments)
    if reach is None or "://" in reach.host:
        return
    from envcheck.cli.making import Maker, times  # noqa: PLC0415 - only for other hosts
    from envcheck.errors import UsageError  # noqa: PLC0415
    from envcheck.hosts import resolve  # noqa: PLC0415
    from envcheck.hosts.destination import parse  # noqa: PLC0415

    try:
        resolve.begin(parse(reach.host))
        seconds = times(reach.connect_timeout, reach.timeout)
        host = Maker(reach.transport, seconds, sudo=reach.sudo, verbose=reach.verbose).make(reach.host)
    except (UsageError, ValueError):
        return  # it will be told by what reads it properly
    _begun[reach] = host
    host.hasten()


def take(reach: Reach) -> Remote | None:
    """Give the host, if that very one was begun."""
    return _begun.pop(reach, None)


def end() -> None:
    """Leave nothing behind that was not needed."""
    while _begun:
        _begun.popitem()[1].close()
    if "envcheck.hosts.questions" in sys.modules:
        from envcheck.hosts import questions  # noqa: PLC0415

        questions.drop()


def understood(arguments: Sequence[str]) -> Reach | None:
    """Read a command line, if it is one for which a single host is certain."""
    if not arguments or arguments[0] != COMMAND:
        return None
    values: dict[str, str] = {}
    flags: set[str] = set()
    words = iter(arguments[1:])
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in VALUES:
            name = HOST[-1] if name in HOST else name
            if name == HOST[-1] and name in values:
                return None
            values[name] = value if equals else next(words, "")
        elif word in FLAGS:
            flags.add(word)
        elif word.startswith("-"):
            return None
    if not values.get(HOST[-1]):
        return None
    usual = Reach("")
    return Reach(
        values[HOST[-1]],
        values.get("--transport", usual.transport),
        values.get("--connect-timeout", usual.connect_timeout),
        values.get("--timeout", usual.timeout),
        "--sudo" in flags,
        "-v" in flags,
    )

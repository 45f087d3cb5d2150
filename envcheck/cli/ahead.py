"""The only host of a check is begun to be reached before the command line is read: that takes as long.

Where a value turns out to be wrong, as a spec that cannot be read, the host was connected to for nothing.
"""

from typing import TYPE_CHECKING, NamedTuple

from envcheck.cli.early import HOST, last

if TYPE_CHECKING:
    from envcheck.cli.early import Words
    from envcheck.hosts.remote import Remote


class Reach(NamedTuple):
    """A host and how it is reached, as it was written."""

    host: str
    transport: str = "auto"
    connect_timeout: str = "5s"
    timeout: str = "30s"
    sudo: bool = False
    verbose: bool = False


USUAL = Reach("")
_begun: dict[Reach, "Remote"] = {}


def begin(words: "Words") -> None:
    """Begin to reach the host of the command line that *words* were understood of; nothing depends on it."""
    reach = meant(words)
    from envcheck import opening  # noqa: PLC0415 - only for other hosts
    from envcheck.cli.making import Maker, times  # noqa: PLC0415
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
    host.hasten(opening.requests(live="--no-live" not in words))


def take(reach: Reach) -> "Remote | None":
    """Give the host, if that very one was begun."""
    return _begun.pop(reach, None)


def end() -> None:
    """Leave nothing behind that was not needed."""
    while _begun:
        _begun.popitem()[1].close()


def meant(words: "Words") -> Reach:
    """Give how the host of a command line is reached, of what `early` has understood of it."""
    [host] = words[HOST]
    return Reach(
        host,
        last(words, "--transport", USUAL.transport),
        last(words, "--connect-timeout", USUAL.connect_timeout),
        last(words, "--timeout", USUAL.timeout),
        "--sudo" in words,
        "-v" in words,
    )

"""What the user calls a host: `[user@]host[:port]`, an IPv6 address with a port in brackets."""

import re
from typing import NamedTuple

from envcheck.errors import UsageError

PORTS = range(1, 65536)
FORM = re.compile(r"(?:(?P<user>.+)@)?(?:\[(?P<inner>[^\[\]]+)\]|(?P<host>[^\[\]@]+?))(?::(?P<port>\d+))?")
WORD = re.compile(r"[^\s\x00-\x20\x7f\"'`$\\;&<>|(){}*?!#~-][^\s\x00-\x20\x7f\"'`$\\;&<>|(){}*?!#~]*")


class Destination(NamedTuple):
    name: str  # as it was written
    host: str
    user: str | None = None
    port: int | None = None


def parse(text: str) -> Destination:
    """Read a destination.

    Raises:
        UsageError: It is none. Nothing in it can be taken for an option or reach a shell.
    """
    hint = "-H takes [user@]host[:port]"
    bare = text.rpartition("@")[2]
    if bare.count(":") > 1 and not bare.startswith("["):
        user, host, port = text.rpartition("@")[0] or None, bare, None
    else:
        match = FORM.fullmatch(text)
        if match is None:
            raise UsageError(f"no such host can be: {text or 'an empty name'}", hint)
        user, host, port = match["user"], match["inner"] or match["host"], match["port"]
    for word in (host, *((user,) if user is not None else ())):
        if not WORD.fullmatch(word):
            raise UsageError(f"no such host can be: {text}", hint)
    if port is not None and (len(port) > 5 or int(port) not in PORTS):  # noqa: PLR2004 - digits
        raise UsageError(f"no such port: {port}", hint)
    return Destination(text, host, user, None if port is None else int(port))

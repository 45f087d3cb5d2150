"""Environment blocks: the bytes of /proc/PID/environ and of live memory as readings.

A damaged block is a state, never an empty environment. Who damages it and how it looks: setproctitle(3)
of Python fills it with NULs, Ruby's and Perl's `$0=` write over it once the title is longer than argv,
uWSGI pads it with blanks.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakValueDictionary

from envcheck.model import Reading

# A legal block may hold an empty entry, or one without "=", so a single one of them proves nothing. Padding
# leaves long runs: the shortest run seen in a damaged block had 16 NULs, the longest in a sound one had 2.
PADDING = b"\0" * 16
# An entry may be empty, the last one too; a tail of more than that was written by a title.
TAIL = b"\0" * 4


def text(data: bytes) -> str:
    """Decode so that every byte survives."""
    return data.decode("utf-8", "surrogateescape")


def at_exec(data: bytes, status: str = "ok", *, spilled: bool = False) -> Reading:
    """Read the block of /proc/PID/environ.

    *status* is what reading it said; *spilled*: the command line is longer than its area, so the title
    has run over the environment. Values of a `partial` block are not given: which of them are whole
    cannot be told (the first one may have lost the beginning of its name).
    """
    if status not in ("ok", "truncated"):
        return Reading(status)
    if not data:
        return Reading("ok")
    if status == "truncated" or not data.endswith(b"\0"):
        return Reading("truncated", detail="the block ends in the middle")
    damage = _damage(data, spilled=spilled)
    if damage:
        # The first piece is what was written over it, or an entry that has lost the beginning of its name.
        pieces = data.split(b"\0")[1:] if data.strip(b"\0") else []
        survivors = any(b"=" in piece[1:] for piece in filter(None, pieces))
        return Reading("partial" if survivors else "clobbered", detail=damage)
    return live(data[:-1].split(b"\0"))


def _damage(data: bytes, *, spilled: bool) -> str:
    """Say what shows that a process title has been written over the block, or ""."""
    first = data.partition(b"\0")[0]
    if not data.strip(b"\0"):
        return "all bytes are NUL: a process title has wiped it"
    if data.startswith(b"\0") or PADDING in data or data.endswith(TAIL):
        return "padded with NUL bytes by a process title"
    if spilled:
        return "the process title runs over it"
    if first and not first.strip(b" "):
        return "padded with blanks by a process title"
    return ""


class Variables(dict[str, str]):
    """What a block holds, as long as anybody needs it."""

    __slots__ = ("__weakref__", "anomalies")
    anomalies: tuple[str, ...]


# The processes of a server have the same block, and those of a fleet much the same: each is kept once.
_known: WeakValueDictionary[bytes, Variables] = WeakValueDictionary()


def live(entries: Iterable[bytes]) -> Reading:
    """Read entries that are known to be whole, in their order."""
    entries = list(entries)
    block = b"%d\0" % len(entries) + b"\0".join(entries)
    variables = _known.get(block)
    if variables is None:
        variables = _known[block] = _variables(entries)
    return Reading("ok", variables, variables.anomalies)


def _variables(entries: Iterable[bytes]) -> Variables:
    variables = Variables()
    anomalies: list[str] = []
    repeated: dict[str, int] = {}
    for index, entry in enumerate(entries):
        name, separator, value = text(entry).partition("=")
        if not entry:
            anomalies.append(f"empty entry at {index}")
        elif not separator:
            anomalies.append(f"no '=' in entry {index}")
        elif not name:
            anomalies.append(f"empty name in entry {index}")
        elif name in variables:
            repeated[name] = repeated.get(name, 1) + 1
        else:
            variables[name] = value
    anomalies += [f"{name} stands {count} times: the first counts" for name, count in repeated.items()]
    variables.anomalies = tuple(anomalies)
    return variables

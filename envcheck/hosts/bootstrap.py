"""What is sent to a target before the first request: constant words to its shell, the rest on the input.

A login shell may be tcsh, fish or rbash: the command is a line of plain words and one pair of double quotes
that all of them read alike. What is user data, or secret, is never on it: every user of the target sees it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from pkgutil import iter_modules
from typing import Any

from envcheck import probe

PYTHON = (
    "python3",
    "-I",
    "-S",
    "-c",
    "import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))",
)
SHELL = ("sh",)
SUDO = ("sudo", "-n", "--")

QUICKLY = 4  # a twentieth more bytes than with all efforts, in a fifth of the time
LOADER = "arrive"  # goes before the rest
# What changes a target does not travel with what only reads it.
ACTING = ("acting", "act", "lock")


def line(program: Sequence[str], *, sudo: bool) -> str:
    """Give the words of a program as a line for a login shell."""
    words = (*(SUDO if sudo else ()), *program)
    return " ".join(f'"{word}"' if set(word) & set(" ;()") else word for word in words)


@cache
def prelude(*, acts: bool = False) -> bytes:
    """The loader and the packed source of the probe, each after its length; *acts*: with what can act."""
    names = [module.name for module in iter_modules(probe.__path__)]
    sources = {
        "envcheck_probe" + ("" if name == "__init__" else f".{name}"): _source(name)
        for name in sorted({"__init__", *names} - {LOADER} - (set() if acts else set(ACTING)))
    }
    main = f"\nmain({'acting' if acts else 'serve'!r})\n"
    loader = _source(LOADER).encode("utf-8") + main.encode("ascii")
    words = [word for pair in sources.items() for word in pair]
    packed = zlib.compress("\0".join(words).encode("utf-8"), QUICKLY)
    return b"%d\n%b%d\n%b" % (len(loader), loader, len(packed), packed)


def _source(name: str) -> str:
    """Give it from wherever envcheck has been imported from: a folder, or a zip file."""
    loader: Any = probe.__loader__
    data: bytes = loader.get_data(f"{probe.__path__[0]}/{name}.py")
    return data.decode("utf-8")

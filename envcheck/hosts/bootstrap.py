"""What is sent to a target before the first request: constant words to its shell, the rest on the input.

A login shell may be tcsh, fish or rbash: the command is a line of plain words and one pair of double quotes
that all of them read alike. What is user data, or secret, is never on it: every user of the target sees it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

PYTHON = (
    "python3",
    "-I",
    "-S",
    "-c",
    "import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))",
)
SHELL = ("sh",)
SUDO = ("sudo", "-n", "--")

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
    folder = files("envcheck.probe")
    names = [file.name.removesuffix(".py") for file in folder.iterdir() if file.name.endswith(".py")]
    sources = {
        "envcheck_probe" + ("" if name == "__init__" else f".{name}"): _source(folder, name)
        for name in sorted(set(names) - {LOADER} - (set() if acts else set(ACTING)))
    }
    main = f"\nmain({'acting' if acts else 'serve'!r})\n"
    loader = folder.joinpath(f"{LOADER}.py").read_bytes() + main.encode("ascii")
    words = [word for pair in sources.items() for word in pair]
    packed = zlib.compress("\0".join(words).encode("utf-8"), 9)
    return b"%d\n%b%d\n%b" % (len(loader), loader, len(packed), packed)


def _source(folder: Traversable, name: str) -> str:
    return folder.joinpath(f"{name}.py").read_text(encoding="utf-8")

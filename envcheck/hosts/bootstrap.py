"""What is sent to a target before the first request: constant words to its shell, the rest on the input.

A login shell may be tcsh, fish or rbash: the command is a line of plain words and one pair of double quotes
that all of them read alike. What is user data, or secret, is never on it: every user of the target sees it.
"""

from __future__ import annotations

import marshal
import threading
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from envcheck import probe

PYTHON = (
    "python3",
    "-I",
    "-S",
    "-c",
    "import sys;f=sys.stdin.buffer;exec(f.read(int(next(l for l in f if l.strip().isdigit()))))",
)
# A login file may exec another shell, which takes its input for commands: this ends it at once. It may read
# a line of it: there are two. To python3 they mean nothing: it looks for the first line that is a number.
OTHER_SHELL = 95
GUARD = b"exit %d\n" % OTHER_SHELL * 2
SHELL = ("sh",)
SUDO = ("sudo", "-n", "--")

QUICKLY = 4  # a twentieth more bytes than with all efforts, in a fifth of the time
LOADER = "arrive"  # goes before the rest
# All others; to look for them takes longer than to read them.
MODULES = (
    *("__init__", "block", "census", "commands", "dbus", "elf", "facts", "files", "frame", "host", "inside"),
    *("live", "locate", "manager", "memory", "procfs", "programs", "quick", "scan", "serve", "symtab"),
)
# What changes a target does not travel with what only reads it.
ACTING = ("acting", "act", "lock")
_packing = threading.Lock()  # it is packed once, and not by each thread that finds it is not yet


def line(program: Sequence[str], *, sudo: bool) -> str:
    """Give the words of a program as a line for a login shell."""
    words = (*(SUDO if sudo else ()), *program)
    return " ".join(f'"{word}"' if set(word) & set(" ;()") else word for word in words)


def prelude(*, acts: bool = False, near: bool = False) -> bytes:
    """The guard, the loader and the packed source of the probe, these after their length.

    *acts*: with what can act. *near*: with its bytecode too: two and a half times the bytes, sooner at work.
    """
    with _packing:
        return _prelude(acts=acts, near=near)


@cache
def _prelude(*, acts: bool, near: bool) -> bytes:
    names = (*MODULES, *(ACTING if acts else ()))
    sources = {_there(name): _source(name) for name in names}
    compiled = _compiled(names) if near else b"- 0\n"
    main = f"\nmain({'acting' if acts else 'serve'!r})\n"
    loader = _source(LOADER).encode("utf-8") + main.encode("ascii")
    words = [word for pair in sources.items() for word in pair]
    packed = zlib.compress("\0".join(words).encode("utf-8"), QUICKLY)
    return GUARD + b"%d\n%b%b%d\n%b" % (len(loader), loader, compiled, len(packed), packed)


def _there(name: str) -> str:
    """Give the name that a module of the probe has on a target."""
    return "envcheck_probe" + ("" if name == "__init__" else f".{name}")


def _compiled(names: Sequence[str]) -> bytes:
    from envcheck.hosts import compiled  # noqa: PLC0415 - only for hosts that are near

    packed = zlib.compress(marshal.dumps(compiled.modules({name: _there(name) for name in names})), QUICKLY)
    return b"%b %d\n%b" % (compiled.MAGIC.encode("ascii"), len(packed), packed)


def _source(name: str) -> str:
    """Give it from wherever envcheck has been imported from: a folder, or a zip file."""
    loader: Any = probe.__loader__
    data: bytes = loader.get_data(f"{probe.__path__[0]}/{name}.py")
    return data.decode("utf-8")

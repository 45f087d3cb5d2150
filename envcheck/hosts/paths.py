"""Paths as the configuration of ssh names them, and what is there."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence


def expand(path: str) -> str:
    """Expand ~ and ~user as ssh does: by the user database, whatever HOME says."""
    name, slash, rest = path.partition("/")
    if not name.startswith("~") or not slash:
        return path
    try:
        user = pwd.getpwnam(name[1:]) if name != "~" else pwd.getpwuid(os.getuid())
    except KeyError:
        return path
    return f"{user.pw_dir}/{rest}"


def content(path: str) -> bytes:
    """Read a file; b"" where that cannot be done. A pipe to which nobody writes is not waited for."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            return file.read(16777216) or b""
    except OSError:
        return b""


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def existing(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if os.path.isfile(path)]  # noqa: PTH113

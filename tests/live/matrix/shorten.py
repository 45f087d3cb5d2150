"""A command as the table shows it: without what differs from run to run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence


def shorten(argv: Sequence[str], names: Mapping[str, str]) -> str:
    """Say which command it is, and to what, by words that are the same in every run; *names*: of pids."""
    words = list(argv)
    if words[0] in ("setsid", "setpriv"):
        return "start it again"
    if words[0] == "timeout":
        return "wait for its end"
    if words[0] == "podman":
        words = _podman(words)
    return " ".join(names.get(w, "PID" if w.isdigit() and len(w) > 1 else _word(w)) for w in words)


def _podman(words: list[str]) -> list[str]:
    """Leave out where its containers are kept, and what they are created with."""
    verb = next(i for i, w in enumerate(words[1:], 1) if w in ("run", "restart", "kill"))
    if words[verb] != "run":
        return ["podman", *words[verb:]]
    return ["podman", "run", "--replace", words[words.index("--name") + 1]]


def _word(word: str) -> str:
    if "/" in word:
        return posixpath.basename(word)
    return re.sub(r"^(web)\d+", r"\1", word)

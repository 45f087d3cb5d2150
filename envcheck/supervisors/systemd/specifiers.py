"""Specifiers: what `%n` and its like stand for in a unit.

systemd.unit(5), "Specifiers", and observed: an unknown letter or digit spoils the word it stands in; before
anything else, and at the end, `%` stands for itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from envcheck.model import Answers
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import names
from envcheck.supervisors.systemd.names import UnitName

_SPECIFIER = re.compile(rb"%([A-Za-z0-9%])")
_NOBODY = Known(Answers())


class Scope(NamedTuple):
    """What the specifiers are taken from."""

    name: UnitName
    fragment: str = ""
    known: Known = _NOBODY
    architecture: str = ""
    manager: Mapping[str, str] | None = None  # the environment of a user's manager; None: the system's

    def text(self, path: str) -> str | None:
        """Give the content of a small file; "" where there is none, None where it may not be known."""
        facts = self.known.file(path)
        if facts is None or facts.status not in ("ok", "missing"):
            return None
        return facts.content.decode("utf-8", "surrogateescape").strip()

    def of_user(self, name: str, system: str) -> str | None:
        return system if self.manager is None else self.manager.get(name)


class Expanded(NamedTuple):
    value: bytes
    known: bool = True  # False: what a specifier stands for cannot be told


def expand(text: bytes, scope: Scope) -> Expanded | None:
    """Expand a word; None: systemd cannot, and ignores it."""
    pieces: list[bytes] = []
    at, known = 0, True
    while match := _SPECIFIER.search(text, at):
        letter = match[1].decode()
        if letter not in VALUES or (value := VALUES[letter](scope)) is _WRONG:
            return None
        known = known and value is not None
        pieces += [text[at : match.start()], (value or "").encode("utf-8", "surrogateescape")]
        at = match.end()
    return Expanded(b"".join((*pieces, text[at:])), known)


_WRONG = "\0wrong"


def _unescaped(text: str) -> str:
    plain = names.unescape(text)
    return _WRONG if plain is None else plain


def _file(scope: Scope) -> str:
    path = names.unescape_path(scope.name.instance or scope.name.prefix)
    return _WRONG if path is None else path


def _last(scope: Scope) -> str:
    return scope.name.prefix.rpartition("-")[2]


def _hostname(scope: Scope) -> str | None:
    return scope.text("/proc/sys/kernel/hostname")


def _short(scope: Scope) -> str | None:
    name = _hostname(scope)
    return None if name is None else name.partition(".")[0]


def _field(text: str | None, field: str) -> str | None:
    """Read one assignment of a file like os-release(5)."""
    if text is None:
        return None
    rows = (line.partition("=") for line in text.splitlines())
    found = [v.strip().strip("'\"") for name, _, v in rows if name.strip() == field]
    return found[-1] if found else ""


def _pretty(scope: Scope) -> str | None:
    found = _field(scope.text("/etc/machine-info"), "PRETTY_HOSTNAME")
    return found or (_hostname(scope) if found is not None else None)


def _release(field: str) -> Callable[[Scope], str | None]:
    def value(scope: Scope) -> str | None:
        text = scope.text("/etc/os-release")
        return _field(scope.text("/usr/lib/os-release") if text == "" else text, field)

    return value


def _undashed(path: str) -> Callable[[Scope], str | None]:
    def value(scope: Scope) -> str | None:
        text = scope.text(path)
        return text and text.replace("-", "")

    return value


def _fixed(name: str, system: str) -> Callable[[Scope], str | None]:
    return lambda scope: scope.of_user(name, system)


def _account(field: int) -> Callable[[Scope], str | None]:
    """Read a field of root's line in passwd(5); of a user's manager it is not told."""

    def value(scope: Scope) -> str | None:
        text = scope.text("/etc/passwd") if scope.manager is None else None
        rows = (line.split(":") for line in (text or "").splitlines())
        return next((row[field] for row in rows if row[0] == "root" and len(row) > field), None)

    return value


def _unit_path(scope: Scope) -> str:
    return scope.fragment


VALUES: dict[str, Callable[[Scope], str | None]] = {
    "%": lambda _: "%",
    "n": lambda s: s.name.full,
    "N": lambda s: s.name.bare,
    "p": lambda s: s.name.prefix,
    "P": lambda s: _unescaped(s.name.prefix),
    "i": lambda s: s.name.instance or "",
    "I": lambda s: _unescaped(s.name.instance or ""),
    "j": _last,
    "J": lambda s: _unescaped(_last(s)),
    "f": _file,
    "y": _unit_path,
    "Y": lambda s: posixpath.dirname(s.fragment),
    "t": _fixed("XDG_RUNTIME_DIR", "/run"),
    "S": _fixed("XDG_STATE_HOME", "/var/lib"),
    "C": _fixed("XDG_CACHE_HOME", "/var/cache"),
    "L": _fixed("\0", "/var/log"),
    "E": _fixed("XDG_CONFIG_HOME", "/etc"),
    "d": lambda s: f"/run/credentials/{s.name.full}" if s.manager is None else None,
    "T": lambda _: "/tmp",  # noqa: S108 - what systemd says
    "V": lambda _: "/var/tmp",  # noqa: S108
    "h": _fixed("HOME", "/root"),
    "u": _fixed("USER", "root"),
    "U": _fixed("\0", "0"),
    "g": _fixed("\0", "root"),
    "G": _fixed("\0", "0"),
    "s": _account(6),
    "H": _hostname,
    "l": _short,
    "q": _pretty,
    "m": _undashed("/etc/machine-id"),
    "b": _undashed("/proc/sys/kernel/random/boot_id"),
    "v": lambda s: s.text("/proc/sys/kernel/osrelease"),
    "a": lambda s: s.architecture or None,
    "o": _release("ID"),
    "w": _release("VERSION_ID"),
    "W": _release("VARIANT_ID"),
    "B": _release("BUILD_ID"),
    "A": _release("IMAGE_VERSION"),
    "M": _release("IMAGE_ID"),
    "c": lambda _: None,
    "r": lambda _: None,
    "R": lambda _: None,
}

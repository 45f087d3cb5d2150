"""Names of units: prefix, instance and type, their unescaped forms, and the drop-in folders they mean.

systemd.unit(5), "String escaping for inclusion in unit names", and its list of drop-in folders. Commands take
the escaped name as it is: `a\\x2db.service` and `a-b.service` are two units.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")


class UnitName(NamedTuple):
    full: str
    prefix: str
    instance: str | None  # None: neither an instance nor a template
    type: str

    @property
    def bare(self) -> str:
        """The name without its type."""
        return self.full.removesuffix(f".{self.type}")

    @property
    def template(self) -> str | None:
        return f"{self.prefix}@.{self.type}" if self.instance else None


def parse(name: str) -> UnitName:
    bare, _, kind = name.rpartition(".")
    prefix, at, instance = bare.partition("@")
    return UnitName(name, prefix, instance if at else None, kind)


def unescape(text: str) -> str | None:
    """Undo `systemd-escape`: `-` is a slash, \\xNN a byte; None: it is no escaped text."""
    raw = text.replace("-", "/").encode("utf-8", "surrogateescape")
    if b"\\" in _ESCAPED.sub(b"", raw):
        return None
    plain = _ESCAPED.sub(lambda m: bytes([int(m[1], 16)]), raw)
    return plain.decode("utf-8", "surrogateescape")


def unescape_path(text: str) -> str | None:
    """Undo `systemd-escape --path`."""
    if text == "-":
        return "/"
    plain = unescape(text)
    if not plain or plain.startswith("/") or plain.endswith("/") or "//" in plain:
        return None
    return None if {".", ".."} & set(plain.split("/")) else f"/{plain}"


def folders(name: UnitName) -> list[str]:
    """Give the drop-in folders of one unit within one folder of the search path, the strongest first."""
    found = [name.full, *([name.template] if name.template else ()), *_shorter(name)]
    return [f"{n}.d" for n in dict.fromkeys(found)]


def _shorter(name: UnitName) -> list[str]:
    """Give `a-b-.service` and `a-.service` for `a-b-c.service`."""
    found: list[str] = []
    prefix = name.prefix
    while "-" in prefix.rstrip("-"):
        prefix = prefix.rstrip("-").rpartition("-")[0]
        if prefix:
            found.append(f"{prefix}-.{name.type}")
    return found

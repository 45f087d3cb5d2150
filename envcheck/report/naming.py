"""Hosts and variables by name, as far as a screen has room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envcheck.escaping import escape
from envcheck.report.advice import wrapped
from envcheck.report.folding import fold
from envcheck.report.text import count

FEW = 8  # names that are told one by one


def hosts_of(hosts: Sequence[str]) -> str:
    return count(len(hosts), "host", "hosts")


def names_of(hosts: Sequence[str], width: int) -> list[str]:
    return wrapped(", ".join(map(escape, fold(hosts))), width, "  ")


def few(names: Iterable[str]) -> str:
    known = list(names)
    more = len(known) - FEW
    return ", ".join(known[:FEW]) + (f" and {more} more" if more > 0 else "")

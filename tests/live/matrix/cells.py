"""The cells of the matrix: which server, with or without preload, which origin, which change."""

from __future__ import annotations

from typing import NamedTuple

NAME = "COLOUR"
SERVERS = ("gunicorn", "gunicorn-20.1", "unicorn")
# What the source says before and after; None: it does not set the variable.
CHANGES: dict[str, tuple[str | None, str | None]] = {
    "changed": ("red", "blue"),
    "added": (None, "blue"),
    "removed": ("red", None),
}


class Cell(NamedTuple):
    server: str
    preload: bool
    origin: str
    change: str

    @property
    def before(self) -> str | None:
        return CHANGES[self.change][0]

    @property
    def after(self) -> str | None:
        return CHANGES[self.change][1]

    @property
    def kind(self) -> tuple[str, str]:
        """What every run of the tests has a cell of; how an upgrade is ended hangs on its supervisor."""
        family = "" if "upgrade" in self.origin else self.server.partition("-")[0]
        return family, self.origin

    def __str__(self) -> str:
        return f"{self.server}{'-preload' if self.preload else ''} {self.origin} {self.change}"

"""Why a configuration gives nothing: its program refuses it, or it could not be read here."""

from __future__ import annotations


class RejectError(Exception):
    """The supervisor would refuse the configuration. The message names no text of it."""

    def __init__(self, path: str, line: int | None, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class UnreadError(Exception):
    """A part of the configuration could not be read, or not be computed."""

    def __init__(self, path: str, message: str, changed: float = 0.0) -> None:
        super().__init__(message)
        self.path = path
        self.changed = changed

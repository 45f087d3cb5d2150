"""What is wrong in a spec, and where."""

from __future__ import annotations

LONGEST = 60


class Fault(Exception):  # noqa: N818 - SpecError is the error; this becomes one as soon as the path is known
    """A message for one line. It may name a key, never a value: that may be a secret."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def quoted(text: str) -> str:
    """Show a key on one line, whatever is in it."""
    return ascii(text if len(text) <= LONGEST else text[: LONGEST - 3] + "...")

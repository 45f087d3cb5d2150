"""Where reports go: standard output or a file, in which format, how wide and in which colour."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Sequence
from enum import StrEnum
from io import StringIO

from envcheck.errors import EnvcheckError, UsageError

NARROW, WIDE = 80, 120  # columns of a report that no terminal limits, and the most that reads well


class Color(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def formats(wanted: Sequence[str] | None, known: Sequence[str]) -> list[tuple[str, str]]:
    """Read `-f NAME[=PATH]` into (name, path); a path of "" is standard output.

    Raises:
        UsageError: There is no such format, or its file could not be written: told before anything is done.
    """
    pairs = [w.partition("=") for w in wanted or ["text"]]
    for name, equals, path in pairs:
        if name not in known:
            raise UsageError(f"no such format: {name} (there are: {', '.join(known)})")
        if equals and not path:
            raise UsageError(f"no file is named for the format: {name}=")
        if path and (why := _unwritable(path)):
            raise _not_written(path, why)
    return [(name, path) for name, _, path in pairs]


def _unwritable(path: str) -> int:
    """Tell the errno with which opening it to write would fail, as far as that is known before; else 0."""
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116
            return errno.EISDIR
    except FileNotFoundError:  # it will be made
        path = os.path.dirname(os.path.realpath(path))  # noqa: PTH120
        if not os.path.isdir(path):  # noqa: PTH112
            return errno.ENOENT
    except OSError as error:
        return error.errno or errno.EIO
    return 0 if os.access(path, os.W_OK) else errno.EACCES


def _not_written(path: str, error: int | None) -> UsageError:
    return UsageError(f"unable to write {path}: {os.strerror(error or 0)}")


def emit(text: str, path: str = "", *, color: Color = Color.NEVER, more: bool = False) -> None:
    """Write a report to a file or to standard output; a reader that leaves early changes no status.

    *more*: it goes on behind what the file has already.
    """
    if path:
        try:
            with open(path, "a" if more else "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123
                file.write(text)
        except OSError as error:
            raise _not_written(path, error.errno) from None
        return
    if sys.stdout is None:  # closed by whoever called
        raise EnvcheckError("unable to write the report: standard output is closed")
    if color is Color.ALWAYS or (
        color is Color.AUTO and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    ):
        text = _drawn(text)
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        abandon_output()
    except OSError as error:
        abandon_output()
        raise EnvcheckError(f"unable to write the report: {error.strerror}") from None


def tell(line: str) -> None:
    """Tell on standard error how far it is; that nobody listens changes nothing."""
    try:
        print(f"envcheck: {line}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = None


def abandon_output() -> None:
    """Let what could not be written go nowhere, or the interpreter tries, and complains, once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _drawn(text: str) -> str:
    """Draw the lines of a verdict in colour, with rich, as text that is never taken for markup."""
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.text import Text  # noqa: PLC0415

    from envcheck.report.text import is_loud  # noqa: PLC0415

    drawn = StringIO()
    console = Console(
        file=drawn, force_terminal=True, soft_wrap=True, highlight=False, markup=False, emoji=False
    )
    for line in text.splitlines():
        console.print(Text(line, style="bold red" if is_loud(line) else ""))
    return drawn.getvalue()


def width() -> int:
    """Give the columns of the terminal, as far as lines of that length read well."""
    try:
        return min(os.get_terminal_size(1).columns, WIDE)
    except OSError:
        return NARROW

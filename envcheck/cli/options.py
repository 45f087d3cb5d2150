"""The options that commands share, and what they come to."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import sys
from collections.abc import Sequence
from enum import StrEnum
from io import StringIO
from typing import Annotated

import typer

from envcheck.errors import EnvcheckError, UsageError
from envcheck.model import Severity, Spec
from envcheck.secrecy import Policy

TARGET_HELP = (
    "A pid, an app of the spec, unit:NAME, pidfile:PATH, cwd:PATH, port:N or server:KIND. None means all."
)

Targets = Annotated[list[str] | None, typer.Argument(metavar="[TARGET]...", help=TARGET_HELP)]
SpecOption = Annotated[
    str | None, typer.Option("-s", "--spec", metavar="FILE", help="What is expected: a YAML file.")
]
Formats = Annotated[
    list[str] | None,
    typer.Option("-f", "--format", metavar="NAME[=PATH]", help="text or json, to standard output or a file."),
]
Reveal = Annotated[
    list[str] | None,
    typer.Option("--reveal", metavar="NAME", help="Show the values of these variables (a glob)."),
]
Snapshots = Annotated[
    list[str] | None,
    typer.Option("--snapshot", metavar="FILE|DIR", help="Judge records instead of this machine."),
]
KeyFile = Annotated[
    str | None,
    typer.Option("--key-file", metavar="FILE", help="The key of the fingerprints; - is standard input."),
]
NoLive = Annotated[
    bool, typer.Option("--no-live", help="Read the environment at exec only, not live memory.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No text on standard output.")]
FailOn = Annotated[Severity, typer.Option("--fail-on", help="The least severity that is drift.")]
StableFor = Annotated[
    str, typer.Option("--stable-for", metavar="DUR", help="For how long the same processes have to be well.")
]
ERROR = Severity.ERROR


class Color(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


Colors = Annotated[Color, typer.Option("--color", help="Draw the verdict in colour.")]

NARROW, WIDE = 80, 120  # columns of a report that no terminal limits, and the most that reads well


def policy(reveal: Sequence[str] | None, key_file: str | None = None) -> Policy:
    """Make the policy of this run: fingerprints are good for this run alone, or for a key that others have.

    Raises:
        UsageError: The key file cannot be read, is no key, or is open to others.
    """
    key = os.urandom(32)
    if key_file is not None:
        from envcheck.cli import keys  # noqa: PLC0415

        key = keys.read(key_file)
    return Policy(key=key, reveal=tuple(reveal or ()))


def version() -> str:
    """Give the version that is installed; where envcheck runs from a folder or an archive, none is."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("envcheck-proc")
    except PackageNotFoundError:
        return "of no release"


def load_spec(path: str | None) -> Spec | None:
    """Read the spec.

    Raises:
        UsageError: It cannot be read, or is not written as it should be.
    """
    if path is None:
        return None
    from envcheck import spec  # noqa: PLC0415 - only with a spec
    from envcheck.servers import SERVERS  # noqa: PLC0415

    return spec.load(content(path, "spec"), absolute(path, "spec"), (*SERVERS, "any"))


def content(path: str, what: str) -> bytes:
    """Read a file of this machine; *what* it is, for messages.

    Raises:
        UsageError: It cannot be read.
    """
    from envcheck.hosts.local import Local  # noqa: PLC0415

    facts = Local().ask([{"op": "file", "path": absolute(path, what)}])[0]
    if facts["status"] != "ok":
        from envcheck.sources.chain import WHY  # noqa: PLC0415

        too_large = {"oversized": "it is too large"}
        why = (WHY | too_large).get(facts["status"]) or facts.get("detail") or facts["status"]
        raise UsageError(f"unable to read the {what} {path}: {why}")
    read: bytes = facts["content"]
    return read


def absolute(path: str, what: str) -> str:
    """Make a path absolute.

    Raises:
        UsageError: It is empty, or relative to a folder that is gone.
    """
    if not path:
        raise UsageError(f"no {what} is named: its path is empty")
    try:
        return posixpath.abspath(path)
    except OSError:
        raise UsageError(
            f"unable to find {path}: the working directory is gone", "name it by its full path"
        ) from None


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

"""The command line: parse, call, print, exit. Nothing is decided here.

Status 1 means drift and nothing else ever, so nothing that goes wrong may exit with it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from envcheck.cli import early, leaving

TYPE_CHECKING = False  # `typing` takes longer to be imported than all that is needed here
if TYPE_CHECKING:
    from types import ModuleType

    from envcheck.errors import EnvcheckError

BUG = 70


def main() -> None:
    """Run the command line and exit.

    The interpreter is not taken apart: that takes a twentieth of a run, and a thread that still waits for a
    host may crash it. (mypy does the same: mypy/util.py, hard_exit.)
    """
    try:
        status = run(sys.argv[1:])
    except SystemExit as done:
        if not isinstance(done.code, int):
            raise
        status = done.code
    if threading := sys.modules.get("threading"):
        _wait(threading)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        sys.exit(status)  # the interpreter has its own way with what is closed, or full
    os._exit(status)


def _wait(threading: ModuleType) -> None:
    """Let threads end that see to something, as the interpreter would."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()


def run(arguments: Sequence[str]) -> int:
    """Run a command line; give its exit status. From its end on, signals are ignored."""
    # A run is short and its data small: looking for cycles costs milliseconds and frees next to nothing.
    gc.set_threshold(100_000, 50, 50)
    leaving.on_signals()
    try:
        return _run(arguments)
    except Exception as error:  # noqa: BLE001 - a bug; its text may hold values, and is not shown
        return _bug(error)
    finally:
        try:
            leaving.in_any_case()
        finally:
            early.end()


def _run(arguments: Sequence[str]) -> int:
    """Most of the time goes into imports: the signals must be seen to before, and others be at work."""
    words = early.understood(arguments)
    if words is not None and early.HOST in words:
        early.begin(words)
    from envcheck.errors import EnvcheckError  # noqa: PLC0415

    try:
        return _called(arguments, words)
    except EnvcheckError as error:
        return say(error)
    except OSError as error:
        # A full disk, no descriptors left. What a single reading meets is in the snapshot.
        from envcheck.cli.output import abandon_output  # noqa: PLC0415

        abandon_output()
        return say(EnvcheckError(f"unable to go on: {error.strerror}"))


def _called(arguments: Sequence[str], words: early.Words | None) -> int:
    if words is not None:
        from envcheck.cli import ahead  # noqa: PLC0415

        if early.HOST in words:
            ahead.begin(words)
        from envcheck.cli import plain  # noqa: PLC0415

        status = plain.check(words)
        if status is not None:
            return status
    from envcheck.cli.application import run  # noqa: PLC0415

    return run(arguments)


def say(error: EnvcheckError) -> int:
    """Tell an error on standard error; give its exit status."""
    from envcheck.escaping import escape  # noqa: PLC0415

    _tell(f"error: {escape(str(error))}")
    if error.hint.strip():
        _tell(f"hint: {escape(error.hint)}")
    return error.exit_status


def _bug(error: Exception) -> int:
    """Say where a bug is, and nothing of what it was about."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "an unknown place"
    _tell(f"bug: {type(error).__name__} at {where}")
    _tell("hint: please report this line; no report was made")
    return BUG


def _tell(line: str) -> None:
    """Write to standard error; that it is closed, or full, changes no status."""
    try:
        print(f"envcheck: {line}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = None

"""What Gunicorn was told: by its command line, which wins, and by GUNICORN_CMD_ARGS before it."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from functools import lru_cache

from envcheck.model import Process

OPTIONS = "GUNICORN_CMD_ARGS"
SCRIPT = re.compile(r"gunicorn(3|_\w+|-\d[\d.]*)?$")
# Options of the interpreter that take the next word as their value (python --help).
TAKES_VALUE = ("-W", "-X", "--check-hash-based-pycs")


def is_gunicorn(argv: Sequence[str]) -> bool:
    """Tell whether the interpreter runs gunicorn: its script, or `-m gunicorn`, not a mere mention of it."""
    return program_at(argv) is not None


def program_at(argv: Sequence[str]) -> int | None:
    """Give the index of the first argument of gunicorn itself."""
    if argv and SCRIPT.match(posixpath.basename(argv[0])):
        return 1
    index = 1
    while index < len(argv):
        word = argv[index]
        if word == "-m":
            module = argv[index + 1] if index + 1 < len(argv) else ""
            return index + 2 if module.split(".")[0] == "gunicorn" else None
        if word in TAKES_VALUE:
            index += 2
        elif word.startswith("-") and word != "-":
            if "c" in word[1:] and not word.startswith("--"):
                return None  # python -c CODE
            index += 1
        else:
            return index + 1 if SCRIPT.match(posixpath.basename(word)) else None
    return None


# Asked dozens of times about each process, and with the same words for the workers, on all hosts.
_program_at = lru_cache(maxsize=64)(program_at)


def own_arguments(process: Process) -> tuple[str, ...]:
    """Give what gunicorn was told: GUNICORN_CMD_ARGS, then the command line, which wins."""
    return from_environment(process) + from_command_line(process)


def from_command_line(process: Process) -> tuple[str, ...]:
    start = _program_at(process.argv)
    return () if start is None else process.argv[start:]


def from_environment(process: Process) -> tuple[str, ...]:
    running = process.at_exec if process.at_exec.usable else process.live
    return _words(running.variables.get(OPTIONS, ""))


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))  # as Config.get_cmd_args_from_env() does
    except ValueError:
        return ()

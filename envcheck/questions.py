"""Questions to the ssh of this machine. One may be put before its answer is wanted.

It is imported before anything else of envcheck: it imports little itself.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

Question = tuple[str, ...]

HOW = ("-v", "-G")  # it says as well which files it has read
# Without a command it refuses hosts with ForkAfterAuthentication; with one, those that have a RemoteCommand.
BEFORE, AFTER = ("-o", "RemoteCommand=none"), ("true",)
USUALLY = ("ssh", "-F", "none", "-G", "--", "host")
USUAL = 5.0  # seconds for ssh to say what it does without any configuration

_under_way: dict[Question, subprocess.Popen[bytes]] = {}


def of_host(host: str, *flags: str, how: Question = HOW) -> Question:
    """Give the question what the configuration says of a host, as a command line."""
    return ("ssh", *how, *BEFORE, *flags, "--", host, *AFTER)


def put(question: Question) -> None:
    """Have it answered for whoever asks the same; where that is not possible, it is told to him."""
    if question in _under_way:
        return
    with suppress(OSError):
        _under_way[question] = _started(question)


def answer(question: Question, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Wait for the answer.

    Raises:
        OSError: The command cannot be started.
        TimeoutError: It takes too long, and has been ended.
    """
    process = _under_way.pop(question, None) or _started(question)
    try:
        said, complained = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        raise TimeoutError from None
    except BaseException:
        _end(process)
        raise
    return subprocess.CompletedProcess(question, process.returncode, said, complained)


@lru_cache(maxsize=1)
def usual() -> Mapping[str, str]:
    """Give what ssh says where nothing is configured; {} where it does not say."""
    try:
        done = answer(USUALLY, USUAL)
    except OSError:  # a TimeoutError as well
        return {}
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    return {key: value for key, _, value in (line.partition(" ") for line in lines)}


def end() -> None:
    """End what nobody wants to know any more."""
    while _under_way:
        _end(_under_way.popitem()[1])


def _started(question: Question) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        question, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, and the command of a `Match exec` that it waits for."""
    from envcheck.below import kill  # noqa: PLC0415 - only where something hangs

    kill(process)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()

"""Why a target gave no answer at all: read from the exit status and what was printed instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from envcheck.errors import HostError
from envcheck.hosts.bootstrap import OTHER_SHELL
from envcheck.hosts.stream import Ended

PHASE = "starting python3"
NOT_STARTED, NOT_FOUND, TOO_OLD = 126, 127, 93
LONGEST = 200  # characters that are told of what the target printed


class Said(NamedTuple):
    code: int | None
    stderr: str
    stdout: str


class Kind(NamedTuple):
    status: str
    message: str
    hint: str
    when: Callable[[Said], bool]


def _says(*words: str) -> Callable[[Said], bool]:
    def told(said: Said) -> bool:
        return any(word in said.stderr.lower() for word in words)

    return told


def _ended(code: int) -> Callable[[Said], bool]:
    def told(said: Said) -> bool:
        return said.code == code

    return told


def _no_sudo(said: Said) -> bool:
    return said.code == NOT_FOUND and "python3" not in said.stderr


def _sudo_refuses(said: Said) -> bool:
    return said.stderr.lower().startswith("sudo:") and "not found" not in said.stderr


def _no_python(said: Said) -> bool:
    return said.code == NOT_FOUND or ("python3" in said.stderr and "not found" in said.stderr.lower())


def _no_shell(said: Said) -> bool:
    return said.code == 1 and (not said.stderr.strip() or "not available" in said.stdout)


REFUSED = "sudo-refused"
# A python3 that is another program, or broken, looks like a shell that runs none: whether there is a shell is
# then to be seen.
NO_PYTHON = frozenset({"no-python", "no-shell", "forced-command", "no-answer"})
NOTHING = NO_PYTHON | {REFUSED, "timed-out"}
LISTS = "sudo -n -l on that host shows what is allowed"
SUDO = (
    Kind(
        REFUSED,
        "sudo is not installed there",
        "connect as a user who may read the servers, without --sudo",
        _no_sudo,
    ),
    Kind(
        REFUSED,
        "sudo wants a terminal (requiretty)",
        "put 'Defaults:USER !requiretty' into its sudoers: a terminal would change the bytes",
        _says("must have a tty", "a terminal is required to run sudo"),
    ),
    Kind(
        REFUSED,
        "sudo does not let this user run python3",
        "ask for a line in its sudoers, or connect as root",
        _says("not in the sudoers", "not allowed", "may not run"),
    ),
    Kind(
        REFUSED,
        "sudo wants a password, or does not let this user run python3",
        f"{LISTS}; a NOPASSWD line for python3 is as good as root",
        _says("password is required", "a terminal is required to read the password"),
    ),
    Kind(REFUSED, "sudo refuses", LISTS, _sudo_refuses),
)
KINDS = (
    Kind(
        "no-python",
        "it has no python3",
        "install python3 there: a shell alone brings less",
        _no_python,
    ),
    Kind("no-python", "its python3 is older than 3.6", "install a newer python3 there", _ended(TOO_OLD)),
    # Python 2, and 3 before 3.4.
    Kind(
        "no-python",
        "its python3 is older than 3.6",
        "install a newer python3 there",
        _says("unknown option: -i"),
    ),
    Kind("no-python", "its python3 cannot be started", "repair the python3 there", _ended(NOT_STARTED)),
    Kind(
        "no-shell",
        "its login shell runs no command",
        "getent passwd USER on that host shows the shell: connect as a user who has one",
        _no_shell,
    ),
    Kind(
        "no-shell",
        "a file of its login shell starts another shell, which is given no command",
        "look for exec in the login files of that user: it is for shells with a terminal alone ([ -t 0 ])",
        _ended(OTHER_SHELL),
    ),
    Kind(
        "forced-command",
        "something else than python3 answers: a forced command, or a shell that runs none",
        "look for command= in authorized_keys and ForceCommand in sshd_config of that host",
        _ended(0),
    ),
)


def explain(ended: Ended, stdout: bytes, *, sudo: bool) -> HostError:
    said = Said(
        ended.code, ended.stderr.decode("utf-8", "replace"), stdout[-4096:].decode("utf-8", "replace")
    )
    lines = [line.strip() for line in (said.stderr or said.stdout).splitlines() if line.strip()]
    last = f": {lines[-1][:LONGEST]}" if lines else ""
    for kind in (*(SUDO if sudo else ()), *KINDS):
        if kind.when(said):
            return HostError(kind.status, PHASE, kind.message + last, kind.hint)
    how = "the connection was closed" if said.code is None else f"the command ended with {said.code}"
    return HostError("no-answer", PHASE, f"there is no answer: {how}{last}")

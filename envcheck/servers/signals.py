"""Signals as bit masks, and steps that send them."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.model import Disruption, Process, Server, Step

# Numbers of Linux on x86, ARM and most others (signal(7)).
NUMBERS = {
    "HUP": 1,
    "QUIT": 3,
    "ABRT": 6,
    "USR2": 12,
    "TERM": 15,
    "CHLD": 17,
    "TTIN": 21,
    "TTOU": 22,
    "WINCH": 28,
}


def mask(*names: str) -> int:
    """Give the mask in which SigCgt and SigIgn of /proc/PID/status have the signals set."""
    return sum(1 << NUMBERS[name] - 1 for name in names)


def has(value: int, wanted: int) -> bool:
    return value & wanted == wanted


def send(name: str, pid: int, why: str, disruption: Disruption | None = None) -> Step:
    return Step(("kill", f"-{name}", str(pid)), why, disruption)


def masters(server: Server) -> list[Process]:
    """Give the masters: nothing else takes a signal for the whole server."""
    return [g.master for g in server.generations if g.master]


def started_in(process: Process) -> str | None:
    """Give the folder that a shell started it in, as PWD tells; None where it does not."""
    reading = process.at_exec if process.at_exec.usable else process.live
    told = reading.variables.get("PWD", "")
    return told if told.startswith("/") else None


def option(argv: Sequence[str], *names: str) -> list[str]:
    """Give the values of an option, as `-c X`, `-cX`, `--config X` and `--config=X` give them."""
    values: list[str] = []
    for index, word in enumerate(argv):
        for name in names:
            if word == name and index + 1 < len(argv):
                values.append(argv[index + 1])
            elif name.startswith("--") and word.startswith(name + "="):
                values.append(word[len(name) + 1 :])
            elif not name.startswith("--") and word.startswith(name) and word != name:
                values.append(word[len(name) :])
    return values

"""A small herder: starts a server that daemonises, watches it by its pid file, and turns HUP into an upgrade.

herder.py -u unicorn|gunicorn -p PIDFILE [-o OVERLAP] -- ARGUMENTS
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

POLL = 0.1
TRIES = 5
PATIENCE = 120.0
PIDFILE_OPTION = {"unicorn": "-P", "gunicorn": "-p"}
FORWARDED = ("INT", "QUIT", "TERM", "TTIN", "TTOU", "USR1", "USR2")
ENDS = ("INT", "QUIT", "TERM")


class Herder:
    def __init__(self, pidfile: str, overlap: float) -> None:
        self.pidfile = pidfile
        self.overlap = overlap
        self.master = 0
        self.known: set[int] = set()
        self.reloading = False
        self.ending = False

    def spawn(self, kind: str, arguments: list[str]) -> None:
        subprocess.run([kind, "-D", PIDFILE_OPTION[kind], self.pidfile, *arguments], check=True)

    def listen(self) -> None:
        for name in FORWARDED:
            signal.signal(getattr(signal, f"SIG{name}"), self.forward)
        signal.signal(signal.SIGHUP, self.reload)

    def forward(self, number: int, _: object) -> None:
        self.ending = self.ending or signal.Signals(number).name[3:] in ENDS
        kill(self.master, number)

    def reload(self, *_: object) -> None:
        self.reloading = True
        kill(self.master, signal.SIGUSR2)

    def current(self) -> int | None:
        """Read the first pid file that there is, the new one first."""
        for path in (f"{self.pidfile}.2", self.pidfile, f"{self.pidfile}.oldbin"):
            with contextlib.suppress(OSError, ValueError):
                return int(Path(path).read_text())
        return None

    def patiently(self) -> int | None:
        for _ in range(TRIES):
            if (pid := self.current()) is not None or self.ending:
                return pid
            time.sleep(POLL)
        return None

    def watch(self) -> int:
        while True:
            pid = self.patiently()
            if pid is None:
                if not self.ending:
                    for master in self.known:
                        kill(master, signal.SIGKILL)
                return 0 if self.ending else 1
            self.known.add(pid)
            if self.master and pid != self.master and self.reloading:
                self.reloading = False
                self.replace(self.master, pid)
            self.master = pid
            if not alive(pid):
                return 0 if self.ending else 1
            time.sleep(POLL)

    def replace(self, old: int, new: int) -> None:
        """Wait until the new master has its workers, then retire the old one."""
        end = time.monotonic() + PATIENCE
        workers = max(1, len(children(old) - {new}))
        while time.monotonic() < end and len(children(new)) < workers:
            time.sleep(POLL)
        time.sleep(self.overlap)
        kill(old, signal.SIGWINCH)
        time.sleep(POLL)
        kill(old, signal.SIGQUIT)


def kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(pid, number)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def children(pid: int) -> set[int]:
    try:
        return {int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


def main() -> int:
    own, _, rest = " ".join(["\0".join(sys.argv[1:])]).partition("\0--\0")
    parser = argparse.ArgumentParser()
    parser.add_argument("-u", "--unicorn", default="unicorn")
    parser.add_argument("-p", "--pidfile", required=True)
    parser.add_argument("-o", "--overlap", type=float, default=0.2)
    given = parser.parse_args(own.split("\0"))
    herder = Herder(given.pidfile, given.overlap)
    herder.spawn(given.unicorn, rest.split("\0"))
    herder.listen()
    return herder.watch()


if __name__ == "__main__":
    sys.exit(main())

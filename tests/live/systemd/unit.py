"""One gunicorn as a unit of the booted systemd."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from live.checking import Verdict
from live.harness import free_port, wait_for
from live.systemd.judging import check
from live.systemd.machine import Machine

Json = dict[str, Any]
UNITS = "/etc/systemd/system"
GUNICORN = str(Path(sys.executable).with_name("gunicorn"))


class Unit:
    """One gunicorn as a unit; `own` is what else stands in [Service], `{gunicorn}` of a command is it."""

    program = GUNICORN

    def __init__(self, machine: Machine, name: str, own: str, *, file: str = "", command: str = "") -> None:
        self.machine, self.name = machine, name
        self.file = f"{UNITS}/{file or name}"
        self.port = free_port()
        self.define(own, command)
        machine.systemctl("daemon-reload")
        machine.systemctl("restart", name)
        self.ready()

    def define(self, own: str, command: str = "") -> None:
        server = f"{self.program} -w 2 -b 127.0.0.1:{self.port} app:app"
        line = command.replace("{gunicorn}", server) or server
        text = f"[Service]\nType=notify\nNotifyAccess=all\nWorkingDirectory=/srv\nExecStart={line}\n{own}\n"
        self.machine.write(self.file, text + "[Install]\nWantedBy=multi-user.target\n")

    @property
    def master(self) -> int:
        return int(self.machine.systemctl("show", "-p", "MainPID", "--value", "--", self.name))

    def ready(self) -> None:
        """Wait for both workers: their own code runs."""

        def complete() -> bool:
            found = self.machine.ask("pgrep", "-P", str(self.master)).split()
            return len(found) == 2

        wait_for(complete, f"{self.name} has no workers")

    def live(self) -> dict[str, str]:
        """Give what the application of a worker has."""
        with urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
            found: dict[str, str] = json.load(answer)["environ"]
        return found

    def check(self) -> Verdict:
        return check(self.machine, str(self.master))

    def carry_out(self, steps: list[Json]) -> None:
        for step in steps:
            self.machine.run(*step["argv"])
        self.ready()

    def stop(self) -> None:
        self.machine.systemctl("stop", "--", self.name)


class Packaged(Unit):
    """That of the system, which everybody may run."""

    program = "/usr/bin/gunicorn"

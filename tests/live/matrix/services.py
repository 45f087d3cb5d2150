"""Places under runit, daemontools, s6: an envdir in the run script, or the script itself."""

from __future__ import annotations

import signal
from pathlib import Path

from live.harness import clean, detach, kill_all_in, need, processes_in, send
from live.matrix.cells import NAME
from live.matrix.place import Place, envdir

# The watcher of a service folder, and what puts a folder of variables into the environment.
TOOLS = {
    "runit": ("runsv", "chpst -e"),
    "daemontools": ("supervise", "envdir"),
    "s6": ("s6-supervise", "s6-envdir"),
}


class Service(Place):
    """Under a watcher of its own."""

    tool = ""

    def launch(self) -> None:
        watcher, _ = TOOLS[self.tool]
        need(watcher)
        self.service = self.home / "service"
        self.service.mkdir(exist_ok=True)
        self.script()
        detach([watcher, str(self.service)], self.folder, clean(self.folder))

    def script(self) -> None:
        raise NotImplementedError

    def write_run(self, *lines: str) -> None:
        run = self.service / "run"
        path = self.server.env["PATH"]
        head = ["#!/bin/sh", f"exec >>{self.folder}/log 2>&1", f"cd {self.folder} || exit 1"]
        run.write_text("\n".join([*head, f"export PATH={path}", *lines, ""]))
        run.chmod(0o755)

    def stop(self) -> None:
        """End the watcher first, so that it starts nothing again; then all that it has started."""
        watcher, _ = TOOLS[self.tool]
        for process in processes_in(self.home / "service"):
            if Path(f"/proc/{process.pid}/comm").read_text().strip() == watcher:
                send(process.pid, signal.SIGKILL)
        kill_all_in(self.home)


class Folder(Service):
    def put(self, value: str | None) -> None:
        envdir(self.folder / "env.d", value)

    def script(self) -> None:
        self.write_run(f"exec {TOOLS[self.tool][1]} ./env.d {' '.join(self.server.argv())}")


class Run(Service):
    value: str | None = None

    def put(self, value: str | None) -> None:
        self.value = value
        if (self.home / "service").exists():
            self.script()

    def script(self) -> None:
        exports = [] if self.value is None else [f"export {NAME}={self.value}"]
        self.write_run(*exports, f"exec {' '.join(self.server.argv())}")


class Runit(Folder):
    tool = "runit"


class Daemontools(Folder):
    tool = "daemontools"


class S6(Folder):
    tool = "s6"


class RunitRun(Run):
    tool = "runit"

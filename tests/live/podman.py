"""podman, real: a container on a throw-away overlay of the machine's own root: nothing is fetched."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from live.checking import Verdict, report
from live.harness import Server, clean, need, wait_for
from live.servers import Gunicorn


class Engine:
    """podman with a storage of its own, and one container in it."""

    def __init__(self, name: str, rootfs: str = "/:O") -> None:
        need("podman", "runc")
        self.name, self.rootfs = name, rootfs
        self.place = Path(tempfile.mkdtemp(prefix="ec"))  # podman takes no runroot of more than 50 signs
        self.limits: tuple[str, ...] = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")

    def tool(self, *words: str) -> list[str]:
        places = [w for n in ("root", "runroot", "tmpdir") for w in (f"--{n}", str(self.place / n))]
        return ["podman", *places, "--runtime", "runc", "--cgroup-manager=cgroupfs", *words]

    def run(self, *argv: str) -> None:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60, env=clean())
        assert done.returncode == 0, done.stderr

    def create(self, server: Server, *given: str, command: list[str]) -> None:
        """Start the container: *given* are options, *command* is its first process."""
        (server.folder / "log").touch()
        where = ("--network=host", "--workdir", str(server.folder), *self.limits)
        options = ("run", "-d", "--name", self.name, *where, *given, "--env", f"PATH={server.env['PATH']}")
        self.run(*self.tool(*options, "--rootfs", self.rootfs, *command))

    def remove(self) -> None:
        self.run(*self.tool("rm", "-f", "-i", "-t", "0", self.name))

    def forget(self) -> None:
        """Remove the container and its storage."""
        try:
            self.remove()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)


class Container(Gunicorn):
    """Gunicorn as the first process of a container, with variables from a file and from an option."""

    def __init__(self, home: Path, rootfs: str = "/:O") -> None:
        super().__init__(home / "web", chain=())
        self.engine = Engine(f"envcheck-{self.port}", rootfs)
        self.name, self.tool, self.run = self.engine.name, self.engine.tool, self.engine.run
        self.file = home.resolve() / "shop.env"

    def launch(self) -> Self:
        given = ("--env-file", str(self.file), "--env", "BY_OPTION=1")
        self.engine.create(self, *given, command=self.command())
        return self

    def command(self) -> list[str]:
        """Give what the container runs first."""
        program, *arguments = self.argv()
        return [sys.executable, "-m", program, *arguments]

    def door(self) -> str:
        """Give a PATH with a podman on it that knows where these containers are kept."""
        script = self.engine.place / "bin" / "podman"
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f'#!/bin/sh\nexec {shlex.join([str(shutil.which("podman")), *self.tool()[1:]])} "$@"\n'
        )
        script.chmod(0o755)
        return f"{script.parent}:{clean()['PATH']}"

    def ready(self, masters: int = 1) -> Self:
        """Wait for all processes and an answer: what answers gives its pid as the container has it."""
        wait_for(
            lambda: [len(w) for w in self.generations().values()] == [self.workers] * masters, "no workers"
        )
        wait_for(self.ask, "no answer")
        return self

    def colour(self) -> str:
        answer = self.ask()
        assert answer is not None
        return answer.environ["COLOUR"]

    def stop(self) -> None:
        self.engine.forget()

    def judge(self) -> Verdict:
        document = report("check", f"cwd:{self.folder}", "--reveal", "*")
        [app] = document["hosts"][0]["apps"]
        return Verdict(document["exit_code"], app)

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
from live.harness import clean, need, wait_for
from live.servers import Gunicorn


class Container(Gunicorn):
    """Gunicorn as the first process of a container, with variables from a file and from an option."""

    def __init__(self, home: Path, rootfs: str = "/:O") -> None:
        need("podman", "runc")
        super().__init__(home / "web", chain=())
        self.rootfs = rootfs
        self.name = f"envcheck-{self.port}"
        self.place = Path(tempfile.mkdtemp(prefix="ec"))  # podman takes no runroot of more than 50 signs
        self.file = home.resolve() / "shop.env"
        self.limits: tuple[str, ...] = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")

    def tool(self, *words: str) -> list[str]:
        places = [w for n in ("root", "runroot", "tmpdir") for w in (f"--{n}", str(self.place / n))]
        return ["podman", *places, "--runtime", "runc", "--cgroup-manager=cgroupfs", *words]

    def run(self, *argv: str) -> None:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60, env=clean())
        assert done.returncode == 0, done.stderr

    def launch(self) -> Self:
        (self.folder / "log").touch()
        given = ("--env-file", str(self.file), "--env", "BY_OPTION=1", "--env", f"PATH={self.env['PATH']}")
        where = ("--network=host", "--workdir", str(self.folder), *self.limits)
        words = ("run", "-d", "--name", self.name, *where, *given, "--rootfs", self.rootfs)
        self.run(*self.tool(*words, *self.command()))
        return self

    def command(self) -> list[str]:
        """Give what the container runs first."""
        program, *arguments = self.argv()
        return [sys.executable, "-m", program, *arguments]

    def door(self) -> str:
        """Give a PATH with a podman on it that knows where these containers are kept."""
        script = self.place / "bin" / "podman"
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
        try:
            self.run(*self.tool("rm", "-f", "-i", "-t", "0", self.name))
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def judge(self) -> Verdict:
        document = report("check", f"cwd:{self.folder}", "--reveal", "*")
        [app] = document["hosts"][0]["apps"]
        return Verdict(document["exit_code"], app)

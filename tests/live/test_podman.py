"""podman, real: a container on a throw-away overlay of the machine's own root: nothing is fetched."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from live.checking import Verdict, report
from live.harness import clean, need, root_only, wait_for
from live.servers import Gunicorn

pytestmark = [pytest.mark.live, root_only]


class Container(Gunicorn):
    """Gunicorn as the first process of a container, with variables from a file and from an option."""

    def __init__(self, home: Path) -> None:
        need("podman", "runc")
        super().__init__(home / "web", chain=())
        self.name = f"envcheck-{self.port}"
        self.place = Path(tempfile.mkdtemp(prefix="ec"))  # podman takes no runroot of more than 50 signs
        self.file = home.resolve() / "shop.env"
        self.limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")

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
        words = ("run", "-d", "--name", self.name, *where, *given, "--rootfs", "/:O")
        program, *arguments = self.argv()
        self.run(*self.tool(*words, sys.executable, "-m", program, *arguments))
        return self

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


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    server = Container(tmp_path)
    server.file.write_text("COLOUR=red\n")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_only_a_new_container_has_the_new_value(container: Container) -> None:
    before = container.judge()
    assert before.app["supervisor"] == {"kind": "podman", "name": container.name}
    assert (before.status, before.state) == (0, "in-sync"), before.app

    container.file.write_text("COLOUR=blue\n")
    stale = container.judge()
    assert (stale.status, stale.state) == (1, "stale"), stale.app
    [finding] = [f for f in stale.app["findings"] if f["variable"] == "COLOUR"]
    assert finding["configured"]["origin"] == f"{container.file}:1"
    remedy = stale.app["remedy"]
    assert (remedy["action"], remedy["sufficient"]) == ("recreate", True), remedy

    for step in remedy["insufficient"]:
        if "restart" not in step["argv"]:
            continue
        old = container.master
        container.run(*container.tool("restart", "-t", "3", container.name))
        wait_for(lambda old=old: old not in container.pids(), "it does not restart")  # type: ignore[misc]
        container.ready()
        assert container.colour() == "red"
        break
    else:
        pytest.fail("restart is not named as insufficient")
    assert container.judge().state == "stale"

    for step in container.judge().app["remedy"]["steps"]:
        container.run(*step["argv"])
    container.ready()
    assert container.colour() == "blue"
    after = container.judge()
    assert (after.status, after.state) == (0, "in-sync"), after.app

"""Servers under real supervisors: each supervisor in a folder beside that of its server, ended with it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from live.checking import Json, Verdict, report
from live.harness import OWN_BIN, clean, detach, kill_all_in, need, processes_in, wait_for
from live.servers import Gunicorn


class Supervised(Gunicorn):
    """Gunicorn in *home*/web, which a supervisor in *home*/sup starts."""

    supervisor = ""  # its program

    def __init__(self, home: Path, *args: str, own: Mapping[str, str] | None = None, **options: Any) -> None:
        need(self.supervisor)
        super().__init__(home / "web", *args, chain=(), **options)
        self.place = (home / "sup").resolve()
        self.place.mkdir()
        self.own = clean(home, OWN_BIN) | dict(own or {})

    def watch(self) -> Sequence[str]:
        """Give the command line of the supervisor."""
        raise NotImplementedError

    def command(self) -> str:
        """Give the command line of the server, for a configuration."""
        return " ".join([*self.chain, *self.argv()])

    def configure(self, name: str, text: str) -> Self:
        """Write a file of the supervisor's."""
        (self.place / name).write_text(text)
        return self

    def launch(self) -> Self:
        (self.folder / "log").touch()
        detach(list(self.watch()), self.place, self.own)
        return self

    def stop(self) -> None:
        kill_all_in(self.place)
        super().stop()

    def judge(self) -> Verdict:
        """Check without any spec."""
        document = report("check", f"cwd:{self.folder}")
        [app] = document["hosts"][0]["apps"]
        return Verdict(document["exit_code"], app)

    def supervisor_pid(self) -> int:
        argv = "\0".join(self.watch()[1:]).encode()
        pids = (p.pid for p in processes_in(self.place))
        return next(p for p in pids if argv in _read(Path(f"/proc/{p}/cmdline")))

    def replaced(self, master: int) -> None:
        """Wait until another master serves."""
        wait_for(lambda: master not in self.pids() and self.generations(), "no new master")
        self.ready()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def fine(server: Supervised) -> None:
    """It is in sync with what its supervisor would start now, without any spec."""
    verdict = server.judge()
    assert (verdict.status, verdict.wrong()) == (0, {}), verdict.app
    assert verdict.state == "in-sync"


def origin(verdict: Verdict, name: str) -> str:
    finding = verdict.finding(name)
    assert finding["configured"], finding
    return str(finding["configured"]["origin"])


def try_step(step: Json) -> None:
    """Run a step that is called insufficient: whether it says that it failed does not matter."""
    subprocess.run(step["argv"], check=False, capture_output=True, timeout=60, env=clean("/root"), cwd="/")

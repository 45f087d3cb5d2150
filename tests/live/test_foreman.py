"""Servers under the real foreman: what is configured, what its title hides, what cures what is stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from live.checking import carry_out, envcheck
from live.harness import Server, processes_in, wait_for
from live.supervised import Supervised, fine, origin, try_step

Run = Callable[[Server], Server]

COULD_NOT_TELL = 3


class Foreman(Supervised):
    supervisor = "foreman"

    def __init__(self, home: Path, *words: str, **options: Any) -> None:
        super().__init__(home, own={"GREETING": "hello"}, **options)
        self.words = words
        self.define("red")
        self.configure("Procfile", f"other: sleep 1000\nweb: cd {self.folder} && exec {self.command()}\n")

    def define(self, colour: str) -> None:
        self.configure(".env", f"COLOUR={colour}\nSIZE='very large'\nPATH={self.env['PATH']}\n")

    def supervisor_pid(self) -> int:
        return next(p.parent for p in processes_in(self.place) if p.name == "sleep")

    def watch(self) -> list[str]:
        return ["foreman", *self.words]


def test_what_is_stale_is_cured(home: Path, bare: Path, run: Run) -> None:
    server = Foreman(home, "run", "web", bins=bare)
    run(server)
    fine(server)
    assert server.judge().app["supervisor"]["kind"] == "foreman"
    assert server.http("SIZE") == {"very large"}
    server.define("blue")
    verdict = server.judge()
    assert verdict.wrong() == {"COLOUR": ("stale", "started-before-change")}
    assert origin(verdict, "COLOUR") == f"{server.place}/.env:1"
    master = server.master
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    assert server.http("COLOUR") == {"blue"}
    assert server.http("GREETING") == {"hello"}
    fine(server)


def test_a_title_hides_what_it_was_started_with(home: Path, run: Run) -> None:
    """It is named, and what it gives is not guessed; HUP ends it with all that it started."""
    server = Foreman(home, "start")
    run(server)
    assert server.http("PORT") == {"5100"}
    server.define("blue")
    verdict = server.judge()
    assert verdict.app["supervisor"]["name"] == "web.1"
    assert verdict.status == COULD_NOT_TELL
    assert verdict.wrong() == {}
    assert (
        "not read: Procfile: its title hides its command line"
        in envcheck("check", f"cwd:{server.folder}").out
    )
    try_step({"argv": ["kill", "-HUP", str(server.supervisor_pid())]})
    wait_for(lambda: not processes_in(server.place) and not server.pids(), "foreman stays")

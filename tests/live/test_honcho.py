"""Servers under the real honcho: what is configured, what is stale, and what cures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from live.checking import carry_out
from live.harness import OWN_BIN, Server, processes_in, wait_for
from live.supervised import Supervised, fine, origin, try_step

Run = Callable[[Server], Server]

ENV = """\
# of the shop
COLOUR=red
SIZE="very large"   # said
export NOT=this
PATH={path}
"""


class Honcho(Supervised):
    supervisor = "honcho"

    def __init__(self, home: Path, *args: str, own: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(home, *args, own={"GREETING": "hello", **(own or {})}, **options)
        self.define()
        self.configure("Procfile", f"other: sleep 1000\nweb: cd {self.folder} && exec {self.command()}\n")

    def define(self, **changed: str) -> None:
        text = ENV.format(path=self.env["PATH"])
        for old, new in changed.items():
            text = text.replace(f"={old}\n", f"={new}\n")
        self.configure(".env", text)

    def watch(self) -> list[str]:
        return [f"{OWN_BIN}/honcho", "start", "-c", "web=1"]


def test_fresh(home: Path, run: Run) -> None:
    server = Honcho(home)
    run(server)
    fine(server)
    owner = server.judge().app["supervisor"]
    assert (owner["kind"], owner["name"]) == ("honcho", "web.1")
    assert server.http("PORT") == {"5100"}
    assert server.http("SIZE") == {"very large"}


def test_what_is_stale_is_cured(home: Path, bare: Path, run: Run) -> None:
    server = Honcho(home, bins=bare)
    run(server)
    server.define(red="blue")
    verdict = server.judge()
    assert verdict.wrong() == {"COLOUR": ("stale", "started-before-change")}
    assert origin(verdict, "COLOUR") == f"{server.place}/.env:2"
    master = server.master
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    assert server.http("COLOUR") == {"blue"}
    assert server.http("GREETING") == {"hello"}
    fine(server)


def test_hup_leaves_the_old_server_behind(home: Path, bare: Path, run: Run) -> None:
    server = Honcho(home, bins=bare)
    run(server)
    server.define(red="blue")
    [hup] = [s for s in server.judge().remedy["insufficient"] if "ends by it" in s["why"]]
    mains = {p.pid for p in processes_in(server.place)}
    assert int(hup["argv"][2]) in mains
    try_step(hup)
    wait_for(lambda: int(hup["argv"][2]) not in {p.pid for p in processes_in(server.place)}, "honcho stays")
    assert server.http("COLOUR") == {"red"}


@pytest.mark.parametrize("name", ["Procfile", ".env"])
def test_it_would_not_start(name: str, home: Path, run: Run) -> None:
    server = Honcho(home)
    run(server)
    server.configure(name, "A='open\n" if name == ".env" else "nothing: true\n")
    verdict = server.judge()
    assert [f["cause"] for f in verdict.findings(None)] == ["unstartable"]
    assert verdict.remedy["action"] == "refuse"

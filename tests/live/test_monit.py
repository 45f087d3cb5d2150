"""Gunicorn under a real monit: what its control file, a file behind it and monit itself give; the cures."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from live.checking import Json, Verdict, carry_out, report
from live.harness import clean, need, root_only, send, wait_for
from live.servers import Gunicorn

PIDFILE = Path("/run/monit.pid")
CONTROL = """\
set daemon 1
set pidfile /run/monit.pid
set statefile {folder}/monit.state
set idfile {folder}/monit.id
set logfile {folder}/monit.log
set httpd unixsocket {folder}/monit.sock
  allow root:anything
include {folder}/conf.d/*
"""
SERVICE = """\
# check process other with pidfile /nowhere
check process shop with pidfile {folder}/web.pid
  start program = "/bin/sh -c 'cd {web}; . {folder}/shop.env; exec env SIZE={size} {command}'"
    with timeout 60 seconds
  stop program = "/bin/sh -c 'kill $(cat {folder}/web.pid)'"
"""

pytestmark = root_only


class Monit(Gunicorn):
    """Gunicorn as a daemon, which monit starts."""

    def __init__(self, home: Path, bins: Path) -> None:
        need("monit")
        self.place = home / "sup"
        (self.place / "conf.d").mkdir(parents=True)
        args = ("-D", "--pid", str(self.place / "web.pid"), "--log-file", str(home / "web" / "log"))
        super().__init__(home / "web", *args, chain=(), bins=bins)
        control = self.place / "monitrc"
        control.write_text(CONTROL.format(folder=self.place))
        control.chmod(0o600)
        self.define()
        self.export("red")

    def define(self, size: str = "large") -> None:
        command = f"{self.env['PATH'].partition(':')[0]}/{' '.join(self.argv())}"
        text = SERVICE.format(folder=self.place, web=self.folder, command=command, size=size)
        (self.place / "conf.d" / "shop").write_text(text)

    def export(self, colour: str) -> None:
        (self.place / "shop.env").write_text(f"export COLOUR={colour}\n")

    def monit(self, *words: str, **own: str) -> None:
        subprocess.run(
            [*self.words, *words], check=True, capture_output=True, env=clean(self.folder) | own, timeout=60
        )

    @property
    def words(self) -> list[str]:
        return ["monit", "-c", str(self.place / "monitrc")]

    def reread(self) -> None:
        """Reload, and wait until monit has done so."""
        log = self.place / "monit.log"
        before = log.read_text().count("Monit reloaded")
        self.monit("reload")
        wait_for(lambda: log.read_text().count("Monit reloaded") > before, "monit does not reload")

    def quit(self) -> None:
        if PIDFILE.exists():
            send(int(PIDFILE.read_text()), signal.SIGTERM)
            wait_for(lambda: not PIDFILE.exists(), "monit does not end")

    def launch(self) -> Monit:
        (self.folder / "log").touch()
        self.monit(GREETING="hello")
        return self

    def stop(self) -> None:
        self.quit()
        super().stop()

    def judge(self) -> Verdict:
        document = report("check", f"cwd:{self.folder}")
        [app] = document["hosts"][0]["apps"]
        return Verdict(document["exit_code"], app)

    def follow(self, steps: list[Json]) -> None:
        before = self.master
        carry_out(steps)

        def replaced() -> bool:
            if os.getpid() == 1:  # of a pid namespace: nobody else reaps it, and monit waits for that
                with suppress(ChildProcessError):
                    os.waitpid(before, os.WNOHANG)
            return before not in self.pids() and bool(self.generations())

        wait_for(replaced, "monit starts nothing anew")
        self.ready()


@pytest.fixture
def shop(home: Path, bare: Path) -> Iterator[Monit]:
    if PIDFILE.exists():
        pytest.fail("another monit runs here")
    server = Monit(home, bare)
    try:
        with server:
            yield server
    finally:
        server.stop()


def argvs(steps: list[Json]) -> list[list[str]]:
    return [step["argv"] for step in steps]


def fresh(shop: Monit) -> None:
    verdict = shop.judge()
    assert (verdict.status, verdict.wrong()) == (0, {}), verdict.app


def hup(shop: Monit) -> None:
    shop.reload()
    assert shop.judge().wrong(), "a reload must not be enough"


def test_a_file_that_the_start_program_reads(shop: Monit) -> None:
    fresh(shop)
    assert shop.judge().app["supervisor"] == {"kind": "monit", "name": "shop"}
    assert shop.http("GREETING") == {"hello"}
    shop.export("blue")

    verdict = shop.judge()

    assert verdict.wrong() == {"COLOUR": ("stale", "started-before-change")}
    assert verdict.finding("COLOUR")["configured"]["origin"] == f"{shop.place}/shop.env:1"
    assert argvs(verdict.remedy["steps"]) == [[*shop.words, "restart", "shop"]]
    assert argvs(verdict.remedy["insufficient"])[0] == [*shop.words, "reload"]
    shop.reread()
    assert shop.judge().says("COLOUR")[0] == "stale"
    hup(shop)
    shop.follow(verdict.remedy["steps"])
    assert shop.http("COLOUR") == {"blue"}
    fresh(shop)


def test_the_control_file_itself(shop: Monit) -> None:
    shop.define("small")

    verdict = shop.judge()

    assert verdict.wrong() == {"SIZE": ("stale", "started-before-change")}
    assert verdict.finding("SIZE")["configured"]["origin"] == f"{shop.place}/conf.d/shop:3"
    reload, restart = [*shop.words, "reload"], [*shop.words, "restart", "shop"]
    assert argvs(verdict.remedy["steps"]) == [reload, ["sleep", "5"], restart]
    assert argvs(verdict.remedy["insufficient"])[:2] == [reload, restart]
    shop.follow([{"argv": restart}])
    assert shop.http("SIZE") == {"large"}
    # Younger than the file by now, and still not what it says.
    verdict = shop.judge()
    assert verdict.says("SIZE") == ("stale", "not-applied")
    assert argvs(verdict.remedy["steps"]) == [reload, ["sleep", "5"], restart]
    shop.reread()
    assert shop.judge().says("SIZE")[0] == "stale"
    shop.follow(verdict.remedy["steps"])
    assert shop.http("SIZE") == {"small"}
    fresh(shop)


def test_the_environment_of_monit_itself(shop: Monit) -> None:
    """Started by hand: quit and start it; what it has then is what counts, and a restart brings it in."""
    shop.quit()
    shop.monit(GREETING="goodbye")

    verdict = shop.judge()

    assert verdict.wrong() == {"GREETING": ("stale", "started-before-change")}
    assert [h for h in verdict.remedy["hazards"] if "monit itself" in h["message"]]
    shop.follow(verdict.remedy["steps"])
    assert shop.http("GREETING") == {"goodbye"}
    fresh(shop)

"""Servers that nobody but a person has started: in tmux, by nohup, by setsid, by a script of /etc/init.d."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from live.checking import Json, Verdict, carry_out, check, report
from live.harness import clean, need, root_only, send, wait_for
from live.servers import Gunicorn
from live.supervised import try_step

SCRIPT = """\
#!/bin/sh
# A script as Debian has them: it reads its file, and hands what is exported on.
[ -r /etc/default/{name} ] && . /etc/default/{name}
case "$1" in
start) start-stop-daemon --start --pidfile {pidfile} --chdir {folder} --startas {program} -- {arguments} ;;
stop) start-stop-daemon --stop --retry TERM/30 --pidfile {pidfile} ;;
reload) kill -HUP "$(cat {pidfile})" ;;
restart) "$0" stop; exec "$0" start ;;
esac
"""


def judge(server: Gunicorn) -> Verdict:
    """Judge without any spec."""
    document = report("check", f"cwd:{server.folder}")
    [app] = document["hosts"][0]["apps"]
    return Verdict(document["exit_code"], app)


def argvs(steps: list[Json]) -> list[list[str]]:
    return [step["argv"] for step in steps]


def reap(pid: int) -> None:
    """As pid 1 of a namespace this very process is who has to: scripts wait for that."""
    if os.getpid() == 1:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def replaced(server: Gunicorn, master: int) -> None:
    def done() -> bool:
        reap(master)
        return master not in server.pids() and bool(server.generations())

    wait_for(done, "no new master")
    server.ready()


# --- tmux ---------------------------------------------------------------------------------------------


class InTmux(Gunicorn):
    """Gunicorn in a window of a tmux server of its own."""

    def tmux(self, *words: str) -> None:
        need("tmux")
        argv = ["tmux", "-S", str(self.folder / "tmux.sock"), "-f", "/dev/null", *words]
        env = clean(self.folder) | self.env | {"GREETING": "hello"}
        subprocess.run(argv, check=True, capture_output=True, env=env, cwd="/", timeout=60)

    def launch(self) -> InTmux:
        command = " ".join([*self.chain, *self.argv()])
        self.tmux("new-session", "-d", "-s", "work", f"cd {self.folder} && exec {command} >>log 2>&1")
        return self

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.tmux("kill-server")
        super().stop()


@pytest.fixture
def window(home: Path, bare: Path) -> Iterator[InTmux]:
    server = InTmux(home / "web", bins=bare)
    server.put("env.d", COLOUR="red")
    try:
        with server:
            yield server
    finally:
        server.stop()


def test_in_tmux(window: InTmux) -> None:
    verdict = judge(window)
    assert verdict.app["supervisor"]["kind"] == "tmux"
    # What a shell in it was given by hand is written nowhere: nothing to compare with.
    assert (verdict.status, verdict.wrong()) == (3, {})

    window.put("env.d", COLOUR="blue")
    verdict = check(window)
    assert verdict.says("COLOUR") == ("stale", "started-before-change")
    told = argvs(verdict.remedy["insufficient"])
    assert ["tmux", "kill-session"] in told
    assert any(argv[:2] == ["tmux", "set-environment"] for argv in told)
    window.tmux("set-environment", "-g", "COLOUR", "blue")
    window.reload()
    assert window.http("COLOUR") == {"red"}
    master = window.master
    window.tmux("kill-session", "-t", "work")
    wait_for(window.ask, "the server has not outlived its session")
    assert window.master == master
    assert window.http("COLOUR") == {"red"}
    # Only the mark is left of it now.
    verdict = check(window)
    assert verdict.app["supervisor"]["kind"] == "tmux"
    # What the shell had is not written on a command line: it is told that it will be lost.
    assert "GREETING" in {h.get("variable") for h in verdict.remedy["hazards"]}
    carry_out(verdict.remedy["steps"])
    replaced(window, master)
    assert window.http("COLOUR") == {"blue"}
    assert window.http("GREETING") == {None}
    assert check(window).status == 0


# --- nohup and setsid ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["nohup", "setsid"])
def test_by_hand(home: Path, bare: Path, how: str) -> None:
    server = Gunicorn(home / "web", chain=(how, "envdir", "env.d"), bins=bare)
    server.put("env.d", COLOUR="red")
    with server:
        verdict = judge(server)
        assert verdict.app["supervisor"] is None
        assert (verdict.status, verdict.wrong()) == (3, {})
        server.put("env.d", COLOUR="blue")
        verdict = check(server)
        assert verdict.says("COLOUR") == ("stale", "started-before-change")
        assert any(h["cause"] == "unknown-start" for h in verdict.remedy["hazards"])
        server.reload()
        assert server.http("COLOUR") == {"red"}
        master = server.master
        carry_out(verdict.remedy["steps"])
        replaced(server, master)
        assert server.http("COLOUR") == {"blue"}
        assert check(server).status == 0


# --- a script of /etc/init.d ----------------------------------------------------------------------------


class Scripted(Gunicorn):
    """Gunicorn as a daemon, which a script of /etc/init.d starts; its name is thrown away afterwards."""

    def __init__(self, home: Path, bins: Path) -> None:
        need("start-stop-daemon", "service")
        self.name = f"envcheck-test-{os.getpid()}-{home.name[-8:]}".lower().replace("_", "-")
        self.pidfile = Path(f"/run/{self.name}.pid")
        args = ("-D", "--pid", str(self.pidfile), "--log-file", str(home / "web" / "log"))
        super().__init__(home / "web", *args, chain=(), bins=bins)
        self.script = Path(f"/etc/init.d/{self.name}")
        self.default = Path(f"/etc/default/{self.name}")
        program, *arguments = self.argv()
        text = SCRIPT.format(
            name=self.name,
            pidfile=self.pidfile,
            folder=self.folder,
            program=f"{bins}/{program}",
            arguments=" ".join(arguments),
        )
        self.script.write_text(text)
        self.script.chmod(0o755)
        self.define("red")

    def define(self, colour: str) -> None:
        self.default.write_text(f"# of the shop\nexport COLOUR={colour}\nSIZE=large\n")

    def launch(self) -> Scripted:
        (self.folder / "log").touch()
        argv = ["service", self.name, "start"]
        subprocess.run(argv, check=True, capture_output=True, env=clean("/root"), cwd="/", timeout=60)
        return self

    def stop(self) -> None:
        super().stop()
        for path in (self.script, self.default, self.pidfile):
            path.unlink(missing_ok=True)


@root_only
def test_a_script_of_init(home: Path, bare: Path) -> None:
    server = Scripted(home, bare)
    try:
        with server:
            verdict = judge(server)
            assert verdict.app["supervisor"] == {"kind": "sysv", "name": server.name}
            # What the script does is not followed: nothing wrong is seen, and not all can be told.
            assert (verdict.status, verdict.wrong()) == (3, {})
            server.define("blue")
            verdict = judge(server)
            assert verdict.wrong() == {"COLOUR": ("stale", "started-before-change")}
            assert verdict.finding("COLOUR")["configured"]["origin"] == f"{server.default}:2"
            assert argvs(verdict.remedy["steps"]) == [["service", server.name, "restart"]]
            reload = next(s for s in verdict.remedy["insufficient"] if s["argv"][0] == "service")
            assert reload["argv"] == ["service", server.name, "reload"]
            old = {pid for workers in server.generations().values() for pid in workers}
            try_step(reload)
            wait_for(lambda: not old & server.pids(), "the workers are not replaced")
            server.ready()
            assert server.http("COLOUR") == {"red"}
            assert judge(server).says("COLOUR")[0] == "stale"
            restart_while_reaping(server, verdict.remedy["steps"])
            assert server.http("COLOUR") == {"blue"}
            assert judge(server).wrong() == {}
    finally:
        server.stop()


def restart_while_reaping(server: Scripted, steps: list[Json]) -> None:
    """Run the one step; it waits for the end of the old master, which somebody has to reap."""
    master = server.master
    [step] = steps
    with subprocess.Popen(step["argv"], env=clean("/root"), cwd="/", stdin=subprocess.DEVNULL) as running:

        def ended() -> bool:
            reap(master)
            return running.poll() is not None

        try:
            wait_for(ended, "service does not end", 60)
        finally:
            send(running.pid, signal.SIGKILL) if running.poll() is None else None
    assert running.returncode == 0
    replaced(server, master)

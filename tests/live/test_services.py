"""runit, daemontools and s6, real: what their run scripts give, what has gone stale, and what cures it."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from live.checking import Verdict, carry_out, report
from live.harness import Server, clean, kill_all_in, need, processes_in, send, wait_for
from live.servers import Gunicorn, Unicorn


class Tool(NamedTuple):
    """One of the supervisors: its watcher, how a service is stopped, and a signal that is not enough."""

    kind: str
    watcher: str
    down: tuple[str, ...]
    folder: tuple[str, ...]  # puts a folder of variables into the environment
    hup: tuple[str, ...]


TOOLS = {
    "runit": Tool("runit", "runsv", ("sv", "-w", "20", "force-stop"), ("chpst", "-e"), ("sv", "hup")),
    "daemontools": Tool("daemontools", "supervise", ("svc", "-dx"), ("envdir",), ("svc", "-h")),
    "s6": Tool("s6", "s6-supervise", ("s6-svc", "-dx"), ("s6-envdir",), ("s6-svc", "-h")),
}
SERVERS: Mapping[str, type[Server]] = {"gunicorn": Gunicorn, "unicorn": Unicorn}


class Service:
    """A server that is run by `run` in a service folder, under a watcher of its own."""

    def __init__(self, tool: Tool, server: Server, script: str, **env: str) -> None:
        need(tool.watcher, tool.down[0], tool.folder[0])
        self.tool, self.server = tool, server
        self.folder = server.folder.parent / "service" / "shop"
        self.folder.mkdir(parents=True)
        self.env = clean(server.folder) | env
        self.script(script)

    def script(self, text: str) -> None:
        run = self.folder / "run"
        run.write_text(f"#!/bin/sh\nexec 2>&1\ncd {self.server.folder} || exit 1\n{text}")
        run.chmod(0o755)

    def start(self) -> Self:
        with (self.server.folder / "log").open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", self.tool.watcher, str(self.folder)],
                check=True,
                cwd="/",
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.server.ready()
        return self

    def stop(self) -> None:
        """End the watcher first, so that it starts nothing again; then all that it has started."""
        watchers = [
            p
            for p in processes_in(self.folder)
            if Path(f"/proc/{p.pid}/comm").read_text().strip() == self.tool.watcher
        ]
        for watcher in watchers:
            send(watcher.pid, signal.SIGKILL)
        kill_all_in(self.server.folder.parent)


Run = Callable[..., Service]


@pytest.fixture
def service(home: Path) -> Iterator[Run]:
    started: list[Service] = []

    def make(tool: str, kind: str, script: str, **env: str) -> Service:
        server = SERVERS[kind](home / "app")
        server.put("env.d", COLOUR="red", SIZE="large")
        made = Service(
            TOOLS[tool],
            server,
            script.format(server=" ".join(server.argv()), tool=" ".join(TOOLS[tool].folder)),
            **env,
        )
        started.append(made)
        return made.start()

    yield make
    for made in started:
        made.stop()


def judged(service: Service) -> Verdict:
    """Judge without a spec: everything is found from the supervisor."""
    document = report("check", f"cwd:{service.server.folder}")
    [app] = document["hosts"][0]["apps"]
    return Verdict(document["exit_code"], app)


SCRIPTS = {
    "folder": "exec {tool} ./env.d {server}\n",
    "exports": (
        ". ./shop.env\nSHAPE=round\nexport SHAPE\nHIDDEN=1\nexec {tool} ./env.d env EXTRA=1 {server}\n"
    ),
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("tool", TOOLS)
def test_stale_and_cured(service: Run, home: Path, tool: str, kind: str, script: str) -> None:
    (home / "app").mkdir()
    (home / "app" / "shop.env").write_text("# of the shop\nexport PLACE=here\nLC_ALL=C.UTF-8\n")
    made = service(tool, kind, SCRIPTS[script], INHERITED="yes")
    server = made.server
    first = judged(made)
    assert (first.status, first.wrong()) == (0, {}), first
    assert first.app["supervisor"] == {"kind": tool, "name": str(made.folder)}
    assert str(home / "app" / "env.d") in [s["path"] for s in first.app["sources"]]

    server.put("env.d", COLOUR="blue", NEW="1", SIZE=None)
    if script == "exports":
        (home / "app" / "shop.env").write_text("# of the shop\n\nexport PLACE=there\n")
    stale = judged(made)
    assert stale.status == 1
    wanted = ["COLOUR", "NEW", "SIZE", *(["PLACE"] if script == "exports" else [])]
    assert stale.wrong() == dict.fromkeys(wanted, ("stale", "started-before-change"))
    assert stale.finding("COLOUR")["configured"]["origin"] == f"{home}/app/env.d/COLOUR:1"
    if script == "exports":
        assert stale.finding("PLACE")["configured"]["origin"] == f"{home}/app/shop.env:3"

    hup = [*made.tool.hup, str(made.folder)]
    assert hup in [step["argv"] for step in stale.remedy["insufficient"]]
    old = {pid for workers in server.generations().values() for pid in workers}
    if kind == "gunicorn":
        subprocess.run(hup, check=True, capture_output=True, env=clean())
        wait_for(lambda: not old & server.pids(), "the workers are not replaced")
        server.ready()
        assert server.http("COLOUR") == {"red"}
        assert judged(made).finding("COLOUR")["diagnosis"] == "stale"

    master = server.master
    carry_out(stale.remedy["steps"])
    wait_for(lambda: master not in server.pids(), "the master does not end")
    server.ready()
    assert server.http("COLOUR") == {"blue"}
    cured = judged(made)
    assert (cured.status, cured.wrong()) == (0, {})


def test_unicorn_would_be_started_with_other_options(service: Run) -> None:
    made = service("runit", "unicorn", "exec {server} -E production\n")
    assert (judged(made).status, judged(made).wrong()) == (0, {})
    config = (made.server.folder / "unicorn.rb").read_text()
    made.server.write("other.rb", config + "ENV['SHAPE'] = 'round'\n")
    made.script("exec unicorn -c other.rb -E staging\n")

    verdict = judged(made)

    assert verdict.status == 1
    assert verdict.says("RACK_ENV") == ("stale", "old-options")
    assert verdict.finding("SHAPE")["diagnosis"] == "stale"
    assert verdict.remedy["action"] == "restart"
    master = made.server.master
    carry_out(verdict.remedy["steps"])
    wait_for(lambda: master not in made.server.pids(), "the master does not end")
    made.server.ready()
    assert (made.server.http("RACK_ENV"), made.server.http("SHAPE")) == ({"staging"}, {"round"})
    assert (judged(made).status, judged(made).wrong()) == (0, {})


def test_a_change_of_run_itself(service: Run) -> None:
    made = service("runit", "gunicorn", "export MODE=one\nexec {server}\n")
    made.script(f"export MODE=two\nexec {' '.join(map(shlex.quote, made.server.argv()))}\n")
    verdict = judged(made)
    assert verdict.says("MODE") == ("stale", "started-before-change")
    assert verdict.finding("MODE")["configured"]["origin"] == f"{made.folder}/run:4"


def test_what_is_not_understood_is_named(service: Run) -> None:
    made = service("runit", "gunicorn", 'eval "export MODE=one"\nexec {tool} ./env.d {server}\n')
    verdict = judged(made)
    assert verdict.status == 3
    made.server.put("env.d", COLOUR="blue")
    verdict = judged(made)
    assert (verdict.status, verdict.wrong()) == (1, {"COLOUR": ("stale", "started-before-change")})


def test_bundler_leaves_marks_that_are_no_leak(service: Run, home: Path) -> None:
    need("bundle")
    (home / "app").mkdir()
    (home / "app" / "Gemfile").write_text('gem "rack"\ngem "unicorn"\n')
    made = service("runit", "unicorn", "exec {tool} ./env.d bundle exec {server}\n")
    verdict = judged(made)
    assert (verdict.status, verdict.wrong()) == (0, {})


def test_a_hook_is_no_way_under_a_supervisor(service: Run, home: Path) -> None:
    """It gives a new master what has changed; but when the old one ends, runsv starts a third."""
    (home / "app").mkdir()
    hook = "before_exec { |s| ENV['COLOUR'] = File.read('env.d/COLOUR').strip }\n"
    made = service("runit", "unicorn", SCRIPTS["folder"])
    made.server.write("unicorn.rb", (made.server.folder / "unicorn.rb").read_text() + hook)
    made.server.reload()
    made.server.put("env.d", COLOUR="blue")

    remedy = judged(made).remedy
    assert "USR2" not in remedy["note"]
    [usr2] = [s for s in remedy["insufficient"] if "-USR2" in s["argv"]]
    assert "who watches the old one" in usr2["why"]

    [old] = made.server.generations()
    carry_out([usr2])
    made.server.ready(2)
    send(old, signal.SIGQUIT)
    wait_for(lambda: old not in made.server.pids(), "the old master stays")
    log = made.server.folder / "log"
    wait_for(lambda: "Address already in use" in log.read_text(), "runsv starts none")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_watcher_that_was_stopped(service: Run, tool: str) -> None:
    running = service(tool, "gunicorn", SCRIPTS["folder"])
    [watcher] = (
        p.pid
        for p in processes_in(running.folder)
        if Path(f"/proc/{p.pid}/comm").read_text().strip() == running.tool.watcher
    )
    send(watcher, signal.SIGSTOP)
    running.server.put("env.d", COLOUR="blue")

    verdict = judged(running)

    assert [f["pids"] for f in verdict.findings(None) if f["cause"] == "stopped"] == [[watcher]]
    assert verdict.remedy["steps"][0]["argv"] == ["kill", "-CONT", str(watcher)]
    assert not verdict.remedy["note"]

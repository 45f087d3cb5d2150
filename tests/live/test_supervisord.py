"""Servers under the real supervisord: what is configured, what is stale, and what cures it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from live.checking import carry_out, report
from live.harness import OWN_BIN, Server, clean, send, wait_for
from live.servers import Gunicorn
from live.supervised import Supervised, fine, origin, try_step

Run = Callable[[Server], Server]

MAIN = """\
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
nodaemon=true
environment=COMMON="from-all",SIZE="medium"

[unix_http_server]
file=%(here)s/ctl.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/ctl.sock

[include]
files=conf.d/*.conf
"""

PROGRAM = """\
[program:web]
command={command}
directory={folder}
environment=
    COLOUR="red",
    ; a comment between
    SIZE="large",
    PATH="{path}",
    HELLO="%(ENV_GREETING)s, %(program_name)s of %(host_node_name)s"
stdout_logfile={folder}/log
redirect_stderr=true
{more}
"""


class Supervisord(Supervised):
    supervisor = "supervisord"

    def __init__(self, home: Path, *args: str, more: str = "", **options: Any) -> None:
        super().__init__(home, *args, own={"GREETING": "hello"}, **options)
        (self.place / "conf.d").mkdir()
        self.more = more
        self.configure("supervisord.conf", MAIN)
        self.define()

    def define(self, **changed: str) -> None:
        """Write the program's file, with other values."""
        text = PROGRAM.format(
            command=self.command(), folder=self.folder, path=self.env["PATH"], more=self.more
        )
        for old, new in changed.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        self.configure("conf.d/web.conf", text)

    def watch(self) -> list[str]:
        return [f"{OWN_BIN}/supervisord", "-n", "-c", "supervisord.conf"]


def test_fresh(home: Path, run: Run) -> None:
    server = Supervisord(home)
    run(server)
    fine(server)
    owner = server.judge().app["supervisor"]
    assert (owner["kind"], owner["name"]) == ("supervisord", "web:web")


def test_a_program_that_a_spec_names_is_updated(home: Path, bare: Path, run: Run) -> None:
    server = Supervisord(home, bins=bare)
    run(server)
    name = server.judge().app["supervisor"]["name"]
    spec = home / "spec.yaml"
    source = f"{{supervisor: '{name}'}}"
    spec.write_text(f"apps: {{web: {{match: {{cwd: {server.folder}}}, sources: [{source}]}}}}\n")
    assert report("check", "-s", str(spec))["exit_code"] == 0

    server.define(red="blue")
    [host] = report("check", "-s", str(spec))["hosts"]

    assert [f["diagnosis"] for f in host["apps"][0]["findings"] if f["variable"] == "COLOUR"] == ["stale"]
    assert [s["argv"][-2:] for s in host["apps"][0]["remedy"]["steps"]] == [["update", "web"]]


def test_a_configuration_beside_its_start(home: Path, run: Run) -> None:
    moved = home / "web" / "moved"
    server = Supervisord(home, "--chdir", str(moved), "-c", "own.py")
    moved.mkdir()
    (server.folder / "app.py").rename(moved / "app.py")
    server.write("own.py", "raw_env = ['BEGUN=here']\n")
    (moved / "own.py").write_text("raw_env = ['MOVED=there']\n")
    run(server)
    assert (server.http("BEGUN"), server.http("MOVED")) == ({"here"}, {None})

    found = report("show", f"configured:{server.master}", "--reveal", "*")

    assert found["origins"]["BEGUN"] == f"{server.folder}/own.py:1"
    assert "MOVED" not in found["variables"]
    assert report("check", str(server.master))["exit_code"] == 0


def test_a_value_of_the_program(home: Path, bare: Path, run: Run) -> None:
    server = Supervisord(home, bins=bare)
    run(server)
    server.define(red="blue")
    verdict = server.judge()
    assert verdict.says("COLOUR") == ("stale", "started-before-change")
    assert verdict.wrong().keys() == {"COLOUR"}
    assert origin(verdict, "COLOUR") == f"{server.place}/conf.d/web.conf:5"
    master = server.master
    steps = verdict.remedy["insufficient"]
    assert {s["argv"][3] for s in steps if "supervisorctl" in s["argv"][0]} >= {"signal", "restart", "reread"}
    for step in steps:
        try_step(step)
        server.ready(len(server.generations()))
        assert server.http("COLOUR") == {"red"}, step
        assert server.judge().says("COLOUR")[0] == "stale"
        for other in set(server.generations()) - {server.master}:
            server.retire(other)
    verdict = server.judge()
    master = server.master
    assert [s["argv"][3:] for s in verdict.remedy["steps"]] == [["update", "web"]]
    # It was started by hand: what it hands on is all that is known of it.
    assert [h for h in verdict.remedy["hazards"] if "of supervisord" in h["message"]], verdict.remedy
    assert not [h for h in verdict.remedy["hazards"] if h["cause"] == "will-change"], verdict.remedy
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    assert server.http("COLOUR") == {"blue"}
    fine(server)


def test_a_value_for_all_programs(home: Path, run: Run) -> None:
    server = Supervisord(home)
    run(server)
    server.configure("supervisord.conf", MAIN.replace("from-all", "for-all"))
    verdict = server.judge()
    assert verdict.wrong() == {"COMMON": ("stale", "started-before-change")}
    assert origin(verdict, "COMMON") == f"{server.place}/supervisord.conf:5"
    master = server.master
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    fine(server)


def test_a_variable_that_was_removed(home: Path, run: Run) -> None:
    server = Supervisord(home)
    run(server)
    server.configure("supervisord.conf", MAIN.replace('COMMON="from-all",', ""))
    verdict = server.judge()
    assert verdict.says("COMMON")[0] == "stale"
    master = server.master
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    fine(server)


def test_without_autostart(home: Path) -> None:
    server = Supervisord(home, more="autostart=false")
    server.launch()
    try:
        wait_for((server.place / "ctl.sock").exists, "supervisord does not listen")
        carry_out(
            [{"argv": [f"{OWN_BIN}/supervisorctl", "-c", f"{server.place}/supervisord.conf", "start", "web"]}]
        )
        server.ready()
        server.define(red="blue")
        master = server.master
        steps = server.judge().remedy["steps"]
        assert [s["argv"][3] for s in steps] == ["update", "start"]
        carry_out(steps)
        server.replaced(master)
        fine(server)
    finally:
        server.stop()


def test_a_configuration_that_is_refused(home: Path, run: Run) -> None:
    server = Supervisord(home)
    run(server)
    server.define(red='blue" "X')
    verdict = server.judge()
    finding = verdict.findings(None)
    assert [f["cause"] for f in finding] == ["unstartable"], verdict.app
    assert verdict.remedy["action"] == "refuse"
    assert "`update` fails" in finding[0]["message"]
    assert "`restart` starts what is loaded" in finding[0]["message"]
    control = (f"{OWN_BIN}/supervisorctl", "-c", "supervisord.conf")

    def does(*words: str) -> str:
        return subprocess.run(
            [*control, *words], check=False, capture_output=True, text=True, cwd=server.place, env=server.own
        ).stdout

    assert "CANT_REREAD" in does("update")
    master = server.master
    assert "started" in does("restart", "web:web")
    server.replaced(master)


def test_a_file_that_the_command_reads(home: Path, bare: Path, run: Run) -> None:
    server = Supervisord(home, bins=bare)
    server.chain = ("envdir", str(server.folder / "env.d"))
    server.put(SHAPE="round").define()
    run(server)
    fine(server)
    server.put(SHAPE="square")
    verdict = server.judge()
    assert verdict.wrong() == {"SHAPE": ("stale", "started-before-change")}
    assert origin(verdict, "SHAPE") == f"{server.folder}/env.d/SHAPE:1"
    [update] = [s for s in verdict.remedy["insufficient"] if "update" in s["argv"]]
    try_step(update)
    assert server.http("SHAPE") == {"round"}
    steps = verdict.remedy["steps"]
    assert [s["argv"][3:] for s in steps] == [["restart", "web:web"]]
    master = server.master
    carry_out(steps)
    server.replaced(master)
    assert server.http("SHAPE") == {"square"}
    fine(server)


SECOND = """\

[program:two]
command={command}
directory={folder}
environment=COLOUR="red",PATH="{path}"
stdout_logfile={folder}/log
redirect_stderr=true

[group:both]
programs=web,two
"""


def test_one_step_for_two_apps(home: Path, bare: Path, run: Run) -> None:
    """`update` of their group is taken once, and both are looked at."""
    two = Gunicorn(home / "two", chain=(), bins=bare)
    more = SECOND.format(command=" ".join(two.argv()), folder=two.folder, path=two.env["PATH"])
    server = Supervisord(home, bins=bare, more=more)
    run(server)
    two.ready()
    server.define(red="blue")
    spec = home / "spec.yaml"
    folders = {"one": server.folder, "two": two.folder}
    spec.write_text(json.dumps({"apps": {n: {"match": {"cwd": str(f)}} for n, f in folders.items()}}))

    document = report("restart", "--apply", "--yes", "-s", str(spec))

    told = [app["applied"] for app in document["hosts"][0]["apps"]]
    assert [(t["outcome"], t["verified"]) for t in told] == [("done", True)] * 2, told
    assert document["exit_code"] == 0
    assert [s["argv"][-2:] for t in told for s in t["steps"]] == [["update", "both"]] * 2
    assert server.http("COLOUR") == two.http("COLOUR") == {"blue"}


def status(server: Supervisord) -> str:
    """Give the state that supervisord tells of the program; "" where it does not answer."""
    words = (f"{OWN_BIN}/supervisorctl", "-c", "supervisord.conf", "status", "web:web")
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=60, cwd=server.place, env=clean()
    )
    return done.stdout.split()[1] if done.stdout.startswith("web ") else ""


def parent(pid: int) -> int:
    return psutil.Process(pid).ppid()


def test_an_orphan_is_adopted(home: Path, bare: Path, run: Run) -> None:
    """supervisord was killed, and another one cannot start what goes on serving."""
    server = Supervisord(home, bins=bare, more="startretries=0\nstartsecs=8")
    run(server)
    stray, killed = server.master, server.supervisor_pid()
    send(killed, signal.SIGKILL)
    wait_for(lambda: parent(stray) == 1, "the master has still its parent")
    server.define(red="blue")
    (server.place / "ctl.sock").unlink()
    server.launch()
    wait_for(lambda: status(server) == "FATAL", "supervisord starts it although the port is taken")
    server.ready()
    verdict = server.judge()
    assert verdict.app["supervisor"] == {"kind": "supervisord", "name": "web:web"}
    told = [(f["diagnosis"], f["cause"]) for f in verdict.findings(None)]
    assert sorted(told, key=str) == [("latent", "orphaned"), ("unproven", None)]
    assert verdict.remedy["action"] == "adopt"
    assert {h["cause"] for h in verdict.remedy["hazards"]} >= {"restart-loop", "unknown-start"}
    insufficient = [s for s in verdict.remedy["insufficient"] if "supervisorctl" in s["argv"][0]]
    assert [s["argv"][3] for s in insufficient] == ["restart", "start"]
    for step in insufficient:
        try_step(step)
        server.ready()
        assert server.http("COLOUR") == {"red"}, step
        wait_for(lambda: status(server) == "FATAL", f"it comes up after {step}")
    steps = verdict.remedy["steps"]
    assert steps[0]["argv"][0] == "kill"
    assert steps[-1]["argv"][-2:] == ["restart", "web:web"]
    carry_out(steps)
    server.replaced(stray)
    assert server.http("COLOUR") == {"blue"}
    fine(server)


def test_a_supervisord_that_was_stopped(home: Path, bare: Path, run: Run) -> None:
    """No command reaches it, before it goes on."""
    server = Supervisord(home, bins=bare)
    run(server)
    pid = server.supervisor_pid()
    send(pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "it does not stop")

    verdict = server.judge()
    assert [f["cause"] for f in verdict.findings(None)] == ["stopped"]
    assert f"kill -CONT {pid}" in verdict.remedy["note"]
    server.define(red="blue")
    verdict = server.judge()
    assert verdict.says("COLOUR")[0] == "stale"
    assert verdict.remedy["steps"][0]["argv"] == ["kill", "-CONT", str(pid)]
    carry_out(verdict.remedy["steps"])
    server.ready()
    fine(server)

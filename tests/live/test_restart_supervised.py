"""`envcheck restart` under real supervisors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live.harness import Server, clean, free_port, need, root_only, wait_for
from live.restarts import Restarted, restart
from live.servers import WSGI, Gunicorn
from live.systemd.machine import Machine
from live.test_services import TOOLS, Service
from live.test_supervisord import Supervisord

Run = Callable[[Server], Server]


@pytest.fixture
def runit(home: Path) -> Iterator[Service]:
    need("runsv")
    server = Gunicorn(home / "app").put(COLOUR="red")
    made = Service(TOOLS["runit"], server, f"exec chpst -e ./env.d {' '.join(server.argv())}\n")
    try:
        yield made.start()
    finally:
        made.stop()


def test_runit(runit: Service) -> None:
    server = runit.server
    server.put(COLOUR="blue")

    done = restart([f"cwd:{server.folder}"], "--yes")

    assert (done.status, done.outcome) == (0, "done"), done.applied
    assert server.http("COLOUR") == {"blue"}


def test_a_supervisor_that_refuses(runit: Service) -> None:
    server = runit.server
    server.put(COLOUR="blue")
    before = server.pids()
    (runit.folder / "supervise" / "ok").unlink()

    done = restart([f"cwd:{server.folder}"], "--yes")

    assert (done.status, done.outcome, done.statuses) == (4, "failed", ["failed"])
    assert "supervise/ok" in done.applied["steps"][0]["said"]
    assert done.applied["way_back"].startswith("no step was done, and the server runs")
    assert server.pids() == before


def test_supervisord(home: Path, bare: Path, run: Run) -> None:
    server = Supervisord(home, bins=bare)
    run(server)
    server.define(red="blue")

    done = restart([f"cwd:{server.folder}"], "--yes", "--url", f"http://127.0.0.1:{server.port}/")

    assert (done.status, done.outcome) == (0, "done"), done.applied
    assert server.http("COLOUR") == {"blue"}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        booted.write("/srv/app.py", WSGI.format(prelude=""))
        yield booted


def in_machine(machine: Machine, *words: str) -> Restarted:
    done = machine.python("-m", "envcheck", "restart", *words, "-f", "json", check=False)
    return Restarted(done.returncode, done.stdout, done.stderr)


def test_supervisord_gives_up(home: Path, bare: Path, run: Run) -> None:
    """The way back is one: with what was broken mended, its commands bring the server up."""
    server = Supervisord(home, bins=bare, more="startretries=0\nstartsecs=1")
    run(server)
    good = (server.folder / "app.py").read_text()
    (server.folder / "app.py").write_text("raise KeyError\n")
    server.define(red="blue")

    done = restart([f"cwd:{server.folder}"], "--yes", "--timeout", "10s")

    assert done.status == 4, done.applied
    way = done.applied["way_back"]
    (server.folder / "app.py").write_text(good)
    reason, _, commands = way.removeprefix("it does not run: ").partition(" tells why; mend that, then: ")
    for command in (reason, commands):
        subprocess.run(
            ["sh", "-c", command], check=True, env=clean(), cwd="/", capture_output=True, timeout=60
        )
    server.ready()
    assert server.http("COLOUR") == {"blue"}


@root_only
def test_systemd(machine: Machine) -> None:
    """A changed unit: `daemon-reload`, then `restart`."""
    gunicorn = Path(sys.executable).with_name("gunicorn")
    unit = "[Service]\nType=notify\nNotifyAccess=all\nWorkingDirectory=/srv\n"
    unit += f"ExecStart={gunicorn} -w 2 -b 127.0.0.1:{free_port()} app:app\nEnvironment=COLOUR="
    machine.write("/etc/systemd/system/shop.service", f"{unit}red\n")
    machine.systemctl("daemon-reload")
    machine.systemctl("restart", "shop.service")
    wait_for(lambda: len(machine.ask("pgrep", "-f", "gunicorn").split()) >= 3, "no workers")
    master = machine.systemctl("show", "-p", "MainPID", "--value", "shop.service").strip()
    machine.write("/etc/systemd/system/shop.service", f"{unit}blue\n")

    done = in_machine(machine, master, "--apply", "--yes")

    assert (done.status, done.outcome) == (0, "done"), done.applied
    assert [s["argv"][1] for s in done.applied["steps"]] == ["daemon-reload", "restart"]
    assert done.applied["verified"] is True
    [app] = done.apps
    assert app["state"] == "in-sync"
    assert str(app["generations"][0]["master"]["pid"]) != master
    machine.write("/etc/systemd/system/shop.service", f"{unit}green\nExecStartPre=/bin/false\n")

    done = in_machine(machine, "server:gunicorn", "--apply", "--yes", "--timeout", "10s")

    assert (done.status, done.outcome) == (4, "failed"), done.applied
    assert done.statuses == ["ok", "failed"]
    assert done.applied["way_back"].startswith("it does not run: ")

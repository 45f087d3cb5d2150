"""Supervisors that a real systemd keeps running: changed in their unit, and whose restart brings it in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
from live.checking import Verdict
from live.harness import free_port, need, root_only, wait_for
from live.servers import WSGI
from live.systemd.judging import Json, argvs, check
from live.systemd.machine import Machine

UNITS = "/etc/systemd/system"
BIN = Path(sys.executable).parent

pytestmark = root_only

SUPERVISORD = """\
[supervisord]
nodaemon=true
pidfile=/run/supervisord.pid
logfile=/run/supervisord.log

[unix_http_server]
file=/run/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix:///run/supervisor.sock

[program:web]
command={command}
directory=/srv
environment=OWN="of %(ENV_COLOUR)s"
stopasgroup=true
killasgroup=true
"""

CIRCUS = """\
[circus]
endpoint=tcp://127.0.0.1:{ports[0]}
pubsub_endpoint=tcp://127.0.0.1:{ports[1]}

[watcher:web]
cmd={command}
working_dir=/srv
copy_env=True

[env:web]
OWN=of $COLOUR
"""

RUN = '#!/bin/sh\ncd /srv || exit 1\nexport OWN="of $COLOUR"\nexec {command}\n'
SERVICE = "/srv/services/web"


class Tool(NamedTuple):
    """A supervisor: command line, file, what it calls the server, and commands that are not enough."""

    command: str
    file: str
    text: str
    name: str
    too_little: list[list[str]]
    needs: tuple[str, ...] = ()


CTL = [f"{BIN}/supervisorctl", "-c", "/etc/supervisord.conf"]
TOOLS = {
    "supervisord": Tool(
        f"{BIN}/supervisord -n -c /etc/supervisord.conf",
        "/etc/supervisord.conf",
        SUPERVISORD,
        "web:web",
        [[*CTL, "restart", "web:web"], [*CTL, "update", "web"]],
    ),
    "circus": Tool(f"{BIN}/circusd /etc/circus.ini", "/etc/circus.ini", CIRCUS, "web", []),
    "honcho": Tool(
        f"{BIN}/honcho -d /etc/honcho start",
        "/etc/honcho/Procfile",
        'web: cd /srv && OWN="of $COLOUR" exec {command}\n',
        "web.1",
        [],
    ),
    "foreman": Tool(
        "/usr/bin/foreman start -d /etc/foreman -m web=1",
        "/etc/foreman/Procfile",
        'web: cd /srv && OWN="of $COLOUR" exec {command}\n',
        "web.1",
        [],
        ("foreman",),
    ),
    "runit": Tool(
        "/usr/bin/runsvdir -P /srv/services",
        f"{SERVICE}/run",
        RUN,
        SERVICE,
        [["sv", "restart", SERVICE]],
        ("runsvdir", "sv"),
    ),
    "daemontools": Tool(
        "/usr/bin/svscan /srv/services", f"{SERVICE}/run", RUN, SERVICE, [["svc", "-t", SERVICE]], ("svscan",)
    ),
    "s6": Tool(
        "/usr/bin/s6-svscan /srv/services",
        f"{SERVICE}/run",
        RUN,
        SERVICE,
        [["s6-svc", "-r", SERVICE]],
        ("s6-svscan",),
    ),
}
UNIT = """\
[Service]
ExecStart={command}
Environment=COLOUR={colour} PATH={path}
EnvironmentFile=/etc/outer.env
TimeoutStopSec=5
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        booted.write("/srv/app.py", WSGI.format(prelude=""))
        yield booted


class Nested:
    """One gunicorn under a supervisor that is a unit."""

    def __init__(self, machine: Machine, kind: str) -> None:
        self.machine, self.tool = machine, TOOLS[kind]
        need(*self.tool.needs)
        self.unit = f"{kind}-outer.service"
        self.pidfile = f"/run/{kind}-web.pid"
        self.port = free_port()
        command = f"{BIN}/gunicorn -w 1 -b 127.0.0.1:{self.port} --pid {self.pidfile} app:app"
        ports = [free_port(), free_port()]
        machine.run("rm", "-rf", "/srv/services")
        machine.write(self.tool.file, self.tool.text.format(command=command, ports=ports), 0o755)
        machine.write("/etc/outer.env", "SIZE=large\n")
        self.define("red")
        machine.systemctl("daemon-reload")
        machine.systemctl("start", self.unit)
        self.ready()

    def define(self, colour: str) -> None:
        path = f"{BIN}:/usr/bin:/bin:/usr/sbin:/sbin"
        text = UNIT.format(command=self.tool.command, colour=colour, path=path)
        self.machine.write(f"{UNITS}/{self.unit}", text)

    @property
    def master(self) -> str:
        return self.machine.ask("cat", self.pidfile)

    def ready(self, before: str = "") -> None:
        def complete() -> bool:
            master = self.master
            return (
                bool(master)
                and master != before
                and len(self.machine.ask("pgrep", "-P", master).split()) == 1
            )

        wait_for(complete, f"{self.unit} has no workers")

    def has(self, name: str) -> str | None:
        """Ask the worker itself."""
        with urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
            said: dict[str, str] = json.load(answer)["environ"]
        return said.get(name)

    def check(self) -> Verdict:
        return check(self.machine, self.master)

    def carry_out(self, steps: list[Json]) -> None:
        before = self.master
        for step in steps:
            self.machine.run(*step["argv"])
        self.ready(before)

    def stop(self) -> None:
        self.machine.systemctl("stop", self.unit)


@pytest.fixture
def nested(machine: Machine, request: pytest.FixtureRequest) -> Iterator[Nested]:
    made = Nested(machine, request.param)
    yield made
    made.stop()


@pytest.mark.parametrize("nested", TOOLS, indirect=True)
def test_changed_in_the_unit_of_the_supervisor(nested: Nested) -> None:
    verdict = nested.check()
    assert (verdict.status, verdict.wrong()) == (0, {}), (verdict.app["sources"], verdict.app["findings"])
    assert verdict.app["supervisor"]["name"] == nested.tool.name

    nested.define("blue")
    verdict = nested.check()
    stale = ("stale", "inherited-from-supervisor")
    assert verdict.wrong() == {"COLOUR": stale, "OWN": stale}
    assert verdict.finding("COLOUR")["configured"]["origin"] == f"{UNITS}/{nested.unit}:3"
    assert verdict.app["supervisor"]["name"] == nested.tool.name
    again = ["systemctl", "restart", nested.unit]
    assert argvs(verdict.remedy["steps"]) == [["systemctl", "daemon-reload"], again]
    told = argvs(verdict.remedy["insufficient"])
    assert again in told
    for argv in nested.tool.too_little:
        assert argv in told
        before = nested.master
        nested.machine.run(*argv)
        if "update" not in argv:
            nested.ready(before)
        assert nested.has("COLOUR") == "red"
        assert nested.check().says("COLOUR") == stale
    nested.carry_out([{"argv": again}])
    assert nested.check().says("COLOUR") == stale
    nested.carry_out(verdict.remedy["steps"])
    assert nested.has("COLOUR") == "blue"
    verdict = nested.check()
    assert (verdict.status, verdict.wrong()) == (0, {})

    nested.machine.write("/etc/outer.env", "NEW=1\n")
    verdict = nested.check()
    assert verdict.wrong() == {"NEW": stale, "SIZE": stale}
    assert argvs(verdict.remedy["steps"]) == [again]
    nested.carry_out(verdict.remedy["steps"])
    verdict = nested.check()
    assert (verdict.status, verdict.wrong()) == (0, {})
    assert (nested.has("NEW"), nested.has("SIZE")) == ("1", None)

"""What systemd has loaded, and what is on disk: each told for itself, and what a real restart gives."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from live.harness import root_only, wait_for
from live.servers import WSGI
from live.systemd.judging import argvs
from live.systemd.machine import Machine
from live.systemd.unit import Unit

pytestmark = root_only

CONFIG = """\
import os
raw_env = ["A={a}"]
os.environ.pop("POPPED", None)
"""
# What stands before gunicorn, and which file says A: its path, and its content.
WAYS = {
    "envdir": ("/usr/bin/envdir /etc/a.d {gunicorn}", "/etc/a.d/A", "{a}\n"),
    "chpst": ("/usr/bin/chpst -e /etc/a.d {gunicorn}", "/etc/a.d/A", "{a}\n"),
    "shell": ("/bin/sh -c '. /etc/a.sh; exec {gunicorn}'", "/etc/a.sh", "export A={a}\n"),
    "raw_env": ("{gunicorn} -c /etc/a.py", "/etc/a.py", CONFIG),
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        booted.write("/srv/app.py", WSGI.format(prelude=""))
        yield booted


def configured(unit: Unit) -> dict[str, Any]:
    show = ("-m", "envcheck", "show", f"configured:{unit.master}", "-f", "json", "--reveal", "*")
    found: dict[str, Any] = json.loads(unit.machine.python(*show).stdout)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_what_a_restart_without_a_reload_gives(machine: Machine, way: str) -> None:
    command, file, content = WAYS[way]
    machine.write(file, content.format(a="v1"))
    unit = Unit(machine, f"loaded-{way}.service", "Environment=Y=1 POPPED=1", command=command)
    machine.write(file, content.format(a="later"))
    unit.define("Environment=Y=2 POPPED=1", command)

    found = configured(unit)

    assert (found["variables"]["Y"], found["variables"]["A"]) == ("2", "later")
    assert found["loaded"] == {"Y": "1"}
    told = machine.python("-m", "envcheck", "why", "A", str(unit.master), check=False).stdout
    assert "loaded by the supervisor" not in told
    machine.systemctl("restart", unit.name)
    unit.ready()
    has = unit.live()
    assert (has["Y"], has["A"]) == ("1", "later")
    unit.stop()


def test_a_wrapper_that_is_loaded_and_not_on_disk(machine: Machine) -> None:
    machine.write("/etc/old.d/A", "old\n")
    machine.write("/etc/new.d/A", "new\n")
    machine.write("/etc/new.d/B", "new\n")
    unit = Unit(machine, "wrapped.service", "", command="/usr/bin/envdir /etc/old.d {gunicorn}")
    unit.define("", "/usr/bin/envdir /etc/new.d {gunicorn} -e C=1")

    assert configured(unit)["loaded"] == {"A": "old", "B": None, "C": None}
    unit.stop()


def test_a_program_that_is_called_by_another_name_is_loaded_as_it_is_on_disk(machine: Machine) -> None:
    """`@`: the second word is what the program is called, and no argument of it (systemd.service(5))."""
    machine.write("/etc/named.env", "A=1\n")
    own = "EnvironmentFile=/etc/named.env"
    unit = Unit(machine, "named.service", own, command="@/usr/bin/env hi {gunicorn}")
    machine.write("/etc/named.env", "A=2\n")

    found = unit.check()

    assert argvs(found.remedy["steps"]) == [["systemctl", "restart", unit.name]]
    unit.carry_out(found.remedy["steps"])
    assert unit.live()["A"] == "2"
    unit.stop()


def test_restarted_before_the_reload(machine: Machine) -> None:
    """systemd had the old unit loaded when it started the server, and has the new one now."""
    unit = Unit(machine, "before.service", "Environment=SIZE=large")
    unit.define("Environment=SIZE=small")
    machine.systemctl("restart", unit.name)
    unit.ready()
    begun = time.time()  # systemd tells in whole seconds when it read its files
    wait_for(lambda: time.time() > begun + 1, "the clock stands still")
    machine.systemctl("daemon-reload")

    verdict = unit.check()

    assert verdict.wrong() == {"SIZE": ("stale", "started-before-change")}
    assert "by what was loaded before" in verdict.finding("SIZE")["message"]
    assert argvs(verdict.remedy["steps"]) == [["systemctl", "restart", unit.name]]
    unit.carry_out(verdict.remedy["steps"])
    assert unit.check().status == 0
    unit.stop()


def test_a_variable_that_no_file_sets_any_more(machine: Machine) -> None:
    machine.write("/etc/systemd/system.conf.d/d.conf", "[Manager]\nDefaultEnvironment=OTHER=1\n")
    unit = Unit(machine, "gone.service", "Environment=SIZE=large")
    machine.path(unit.file).unlink()

    message = unit.check().finding("SIZE")["message"]

    assert message.startswith("no source sets it any more, but its supervisor has not read that yet")
    unit.stop()

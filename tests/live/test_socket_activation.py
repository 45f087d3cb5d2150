"""A socket that systemd gave: connections wait for a restart only where systemd is seen to hold it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.checking import Json
from live.harness import root_only, wait_for
from live.matrix.cells import Cell
from live.matrix.place import World
from live.matrix.prove import begin
from live.matrix.units import Socket
from live.systemd.machine import Machine

pytestmark = root_only


@pytest.fixture
def place() -> Iterator[Socket]:
    site = Path(tempfile.mkdtemp(prefix="envcheck-socket-")).resolve()
    with Machine(site) as machine:
        (site / "home").mkdir()
        cell = Cell("gunicorn", preload=False, origin="systemd-environment-file, socket", change="changed")
        made = Socket(cell, site / "home", World(site, site, machine))
        begin(made)
        yield made
        made.end()
    shutil.rmtree(site)


def restart(place: Socket) -> tuple[Json, set[str]]:
    """Give the step, and of what its hazards are."""
    remedy = place.check().remedy
    step: Json = remedy["steps"][-1]
    assert step["argv"] == ["systemctl", "restart", place.name]
    return step, {hazard["cause"] for hazard in remedy["hazards"]}


def test_the_new_master_of_a_gunicorn_does_not_find_the_socket(place: Socket) -> None:
    [usr2] = [s for s in place.check().remedy["insufficient"] if "-USR2" in s["argv"]]
    assert usr2["why"].startswith("the new master dies")
    before = place.check().app["generations"][-1]["master"]["pid"]
    place.machine.run(*usr2["argv"])
    log = place.folder / "log"
    wait_for(lambda: "Bad file descriptor" in log.read_text(), "the new master does not die")
    [generation] = place.check().app["generations"]
    assert generation["master"]["pid"] == before


def test_connections_wait_only_where_systemd_holds_it(place: Socket) -> None:
    held, hazards = restart(place)
    assert held["disruption"] == "workers"
    assert "downtime" not in hazards
    assert "holds the socket itself" in held["why"]

    place.machine.systemctl("stop", place.name.replace(".service", ".socket"))
    given, hazards = restart(place)
    assert given["disruption"] == "connections"
    assert "downtime" in hazards

    place.machine.write(f"{place.unit}.d/kill.conf", "[Service]\nKillMode=process\n")
    place.machine.systemctl("daemon-reload")
    _, hazards = restart(place)
    assert "kill-mode" in hazards

"""A socket that systemd gave: connections wait for a restart only where systemd is seen to hold it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.checking import Json
from live.harness import root_only
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

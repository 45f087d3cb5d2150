"""What a target means, and what an app of the spec."""

from __future__ import annotations

import build
import pytest

from envcheck.judge import matching
from envcheck.model import Owner, Snapshot


def snapshot(unit: str) -> Snapshot:
    found = build.snapshot(build.gunicorn(10))
    owner = Owner("systemd", unit, "cgroup")
    beside = Owner("supervisord", "shop", "ancestor")
    servers = tuple(s._replace(owners=(beside, owner)) for s in found.servers)
    return found._replace(servers=servers, real={"/srv/current": ("/srv/shop",), "/var/*": ("/srv/shop",)})


@pytest.mark.parametrize(
    ("unit", "target"),
    [
        ("shop.service", "unit:shop"),
        ("shop.service", "unit:shop.service"),
        ("shop.service", "unit:sh*"),
        ("shop@blue.service", "unit:shop@blue"),
        ("shop@blue.service", "unit:shop@blue.service"),
        ("shop@blue.service", "unit:shop@"),
        ("shop@blue.service", "unit:shop@.service"),
        (r"big\x2dshop.service", r"unit:big\x2dshop"),
        ("shop.service", "cwd:/srv/shop/"),
        ("shop.service", "cwd:/srv/current"),
        ("shop.service", "cwd:/var/*"),
        ("shop.service", "server:gunicorn"),
        ("shop.service", "10"),
        ("shop.service", "shop"),
    ],
)
def test_what_a_target_means(unit: str, target: str) -> None:
    assert [s.first.pid for s in matching.targets(snapshot(unit), target)] == [10]


@pytest.mark.parametrize(
    "target",
    [
        "unit:sho",
        "unit:shop@",
        "unit:",
        "unit:supervisord",
        "cwd:/srv",
        "cwd:/srv/old",
        "server:unicorn",
        "11",
    ],
)
def test_what_it_does_not(target: str) -> None:
    assert matching.targets(snapshot("shop.service"), target) == ()


def test_the_units_that_there_are_are_told() -> None:
    assert "shop.service" in matching.reason(snapshot("shop.service"), "unit:sohp")

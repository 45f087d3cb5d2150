"""monit: its control files, its own process, and the marks that it leaves."""

from __future__ import annotations

import build
import pytest

from envcheck.model import FileFacts
from envcheck.supervisors import fresh, monit
from envcheck.supervisors.monit_config import split
from envcheck.supervisors.ownership import owners

from .answering import gaps, known, origins

SHOP = build.gunicorn(6, at_exec={"MONIT_SERVICE": "shop"})
RUNS = {
    "/run/monit.pid": "77\n",
    "/proc/77/cmdline": "/usr/bin/monit\0-c\0/srv/monitrc\0",
    "/proc/77/environ": "PATH=/bin\0GREETING=hello\0",
}
CONTROL = """\
set daemon 60 # start "nothing"
include /etc/monit/conf.d/*
check process other with pidfile /x start program = "/bin/other"
"""
ENTRY = """\
CHECK PROCESS shop WITH PIDFILE /run/shop.pid
  START PROGRAM = "/usr/bin/env 'COLOUR=dark red' gunicorn -D" as uid "shop" and using gid "shop"
"""
GLOBS = {"/etc/monit/conf.d/*": ("/etc/monit/conf.d/shop",)}


def test_it_hands_on_what_it_has_and_what_its_file_says() -> None:
    files = {**RUNS, "/srv/monitrc": CONTROL, "/etc/monit/conf.d/shop": ENTRY}
    [owner] = owners(SHOP, {})
    start = fresh(owner, SHOP, known(files, GLOBS))
    assert gaps(start) == {}
    found = origins(start)
    assert found["COLOUR"] == ("dark red", "/etc/monit/conf.d/shop:2")
    assert found["GREETING"] == ("hello", "the environment of monit 77:0")
    dynamic = {a.name for done in start.applied if done.parsed for a in done.parsed.assignments if a.dynamic}
    assert dynamic == {"HOME", "LOGNAME", "SHELL", "USER"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"/srv/monitrc": FileFacts("denied")}, "it could not be read (denied)"),
        ({"/etc/monit/conf.d/shop": "check process shop\n"}, "it has no `start program` for shop"),
        ({"/srv/monitrc": "include /srv/monitrc"}, "too many files include one another"),
        ({"/proc/77/cmdline": "/bin/other\0"}, "which process monit is, is not known"),
        ({"/proc/77/environ": FileFacts("denied")}, "it could not be read"),
    ],
)
def test_gaps(changed: dict[str, str | FileFacts], why: str) -> None:
    files = {**RUNS, "/srv/monitrc": CONTROL, "/etc/monit/conf.d/shop": ENTRY, **changed}
    globs = {**GLOBS, "/srv/monitrc": ("/srv/monitrc",)}
    [owner] = owners(SHOP, {})
    assert why in gaps(fresh(owner, SHOP, known(files, globs))).values()


def test_in_the_cgroup_of_its_own_unit_the_service_is_still_its_own() -> None:
    inside = SHOP._replace(cgroup="0::/system.slice/monit.service\n")
    assert [o.kind for o in owners(inside, {})] == ["monit", "systemd"]
    elsewhere = SHOP._replace(cgroup="0::/system.slice/shop.service\n")
    assert [o.kind for o in owners(elsewhere, {})] == ["systemd"]


def test_words_of_a_command() -> None:
    assert split("""/bin/sh -c 'a "b" $c' "d e" ''""") == ("/bin/sh", "-c", 'a "b" $c', "d e", "")
    assert monit.owner(build.gunicorn(6), ()) is None

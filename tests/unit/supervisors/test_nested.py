"""Owners of owners: whose environment is inherited, whose restart it takes, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping

import build
import pytest

from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    Owner,
    Parsed,
    Process,
    Server,
    Source,
    Stage,
    Start,
)
from envcheck.secrecy import Policy
from envcheck.sources import chain
from envcheck.supervisors import ancestry, nested, wrappers
from envcheck.supervisors.acting import acting, restart
from envcheck.supervisors.ownership import owners

from .answering import known, supervising

UNIT = Source("systemd-unit", "/etc/systemd/system/outer.service", Stage.EXEC)
HOME = build.process(
    10, ("runsv", "shop"), comm="runsv", cwd="/srv/shop", at_exec={"A": "old", "TERM": "xterm"}
)
WEB = build.gunicorn(20, 10, caught=build.GUNICORN_MASTER, at_exec={"A": "old"})


def sets(**variables: str | None) -> Applied:
    return Applied(UNIT, Parsed(tuple(Assignment(n, v, 3) for n, v in variables.items())), 5.0)


def begin(command: tuple[str, ...] = ("gunicorn",)) -> nested.Begin:
    def start(owner: Owner) -> Start:
        inner = Start((ancestry.inherited(owner, WEB),), command, folder="/")
        return wrappers.follow(inner, WEB, known({}))

    return start


def owned(owner_process: Process = HOME) -> Owner:
    return Owner("runit", "/srv/shop", pid=owner_process.pid, supervising=owner_process)


def test_what_the_supervisor_would_be_started_with_is_inherited() -> None:
    start = nested.renewed(owned(), Start((sets(A="new", GONE="1"), sets(GONE=None))), begin())
    assert chain.values(start.applied) == {"A": "new"}
    assert {a.source for a in start.applied} == {UNIT}


def test_what_cannot_be_read_of_it_is_a_gap_up_to_where_nothing_is_inherited() -> None:
    gap = Applied(UNIT, None, 0.0, "not allowed to read it")
    start = nested.renewed(owned(), Start((gap, sets(A="new"))), begin())
    assert [a.why for a in start.applied if a.parsed is None] == ["not allowed to read it"]
    assert chain.values(start.applied) == {"A": "new"}
    cleared = nested.renewed(owned(), Start((gap,)), begin(("env", "-i", "B=1", "gunicorn")))
    assert [a for a in cleared.applied if a.parsed is None] == []
    assert chain.values(cleared.applied) == {"B": "1"}


@pytest.mark.parametrize(
    "outer", [Start(), Start((sets(),), stray="it is not its own"), Start((sets(),), unstartable="masked")]
)
def test_where_it_does_not_tell_nothing_is_guessed(outer: Start) -> None:
    assert not nested.tells(outer)


def test_a_title_hides_the_command_line_and_the_unit_tells_it() -> None:
    titled = owned(supervising("circusd"))
    told = nested.untitled(titled, Start((sets(),), ("/opt/bin/circusd", "/etc/circus.ini"))).supervising
    assert told is not None
    assert told.argv == ("/opt/bin/circusd", "/etc/circus.ini")
    other = Start((sets(),), ("/opt/bin/start",))
    assert nested.untitled(titled, other) == titled


CGROUP = "0::/system.slice/outer.service\n"


@pytest.mark.parametrize(("cgroup", "outer"), [(CGROUP, "outer.service"), ("0::/\n", None)])
def test_who_keeps_it_running(cgroup: str, outer: str | None) -> None:
    tree = build.process(4, ("runsvdir", "/srv"), comm="runsvdir", cgroup=cgroup)
    watcher = HOME._replace(parent=4, cgroup=cgroup)
    table = {p.pid: p for p in (tree, watcher)}
    first = owners(WEB._replace(cgroup=cgroup), table)[0]
    assert first.kind == "runit"
    assert (first.outer.name if first.outer else None) == outer


def test_marks_of_another_do_not_keep_a_supervisor_running() -> None:
    marked = HOME._replace(at_exec=build.reading({"MONIT_SERVICE": "runit"}))
    [first] = owners(WEB, {10: marked})
    assert first.outer is None


# --- whose restart it takes ------------------------------------------------------------------------


def server(has: Mapping[str, str], owner: Owner) -> Server:
    [made] = build.snapshot(
        WEB._replace(at_exec=build.reading(has), live=build.reading(has), parent=1)
    ).servers
    return made._replace(owners=(owner,))


def levels(kind: str, inner: str, middle: str, fresh: str) -> tuple[Owner, Configured]:
    """Make systemd over supervisord over *kind*; each hands on what it has of A."""
    top = Owner("systemd", "outer.service")
    between = Owner("supervisord", "web:web", supervising=HOME, outer=top)
    owner = Owner(kind, "web", supervising=HOME, outer=between)
    outermost = Start((sets(A=fresh),))
    start = Start((sets(A=fresh),), kept=(sets(A=middle),), outer=outermost)
    start = Start((sets(A=fresh),), kept=(sets(A=inner),), outer=start)
    return owner, chain.combine(start.applied)._replace(start=start)


@pytest.mark.parametrize(
    ("kind", "inner", "middle", "acts"),
    [
        ("runit", "new", "new", "runit"),  # only the server is old
        ("runit", "old", "new", "supervisord"),  # so is its supervisor
        ("runit", "old", "old", "systemd"),  # and so is that one's
        ("honcho", "new", "new", "supervisord"),  # it starts nothing a second time
    ],
)
def test_whose_restart_it_takes(kind: str, inner: str, middle: str, acts: str) -> None:
    owner, configured = levels(kind, inner, middle, "new")
    found, seen = acting(server({"A": "old"}, owner), configured)
    assert found is not None
    assert found.kind == acts
    assert seen.start is not None
    assert (seen.start.outer is None) == (acts == "systemd")


def test_what_is_to_be_removed_takes_the_one_that_hands_it_on() -> None:
    owner = Owner("runit", "web", supervising=HOME, outer=Owner("systemd", "outer.service"))
    start = Start((sets(),), kept=(sets(GONE="1"),), outer=Start((sets(),)))
    configured = chain.combine(start.applied)._replace(start=start, removed=frozenset({"GONE"}))
    found, _ = acting(server({"GONE": "1"}, owner), configured)
    assert found is not None
    assert found.kind == "systemd"


@pytest.mark.parametrize("inner", [0, 10, 3])
def test_a_command_of_a_supervisor_in_a_container_is_none_for_the_host(inner: int) -> None:
    """There may be a service of that name here too."""
    snapshot = build.snapshot(WEB)
    server = snapshot.servers[0]._replace(owners=(owned(HOME._replace(inner=inner)),))
    steps = restart(server, Configured(start=Start()), snapshot, Policy(key=bytes(32)))
    commands = [step for step in steps if step.argv[0] not in ("kill", "timeout")]
    assert commands
    assert all(step.runnable for step in commands) is (inner != 3)
    assert all("inside of the container" in h.message for s in commands if not s.runnable for h in s.hazards)

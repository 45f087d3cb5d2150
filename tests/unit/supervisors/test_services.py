"""runit, daemontools, s6, herders and those that leave a mark: told from processes that are data."""

from __future__ import annotations

from typing import Any

import build
import pytest

from envcheck.model import Action, Answers, FileFacts, Owner, Process, Server
from envcheck.sources import chain
from envcheck.supervisors import fresh, named, sysv
from envcheck.supervisors.known import Known
from envcheck.supervisors.ownership import owned

WATCHERS = {"runit": "runsv", "daemontools": "supervise", "s6": "s6-supervise"}
RESTARTS = {
    "runit": ("sv", "restart", "/etc/service/shop"),
    "daemontools": ("svc", "-t", "/etc/service/shop"),
    "s6": ("s6-svc", "-r", "/etc/service/shop"),
}


def watcher(comm: str, pid: int = 4, **given: Any) -> Process:
    at_exec = {"PATH": "/bin", "TREE": "1"}
    return build.process(pid, (comm, "shop"), comm=comm, cwd="/etc/service/shop", at_exec=at_exec, **given)


def own(*processes: Process) -> Server:
    [server] = build.snapshot(*processes).servers
    return owned(server, {p.pid: p for p in processes})


def plan(server: Server, answers: Answers = Answers()) -> tuple[tuple[str, ...], ...]:  # noqa: B008
    assert server.owner is not None
    module = named(server.owner.kind)
    configured = chain.combine(fresh(server.owner, server.first, Known(answers)).applied)
    snapshot = build.snapshot()
    return tuple(s.argv for s in module.restart(server.owner, server, configured, snapshot, build.OPEN))


@pytest.mark.parametrize("kind", WATCHERS)
def test_a_service(kind: str) -> None:
    shell = build.process(5, ("sh", "./run"), comm="sh", parent=4, started=build.NOW - 1500)
    server = own(watcher(WATCHERS[kind]), shell, build.gunicorn(6, 5, caught=build.GUNICORN_MASTER))
    assert server.owner is not None
    assert (server.owner.kind, server.owner.name, server.owner.pid) == (kind, "/etc/service/shop", 4)
    assert server.generations[0].environment_read == build.NOW - 1500
    assert plan(server) == (RESTARTS[kind],)


@pytest.mark.parametrize(
    ("words", "scanner", "folder"),
    [
        (("runsv", "/srv/shop"), (), "/srv/shop"),
        (("runsv", "shop"), ("runsvdir", "-P", "/etc/service", "log: ..."), "/etc/service/shop"),
        (("runsv", "shop"), ("runsvdir", "service"), None),
        (("runsv", "shop"), ("sh", "/etc/start"), None),
    ],
)
def test_a_service_of_another_user(
    words: tuple[str, ...], scanner: tuple[str, ...], folder: str | None
) -> None:
    """Where the working directory of its watcher may not be read."""
    above = [build.process(2, scanner, comm=scanner[0])] if scanner else []
    found = build.process(4, words, comm="runsv", cwd=None, parent=2, at_exec="denied")
    server = own(*above, found, build.gunicorn(6, 4, caught=build.GUNICORN_MASTER))
    assert (server.owner.name if server.owner else None) == folder


def test_what_a_service_gives() -> None:
    server = own(watcher("runsv"), build.gunicorn(6, 4, caught=build.GUNICORN_MASTER))
    assert server.owner is not None
    run = FileFacts("ok", b"#!/bin/sh\nexport A=$TREE\nexec chpst -e ./env gunicorn\n", 9.0)
    answers = Answers(
        files={"/etc/service/shop/run": run},
        folders={"/etc/service/shop/env": build.folder(8.0, COLOUR="red\n")},
    )
    start = fresh(server.owner, server.first, Known(answers))
    assert chain.values(start.applied) == {"PATH": "/bin", "TREE": "1", "A": "1", "COLOUR": "red"}
    assert [(a.source.kind, a.source.path) for a in start.applied] == [
        ("supervisor-environment", "the environment of runsv 4"),
        ("shell", "/etc/service/shop/run"),
        ("envdir", "/etc/service/shop/env"),
    ]
    origins = {n: s[-1].origin for n, s in chain.combine(start.applied).settings.items()}
    assert origins["A"] == "/etc/service/shop/run:2"
    assert origins["TREE"] == "the environment of runsv 4"


def test_what_a_shell_writes_anew_is_not_handed_on() -> None:
    has = {"PWD": "/srv/shop", "SHLVL": "1"}
    watching = watcher("supervise")._replace(
        at_exec=build.reading({"PWD": "/etc/service", "OLDPWD": "/", "SHLVL": "1", "TREE": "1"})
    )
    server = own(watching, build.gunicorn(6, 4, caught=build.GUNICORN_MASTER, at_exec=has))
    assert server.owner is not None

    start = fresh(server.owner, server.first, Known(Answers()))

    assert chain.values(start.applied) == {"SHLVL": "1", "TREE": "1"}


def test_an_environment_that_may_not_be_read_is_a_gap() -> None:
    hidden = watcher("runsv")._replace(at_exec=build.reading("denied"))
    server = own(hidden, build.gunicorn(6, 4, caught=build.GUNICORN_MASTER))
    assert server.owner is not None
    start = fresh(server.owner, server.first, Known(Answers()))
    assert start.applied[0].parsed is None


# --- herders ----------------------------------------------------------------------------------------

HERDER = build.process(
    20,
    ("python", "/usr/local/bin/unicornherder", "-u", "unicorn", "-p", "/run/shop/app.pid", "--", "-c", "x"),
    comm="unicornherder",
    started=build.NOW - 5000,
    cwd="/srv/shop",
)
JOB = {"UPSTART_JOB": "shop", "UPSTART_INSTANCE": ""}


def master(pid: int = 30, pidfile: str = "/run/shop/app.pid", **given: Any) -> Process:
    given.setdefault("at_exec", JOB)
    return build.unicorn(pid, f"unicorn master -D -P {pidfile} -c x", **given)


def test_a_herder_is_found_by_the_pid_file() -> None:
    other = HERDER._replace(pid=21, argv=("python", "unicornherder", "-p", "/run/blog/app.pid"))
    server = own(HERDER, other, master(at_exec={**JOB, "UNICORN_FD": "8"}))
    assert server.owner is not None
    assert (server.owner.kind, server.owner.name, server.owner.pid) == ("herder", "shop", 20)
    [generation] = server.generations
    assert (generation.reexeced, generation.environment_read) == (True, HERDER.started)
    steps = plan(server)
    assert (steps[0], steps[-1]) == (("initctl", "stop", "shop"), ("initctl", "start", "shop"))


def test_a_herder_without_a_job_is_ended_and_started_again() -> None:
    server = own(HERDER, master(at_exec={}))
    steps = plan(server)
    assert steps[0] == ("kill", "-TERM", "20")
    assert steps[-1][-len(HERDER.argv) :] == HERDER.argv


def test_who_runs_the_herder_owns_the_restart() -> None:
    server = own(watcher("runsv", 4), HERDER._replace(parent=4), master())
    assert server.owner is not None
    assert (server.owner.kind, plan(server)) == ("runit", (RESTARTS["runit"],))
    assert server.generations[0].environment_read == HERDER.started


def test_a_master_whose_herder_is_gone() -> None:
    server = own(master())
    assert server.owner is not None
    assert "orphaned" in server.owner.facts
    steps = plan(server)
    assert (steps[0], steps[-1]) == (("kill", "-QUIT", "30"), ("initctl", "start", "shop"))
    assert Action.ADOPT.value == "adopt"


def test_a_stranger_is_no_herder() -> None:
    assert own(HERDER, master(pidfile="/srv/else.pid", at_exec={}, cwd="/srv/else")).owner is None


def test_what_a_job_gives() -> None:
    job = (
        b'description "x"\nenv COLOUR=red\nenv SIZE="a b"\nenv WHO=$OTHER\n'
        b"script\n  exec envdir /etc/d gunicorn\nend script\n"
    )
    answers = Answers(
        files={"/etc/init/shop.conf": FileFacts("ok", job, 9.0)},
        folders={"/etc/d": build.folder(1.0, COLOUR="blue\n")},
    )
    server = own(HERDER, master())
    assert server.owner is not None
    start = fresh(server.owner, server.first, Known(answers))
    settings = chain.combine(start.applied).settings
    assert [s.origin for s in settings["COLOUR"]] == ["/etc/init/shop.conf:2", "/etc/d/COLOUR:1"]
    assert settings["SIZE"][-1].assignment.value == "a b"
    assert settings["WHO"][-1].assignment.dynamic
    assert start.command == ("gunicorn",)


# --- marks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "kind", "name"),
    [
        ({"RC_SVCNAME": "shop", "RC_SERVICE": "/etc/init.d/shop"}, "openrc", "shop"),
        ({"TMUX": "/tmp/tmux-0/default,1,0", "TMUX_PANE": "%3"}, "tmux", "%3"),
    ],
)
def test_marks(env: dict[str, str], kind: str, name: str) -> None:
    server = own(build.gunicorn(6, at_exec=env))
    assert server.owner is not None
    assert (server.owner.kind, server.owner.name, server.owner.evidence) == (kind, name, "marks")
    assert fresh(server.owner, server.first, Known(Answers())).applied == ()


def test_tmux_is_an_ancestor_and_its_shell_no_start_of_a_chain() -> None:
    tmux = build.process(3, ("tmux", "new"), comm="tmux: server")
    shell = build.process(5, ("bash",), comm="bash", parent=3, started=build.NOW - 9000)
    server = own(tmux, shell, build.gunicorn(6, 5, caught=build.GUNICORN_MASTER))
    assert server.owner is not None
    assert (server.owner.kind, server.owner.evidence) == ("tmux", "ancestor")
    assert server.generations[0].environment_read == server.first.started


def test_a_mark_counts_only_where_no_ancestor_tells() -> None:
    env = {"MONIT_SERVICE": "shop"}
    server = own(watcher("runsv"), build.gunicorn(6, 4, caught=build.GUNICORN_MASTER, at_exec=env))
    assert [o.kind for o in server.owners] == ["runit"]


@pytest.mark.parametrize(
    ("pidfile", "name"),
    [
        ("/run/shop.pid", "shop"),
        ("/var/run/shop/app.pid", "shop"),
        ("/run/gunicorn/shop.pid", "shop"),
        ("/srv/shop.pid", None),
    ],
)
def test_a_script_by_its_pid_file(pidfile: str, name: str | None) -> None:
    server = own(build.gunicorn(6, 1, "-D", "-p", pidfile, "app:app"))
    assert (server.owner.name if server.owner else None) == name


def test_a_script_has_to_be_there() -> None:
    owner = Owner("sysv", "shop", "marks")
    there = Answers(files={"/etc/init.d/shop": FileFacts("ok", b"#!/bin/sh\n")})
    assert sysv.confirmed(owner, there)
    assert not sysv.confirmed(owner, Answers(files={"/etc/init.d/shop": FileFacts("missing")}))


def test_what_a_default_file_exports_is_certain_and_the_rest_is_not() -> None:
    answers = Answers(
        files={
            "/etc/init.d/shop": FileFacts("ok", b"#!/bin/sh\n", 1.0),
            "/etc/default/shop": FileFacts("ok", b"A=1\nexport B=2\n", 2.0),
        }
    )
    server = own(build.gunicorn(6, 1, "-D", "-p", "/run/shop.pid", "app:app"))
    assert server.owner is not None
    start = fresh(server.owner, server.first, Known(answers))
    settings = chain.combine(start.applied).settings
    assert (settings["B"][-1].assignment.value, settings["B"][-1].origin) == ("2", "/etc/default/shop:2")
    assert settings["A"][-1].assignment.dynamic
    assert plan(server, answers) == (("service", "shop", "restart"),)

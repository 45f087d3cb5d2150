"""Masters and workers that come and go: upgrades half done and done, masters that are gone."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from live.checking import Json, check, envcheck, report
from live.harness import OWN_BIN, Server, processes_in, send, wait_for
from live.servers import Gunicorn, Unicorn

Run = Callable[[Server], Server]
Make = Callable[[Path, Path], Server]

SERVERS: dict[str, Make] = {
    "gunicorn": lambda home, _: Gunicorn(home, bins=OWN_BIN),
    "gunicorn-untitled": lambda home, bare: Gunicorn(home, bins=bare),
    "gunicorn-daemon-untitled": lambda home, bare: Gunicorn(
        home, "-D", "-p", "pid", "--log-file", "log", bins=bare
    ),
    "unicorn": lambda home, _: Unicorn(home),
    "unicorn-daemon": lambda home, _: Unicorn(home, "-D", config="pid 'pid'\nstdout_path 'log'\n"),
    "unicorn-preload": lambda home, _: Unicorn(home, config="preload_app true\n"),
}
each = pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)


def found(server: Server) -> list[Json]:
    """Give the generations that `ps` tells, which must be one server's."""
    [one] = report("ps", f"cwd:{server.folder}")["hosts"][0]["servers"]
    return list(one["generations"])


def shape(generations: list[Json]) -> list[tuple[int | None, set[int], str, bool]]:
    return [
        (
            g["master"] and g["master"]["pid"],
            {w["pid"] for w in g["workers"]},
            g["role"],
            g["reexeced"],
        )
        for g in generations
    ]


@pytest.mark.parametrize(
    ("make", "ending"),
    [
        *((make, signal.SIGQUIT) for make in SERVERS.values()),
        (SERVERS["gunicorn-untitled"], signal.SIGTERM),
        (SERVERS["unicorn"], signal.SIGTERM),
    ],
    ids=[*SERVERS, "gunicorn-untitled-TERM", "unicorn-TERM"],
)
def test_an_upgrade(make: Make, ending: signal.Signals, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    old = server.master

    new = server.upgrade()

    pids = server.generations()
    half = found(server)
    assert shape(half) == [(old, pids[old], "old", False), (new, pids[new], "new", True)]
    # It was read when the first one was started, whatever the second one's age.
    assert {g["environment_read"] for g in half} == {half[0]["master"]["started"]}
    verdict = check(server)
    assert (verdict.status, verdict.state) == (0, "latent")
    assert verdict.says(None) == ("latent", "mixed-generations")

    server.retire(old, ending)

    whole = found(server)
    assert shape(whole) == [(new, server.generations()[new], "current", True)]
    assert whole[0]["environment_read"] is None
    assert check(server).status == 0
    assert check(server).wrong() == {}


@each
def test_a_second_upgrade(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.reexec()
    old = server.master

    new = server.upgrade()

    pids = server.generations()
    assert shape(found(server)) == [(old, pids[old], "old", True), (new, pids[new], "new", True)]


@each
def test_a_reload_leaves_one_generation(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    master = server.master

    server.reload()

    assert shape(found(server)) == [(master, server.generations()[master], "current", False)]


def test_a_unicorn_without_configuration_has_two_masters_after_a_reload(home: Path, run: Run) -> None:
    server = run(Unicorn(home, config=None).put(COLOUR="red"))
    old = server.master

    send(old, signal.SIGHUP)
    wait_for(lambda: len(server.generations()) == 2, "no second master")
    server.ready(2)

    assert [g["role"] for g in found(server)] == ["old", "new"]
    assert check(server).says(None) == ("latent", "mixed-generations")


@pytest.mark.parametrize("make", [SERVERS["gunicorn-daemon-untitled"], SERVERS["unicorn"]])
def test_an_old_master_without_workers(make: Make, home: Path, bare: Path, run: Run) -> None:
    """WINCH takes the workers of an old master away, its socket it keeps."""
    server = run(make(home, bare).put(COLOUR="red"))
    old = server.master
    new = server.upgrade()
    workers = server.generations()[old]
    send(old, signal.SIGWINCH)
    wait_for(lambda: not workers & server.pids(), "the old workers do not end")

    assert [s[0] for s in shape(found(server))] == [old, new]
    assert [s[2] for s in shape(found(server))] == ["old", "new"]


@each
def test_workers_without_a_master(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    [(master, workers)] = server.generations().items()
    for worker in workers:
        send(worker, signal.SIGSTOP)
    send(master, signal.SIGKILL)
    wait_for(lambda: master not in server.pids(), "the master does not end")

    generations = found(server)

    assert shape(generations) == [(None, workers, "orphaned", False)]
    assert {p.pid for p in processes_in(server.folder)} == workers
    verdict = check(server)
    assert {f["cause"] for f in verdict.findings(None)} == {"orphaned", "stopped"}
    assert all(set(f["pids"]) == workers for f in verdict.findings(None))


def test_orphans_beside_a_new_master(home: Path, bare: Path, run: Run) -> None:
    """The master was killed, and the server started again: the old workers still answer."""
    server = run(Gunicorn(home, "--reuse-port", bins=bare).put(COLOUR="red"))
    [(master, orphans)] = server.generations().items()
    for worker in orphans:
        send(worker, signal.SIGSTOP)
    send(master, signal.SIGKILL)
    wait_for(lambda: master not in server.pids(), "the master does not end")
    server.launch()
    wait_for(lambda: any(len(w) == 2 for w in server.generations().values()), "no new master")
    new = server.master

    assert shape(found(server)) == [
        (None, orphans, "orphaned", False),
        (new, server.generations()[new], "current", False),
    ]


@pytest.mark.parametrize("titles", [True, False])
def test_what_a_worker_has_forked_is_none(titles: bool, home: Path, bare: Path) -> None:  # noqa: FBT001
    """Not while the worker lives, nor when it has ended and left its child behind."""
    child = "pid = os.fork()\nif not pid:\n    time.sleep(600)\n"
    server = Gunicorn(home, bins=OWN_BIN if titles else bare, prelude=child).put(COLOUR="red").launch()
    with ExitStack() as stack:
        stack.callback(server.stop)
        wait_for(lambda: len(server.pids()) == 5, "no children of workers")
        parents = {p.parent for p in processes_in(home)}
        [master] = {p.parent for p in processes_in(home) if p.pid in parents} & server.pids()
        workers = {p.pid for p in processes_in(home) if p.parent == master}
        assert shape(found(server)) == [(master, workers, "current", False)]

        killed = min(workers)
        send(killed, signal.SIGKILL)
        wait_for(lambda: len(server.pids()) == 6, "no worker in its place")
        workers = {p.pid for p in processes_in(home) if p.parent == master}

        assert shape(found(server)) == [(master, workers, "current", False)]
        assert check(server).wrong() == {}


def test_the_table_tells_the_generations(home: Path, run: Run) -> None:
    server = run(Unicorn(home))
    old = server.master
    new = server.upgrade()

    table = envcheck("ps", f"cwd:{server.folder}").out

    [first, second] = table.splitlines()[1:]
    assert str(old) in first.split()
    assert " old " in first
    assert str(new) in second.split()
    assert "new, re-exec'd" in second

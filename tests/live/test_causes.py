"""Every cause on a real server: what was done to it is known, and `check` has to find it out."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.checking import check, envcheck, report
from live.harness import OWN_BIN, Server, processes_in, send, wait_for
from live.servers import DOTENV_PYTHON, DOTENV_RUBY, Gunicorn, Unicorn

Run = Callable[[Server], Server]
Make = Callable[..., Server]


def titled(home: Path, _: Path, *args: str, **options: Any) -> Server:
    return Gunicorn(home, *args, bins=OWN_BIN, **options)


def untitled(home: Path, bare: Path, *args: str, **options: Any) -> Server:
    return Gunicorn(home, *args, bins=bare, **options)


def unicorn(home: Path, _: Path, *args: str, **options: Any) -> Server:
    return Unicorn(home, *args, **options)


each = pytest.mark.parametrize("make", [titled, untitled, unicorn])
each_gunicorn = pytest.mark.parametrize("make", [titled, untitled])


def with_dotenv(server: Server, **variables: str) -> Server:
    dialect = "dotenv-ruby" if server.kind == "unicorn" else "dotenv-python"
    server.sources.append({"file": str(server.folder / ".env"), "dialect": dialect})
    return dotenv(server, **variables)


def dotenv(server: Server, **variables: str) -> Server:
    return server.write(".env", "".join(f"{name}={value}\n" for name, value in variables.items()))


def loader(make: Make) -> str:
    return DOTENV_RUBY if make is unicorn else DOTENV_PYTHON


# --- the source has changed ----------------------------------------------------------------------


@each
def test_started_before_the_change(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red", OLD="x", KEPT="y"))
    server.put(COLOUR="blue", SIZE="large", OLD=None)

    verdict = check(server)

    stale = ("stale", "started-before-change")
    assert verdict.wrong() == {"COLOUR": stale, "SIZE": stale, "OLD": stale}
    assert verdict.status == 1
    for name in ("COLOUR", "SIZE", "OLD"):
        assert set(verdict.finding(name)["pids"]) == server.pids()
    assert verdict.finding("COLOUR")["configured"]["origin"] == f"{home}/env.d/COLOUR:1"
    assert verdict.finding("SIZE")["live"] == {"status": "ok", "present": False}


@each
def test_the_text_tells_it_in_a_screen(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue")

    outcome = envcheck("check", "-s", server.spec())

    assert outcome.status == 1
    lines = outcome.out.splitlines()
    assert lines[0].startswith("STALE: shop ")
    assert len(lines) < 50
    for said in ("COLOUR", "started-before-change", str(server.master), "not enough:", "do: restart"):
        assert said in outcome.out
    assert "blue" not in outcome.out


@each
def test_inherited_by_reexec(make: Make, home: Path, bare: Path, run: Run) -> None:
    """The story the tool began with: the master is younger than the change."""
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue", AWS_REGION="eu-west-1")
    server.reexec()
    changed = (home / "env.d/COLOUR").stat().st_ctime

    verdict = check(server)

    assert Path(f"/proc/{server.master}").stat().st_ctime > changed
    inherited = ("stale", "inherited-by-reexec")
    assert verdict.wrong() == {"COLOUR": inherited, "AWS_REGION": inherited}
    assert set(verdict.finding("COLOUR")["pids"]) == server.pids()
    assert verdict.app["generations"][0]["reexeced"] is True


@each
def test_inherited_by_the_new_half_of_an_upgrade(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    server.upgrade()

    verdict = check(server)

    assert verdict.says("COLOUR") == ("stale", "inherited-by-reexec")
    assert set(verdict.finding("COLOUR")["pids"]) == server.pids()
    assert verdict.says(None) == ("latent", "mixed-generations")


@each
def test_reforked_by_a_reload(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue", SIZE="large")
    server.reload()

    verdict = check(server)

    assert verdict.wrong() == {"COLOUR": ("stale", "reforked"), "SIZE": ("stale", "reforked")}
    assert set(verdict.finding("COLOUR")["pids"]) == server.pids()


@each
def test_reforked_after_a_worker_ended(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    # The kernel tells starts in ticks: a worker of the same one as the change is not known to be younger.
    changed = (server.folder / "env.d" / "COLOUR").stat().st_ctime
    wait_for(lambda: time.time() > changed + 0.1, "the clock stands still")
    [workers] = server.generations().values()
    server.respawn(min(workers))

    assert check(server).says("COLOUR") == ("stale", "reforked")


# --- the configuration is wrong --------------------------------------------------------------------


@each
def test_not_configured(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = make(home, bare).put(COLOUR="red")
    server.rules = {"SIZE": None, "COLOUR": "red"}
    run(server)

    verdict = check(server)

    assert verdict.wrong() == {"SIZE": ("misconfigured", "not-configured")}
    assert (verdict.status, verdict.state) == (1, "misconfigured")
    assert verdict.remedy["action"] == "fix-configuration"
    assert verdict.remedy["sufficient"] is False
    assert verdict.remedy["steps"] == []


def test_shadowed(home: Path, bare: Path, run: Run) -> None:
    server = untitled(home, bare, chain=("envdir", "all.d", "envdir", "env.d"))
    server.sources.insert(0, {"envdir": str(home / "all.d")})
    server.put("all.d", COLOUR="blue", SIZE="large").put(COLOUR="red", SIZE="")
    server.rules = {"COLOUR": "blue", "SIZE": None}
    run(server)

    verdict = check(server)

    assert verdict.wrong() == {
        "COLOUR": ("misconfigured", "shadowed"),
        "SIZE": ("misconfigured", "shadowed"),
    }
    for folder in ("all.d", "env.d"):
        assert f"{home}/{folder}/COLOUR" in verdict.finding("COLOUR")["message"]


@each
def test_unset_by_an_empty_file(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = make(home, bare).put(COLOUR="")
    server.rules = {"COLOUR": None}
    run(server)

    verdict = check(server)

    assert verdict.wrong() == {"COLOUR": ("misconfigured", "unset-by-empty-file")}
    assert verdict.finding("COLOUR")["configured"] == {
        "present": False,
        "origin": f"{home}/env.d/COLOUR:1",
    }


def test_a_restart_would_lose_what_an_empty_file_unsets(home: Path, bare: Path, run: Run) -> None:
    server = untitled(home, bare).put(COLOUR="red")
    server.rules = {"COLOUR": None}
    run(server)
    server.put(COLOUR="")

    verdict = check(server)

    assert verdict.wrong() == {"COLOUR": ("latent", "unset-by-empty-file")}
    assert verdict.status == 0
    assert verdict.remedy["action"] == "refuse"


def test_configured_otherwise_than_expected(home: Path, bare: Path, run: Run) -> None:
    server = untitled(home, bare).put(COLOUR="red")
    server.rules = {"COLOUR": {"one_of": ["green", "blue"]}}
    run(server)

    assert check(server).says("COLOUR") == ("misconfigured", "wrong-value")


def test_a_folder_that_would_not_let_it_start(home: Path, bare: Path, run: Run) -> None:
    """envdir refuses a folder among the files; nobody sees it before the next restart."""
    server = run(untitled(home, bare).put(COLOUR="red"))
    (home / "env.d" / "backup").mkdir()

    verdict = check(server)

    assert verdict.says(None) == ("latent", "unstartable")
    assert verdict.status == 0
    assert verdict.remedy["action"] != "restart"


# --- the application has a hand in it ----------------------------------------------------------------


@each
@pytest.mark.parametrize("preload", [False, True], ids=["", "preload"])
def test_set_by_the_application(make: Make, preload: bool, home: Path, bare: Path, run: Run) -> None:  # noqa: FBT001
    prelude = "ENV['COLOUR'] = 'blue'" if make is unicorn else 'os.environ["COLOUR"] = "blue"'
    server = run(_preloaded(make, home, bare, prelude, preload=preload).put(COLOUR="red"))

    verdict = check(server)

    if make is titled and preload:
        # Neither the block, which the title has wiped, nor the master tells what it was exec'd with.
        assert verdict.says("COLOUR") == ("stale", "not-applied")
    else:
        assert verdict.wrong() == {"COLOUR": ("stale", "set-by-application")}
        assert verdict.remedy["action"] == "fix-configuration"
    [(master, workers)] = server.generations().items()
    assert set(verdict.finding("COLOUR")["pids"]) == workers | ({master} if preload else set())


@each
def test_removed_by_the_application(make: Make, home: Path, bare: Path, run: Run) -> None:
    prelude = "ENV.delete('COLOUR')" if make is unicorn else 'os.environ.pop("COLOUR", None)'
    server = run(make(home, bare, prelude=prelude).put(COLOUR="red"))
    [workers] = server.generations().values()

    verdict = check(server)

    assert verdict.wrong() == {"COLOUR": ("stale", "removed-by-application")}
    assert set(verdict.finding("COLOUR")["pids"]) == workers
    assert verdict.remedy["action"] == "fix-configuration"


def _preloaded(make: Make, home: Path, bare: Path, prelude: str, *, preload: bool = True) -> Server:
    if not preload:
        return make(home, bare, prelude=prelude)
    if make is unicorn:
        return make(home, bare, config="preload_app true\n", prelude=prelude)
    return make(home, bare, "--preload", prelude=prelude)


@each
def test_kept_by_dotenv(make: Make, home: Path, bare: Path, run: Run) -> None:
    """The right value stands in .env, and what the envdir sets is kept."""
    server = with_dotenv(make(home, bare, prelude=loader(make)), COLOUR="blue").put(COLOUR="red")
    server.rules = {"COLOUR": "blue"}
    run(server)

    verdict = check(server)

    assert verdict.wrong() == {"COLOUR": ("misconfigured", "kept-by-dotenv")}
    assert server.http("COLOUR") == {"red"}


def test_poisoned_reexec_of_unicorn(home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(_preloaded(unicorn, home, bare, DOTENV_RUBY), COLOUR="red"))
    dotenv(server, COLOUR="blue")
    server.reexec()

    verdict = check(server)

    assert server.http("COLOUR") == {"red"}
    assert verdict.wrong() == {"COLOUR": ("stale", "poisoned-reexec")}
    assert verdict.remedy["action"] == "restart"


def test_poisoned_reexec_of_gunicorn(home: Path, bare: Path, run: Run) -> None:
    """A HUP makes what the preloaded application has set a part of what USR2 hands on."""
    server = run(with_dotenv(_preloaded(untitled, home, bare, DOTENV_PYTHON), COLOUR="red"))
    server.reload()
    dotenv(server, COLOUR="blue")
    server.reexec()

    verdict = check(server)

    assert server.http("COLOUR") == {"red"}
    assert verdict.wrong() == {"COLOUR": ("stale", "poisoned-reexec")}
    assert verdict.remedy["action"] == "restart"


@pytest.mark.parametrize("make", [untitled, unicorn])
def test_poisoned_reexec_with_what_the_configuration_no_longer_sets(
    make: Make, home: Path, bare: Path, run: Run
) -> None:
    server = make(home, bare).put(COLOUR="red", SHAPE="round")
    file = "unicorn.rb" if make is unicorn else "gunicorn.conf.py"
    empty = (home / file).read_text() if make is unicorn else "import os\n"
    name = "ENV" if make is unicorn else "os.environ"
    run(server.write(file, f"{empty}{name}['GONE'] = 'yes'\n"))
    server.reload()
    server.write(file, empty)
    server.reexec()
    assert server.http("GONE") == {"yes"}

    verdict = check(server)

    assert verdict.wrong() == {"GONE": ("stale", "poisoned-reexec")}
    assert f"{home}/{file} changed" in verdict.finding("GONE")["message"]
    assert verdict.remedy["action"] == "restart"
    # What a source of the chain had set, which has changed since, has been inherited.
    server.put(SHAPE=None)
    assert check(server).says("SHAPE") == ("stale", "inherited-by-reexec")


@each
def test_dotenv_changed_under_a_preloaded_application(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(_preloaded(make, home, bare, loader(make)), COLOUR="red"))
    dotenv(server, COLOUR="blue")
    server.reload()

    verdict = check(server)

    assert server.http("COLOUR") == {"red"}
    assert verdict.says("COLOUR")[0] == "stale"
    assert verdict.remedy["action"] == "restart"


# --- some have it, others have not -------------------------------------------------------------------


@each
def test_mixed_generations(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(make(home, bare, prelude=loader(make)), COLOUR="red"))
    old = server.master
    dotenv(server, COLOUR="blue")
    new = server.upgrade()

    verdict = check(server)

    assert server.http("COLOUR") == {"red", "blue"}
    assert verdict.says("COLOUR") == ("stale", "mixed-generations")
    assert set(verdict.finding("COLOUR")["pids"]) == server.generations()[old]
    assert new not in verdict.finding("COLOUR")["pids"]
    assert verdict.remedy["action"] == "retire-old"


@each
def test_mixed_workers(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(make(home, bare, prelude=loader(make)), COLOUR="red"))
    dotenv(server, COLOUR="blue")
    [workers] = server.generations().values()
    killed, left = sorted(workers)
    server.respawn(killed)

    verdict = check(server)

    assert server.http("COLOUR") == {"red", "blue"}
    assert verdict.wrong() == {"COLOUR": ("stale", "mixed-workers")}
    assert verdict.finding("COLOUR")["pids"] == [left]


@each
def test_mixed_workers_without_anything_to_compare_with(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(make(home, bare, prelude=loader(make)), COLOUR="red"))
    dotenv(server, COLOUR="blue")
    [workers] = server.generations().values()
    server.respawn(min(workers))

    document = report("check", str(server.master))

    [app] = document["hosts"][0]["apps"]
    [finding] = [f for f in app["findings"] if f["variable"] == "COLOUR"]
    assert (finding["diagnosis"], finding["cause"]) == ("latent", "mixed-workers")
    assert document["exit_code"] == 3


@each
def test_leaked(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare, env={"OLD_TOKEN": "hunter2hunter2", "AWS_PROFILE": "me"}).put(COLOUR="red"))

    verdict = check(server)

    assert verdict.wrong() == {"OLD_TOKEN": ("latent", "leaked"), "AWS_PROFILE": ("latent", "leaked")}
    assert (verdict.status, verdict.state) == (0, "latent")
    assert verdict.finding("OLD_TOKEN")["severity"] == "warning"
    assert set(verdict.finding("OLD_TOKEN")["pids"]) == server.pids()
    assert check(server, "--fail-on", "warning").status == 1


@each
def test_orphaned_and_stale(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    [(master, workers)] = server.generations().items()
    for worker in workers:
        send(worker, signal.SIGSTOP)
    send(master, signal.SIGKILL)
    wait_for(lambda: master not in server.pids(), "the master does not end")

    verdict = check(server)

    assert verdict.status == 1
    assert verdict.finding("COLOUR")["diagnosis"] == "stale"
    assert set(verdict.finding("COLOUR")["pids"]) == workers
    assert {f["cause"] for f in verdict.findings(None)} == {"orphaned", "stopped"}


# --- a reload that came to nothing ---------------------------------------------------------------


def test_an_upgrade_whose_new_master_was_killed(home: Path, bare: Path, run: Run) -> None:
    """It leaves its own pid file behind, and the old one serves on; one that ends by itself removes it."""
    server = run(Gunicorn(home, "-p", "app.pid", bins=bare).put(COLOUR="red"))
    old = server.master
    assert check(server).wrong() == {}
    new = server.upgrade()
    gone = {new, *server.generations()[new]}
    send(new, signal.SIGKILL)
    wait_for(lambda: not gone & server.pids(), "the new master, or a worker of it, stays")
    server.ready()

    verdict = check(server)

    assert verdict.wrong() == {None: ("latent", "reload-refused")}
    assert str(old) in verdict.finding(None)["message"]


# --- workers that do not come up ---------------------------------------------------------------------


@pytest.mark.parametrize("prelude", ["", "require 'optparse'"], ids=["", "slower"])
def test_workers_that_end_before_they_are_seen(prelude: str, home: Path) -> None:
    server = Unicorn(home, first=f"{prelude}\nENV.fetch('MUST')").put(COLOUR="red")
    server.launch()
    try:
        log = home / "log"
        wait_for(lambda: log.read_text().count("key not found") > 2, "no worker has ended")
        [master] = wait_for(lambda: _masters(home), "no master")
        wait_for(lambda: time.time() - Path(f"/proc/{master}").stat().st_ctime > 2.0, "the master is young")

        verdicts = [check(server) for _ in range(3)]
    finally:
        server.stop()

    assert [v.says(None) for v in verdicts] == [("latent", "crash-loop")] * 3


def _masters(folder: Path) -> list[int]:
    pids = [p.pid for p in processes_in(folder)]
    return pids if len(pids) == 1 else []


def test_workers_that_are_told_to_end_are_no_loop(home: Path, bare: Path, run: Run) -> None:
    for server in (Unicorn(home / "ruby"), Gunicorn(home / "python", bins=bare)):
        run(server.put(COLOUR="red"))
        old = server.pids()
        for number in (signal.SIGHUP, signal.SIGTTOU, signal.SIGTTIN, signal.SIGHUP):
            send(server.master, number)
            assert check(server).findings(None) == []
        wait_for(lambda server=server, old=old: len(server.pids() & old) == 1, "they do not end")  # type: ignore[misc]


def test_a_master_without_workers_is_no_loop(home: Path, run: Run) -> None:
    server = run(Unicorn(home).put(COLOUR="red"))
    master = server.master
    for left in (2, 1):
        send(master, signal.SIGTTOU)
        wait_for(lambda left=left: len(server.pids()) == left, "the workers stay")  # type: ignore[misc]

    assert (check(server).status, check(server).findings(None)) == (0, [])

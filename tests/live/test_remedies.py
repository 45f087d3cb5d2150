"""The remedy is run as it is given, and cures; what is called insufficient is run too, and does not."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from live.checking import Verdict, carry_out, check, report
from live.harness import OWN_BIN, Server, need, root_only, send, wait_for
from live.servers import DOTENV_PYTHON, DOTENV_RUBY, Gunicorn, Unicorn

Run = Callable[[Server], Server]
Make = Callable[[Path, Path], Server]


def bundled(home: Path, _: Path) -> Server:
    need("bundle")
    (home / "Gemfile").write_text('gem "rack"\ngem "unicorn"\n')
    return Unicorn(home, program=("bundle", "exec", "unicorn"))


def two_folders(home: Path, bare: Path) -> Server:
    server = Gunicorn(home, bins=bare, chain=("envdir", "all.d", "envdir", "env.d"))
    server.sources.insert(0, {"envdir": str(home / "all.d")})
    return server.put("all.d", COLOUR="green", SIZE="large")


def environment_file(home: Path, bare: Path) -> Server:
    """The variables came from a file, as systemd reads it."""
    server = Gunicorn(home, bins=bare, chain=("env", "COLOUR=red", "LOG_LEVEL=info"))
    server.sources = [{"file": str(home / "shop.env"), "dialect": "systemd"}]
    return server.write("shop.env", "COLOUR=red\nLOG_LEVEL=info\n")


STALE: dict[str, Make] = {
    "gunicorn": lambda home, bare: Gunicorn(home, bins=bare),
    "python-m": lambda home, bare: Gunicorn(home, program=("python3", "-m", "gunicorn"), bins=bare),
    "daemon": lambda home, bare: Gunicorn(home, "-D", "-p", "pid", "--log-file", "log", bins=bare),
    "preload": lambda home, bare: Gunicorn(home, "--preload", bins=bare),
    "named": lambda home, bare: Gunicorn(home, "-n", "my shop", bins=bare),
    "two-folders": two_folders,
    "unicorn": lambda home, _: Unicorn(home),
    "unicorn-daemon": lambda home, _: Unicorn(home, "-D", config="stderr_path 'log'\n"),
    "unicorn-ruby-S": lambda home, _: Unicorn(home, program=("ruby", "-S", "unicorn")),
    "bundle-exec": bundled,
}


def is_cured(server: Server, **variables: str | None) -> None:
    """What HTTP, a live read of every worker and `check` say must all be the same."""
    server.ready()
    for name, value in variables.items():
        assert server.http(name) == {value}
    for pid in server.pids():
        live = report("show", str(pid), "--reveal", "*")["layers"]["live"]["variables"]
        assert {name: live.get(name) for name in variables} == variables
    verdict = check(server)
    assert (verdict.status, verdict.wrong()) == (0, {})


def _ended(server: Server, pids: set[int]) -> None:
    wait_for(lambda: not pids & server.pids(), "the old workers do not end")


def attempt(server: Server, verdict: Verdict) -> list[str]:
    """Run every step that is called insufficient, one after the other, each to its end."""
    tried: list[str] = []
    for step in verdict.remedy["insufficient"]:
        name = str(step["argv"][1])
        if name not in ("-HUP", "-USR2"):
            continue  # of single workers: test_matrix.py
        workers = server.pids() - set(server.generations())
        carry_out([step])
        if name == "-HUP":
            _ended(server, workers)
        else:
            wait_for(lambda: len(server.generations()) == 2, "no second master")
        server.ready(len(server.generations()))
        tried.append(name)
    return tried


@pytest.mark.parametrize("make", STALE.values(), ids=STALE)
def test_what_is_stale_is_cured(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red", OLD="x"))
    server.put(COLOUR="blue", SIZE="small", OLD=None)
    verdict = check(server)
    assert verdict.remedy["action"] == "restart"
    assert verdict.remedy["sufficient"] is True

    carry_out(verdict.remedy["steps"])

    is_cured(server, COLOUR="blue", SIZE="small", OLD=None)


@pytest.mark.parametrize("name", ["gunicorn", "daemon", "preload", "unicorn", "unicorn-daemon"])
def test_what_is_called_insufficient_is_and_does_not_get_in_the_way(
    name: str, home: Path, bare: Path, run: Run
) -> None:
    server = run(STALE[name](home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue", SIZE="large")
    verdict = check(server)

    assert attempt(server, verdict) == ["-HUP", "-USR2"]

    still = check(server)
    assert still.status == 1
    assert server.http("COLOUR") == {"red"}
    assert still.says("SIZE") == ("stale", "inherited-by-reexec")
    assert set(still.finding("COLOUR")["pids"]) == server.pids()
    carry_out(still.remedy["steps"])
    is_cured(server, COLOUR="blue", SIZE="large")


def test_a_unicorn_without_configuration(home: Path, run: Run) -> None:
    """Its HUP is told to re-execute, and does."""
    server = run(Unicorn(home, config=None).put(COLOUR="red"))
    server.put(COLOUR="blue")
    verdict = check(server)
    [hup] = [s for s in verdict.remedy["insufficient"] if s["argv"][1] == "-HUP"]
    assert "two masters" in hup["why"]

    carry_out([hup])
    wait_for(lambda: len(server.generations()) == 2, "no second master")
    server.ready(2)
    still = check(server)
    assert still.status == 1
    carry_out(still.remedy["steps"])

    is_cured(server, COLOUR="blue")


def test_what_a_title_hides_cannot_be_run(home: Path, run: Run) -> None:
    """The command line is gone: what is left out is masked, and said."""
    server = run(Gunicorn(home).put(COLOUR="red"))
    server.put(COLOUR="blue")

    remedy = check(server).remedy

    assert (remedy["action"], remedy["sufficient"]) == ("restart", False)
    assert [s.get("runnable", True) for s in remedy["steps"]] == [False] * 3
    assert remedy["steps"][-1]["argv"][-1] == "***"
    assert any("title" in h["message"] for h in remedy["hazards"])


def test_a_restart_takes_nothing_of_the_callers_along(home: Path, bare: Path, run: Run) -> None:
    server = run(Gunicorn(home, bins=bare, env={"LANG": "C.UTF-8", "TZ": "UTC"}).put(COLOUR="red"))
    server.put(COLOUR="blue")

    carry_out(check(server).remedy["steps"])

    is_cured(server, COLOUR="blue", LANG="C.UTF-8", TZ="UTC", HOME=str(home))


def test_variables_of_a_file(home: Path, bare: Path, run: Run) -> None:
    server = run(environment_file(home, bare))
    server.write("shop.env", "COLOUR=blue\nLOG_LEVEL=debug\n")
    server.rules = {"COLOUR": {"secret": False}, "LOG_LEVEL": {"secret": False}}

    remedy = check(server).remedy
    carry_out(remedy["steps"])

    is_cured(server, COLOUR="blue", LOG_LEVEL="debug")


def test_no_secret_of_a_file_in_a_step(home: Path, bare: Path, run: Run) -> None:
    server = run(environment_file(home, bare))
    server.write("shop.env", "COLOUR=blue\nDATABASE_PASSWORD=hunter2hunter2\n")

    verdict = check(server)

    assert "hunter2hunter2" not in str(verdict.app)
    assert verdict.remedy["sufficient"] is False
    assert verdict.remedy["steps"][-1]["runnable"] is False


@root_only
@pytest.mark.parametrize("args", [(), ("-D", "-p", "pid", "--log-file", "log")], ids=["", "daemon"])
def test_a_server_of_another_user(args: tuple[str, ...], home: Path, bare: Path, run: Run) -> None:
    home.chmod(0o777)
    chain = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "envdir", "env.d")
    server = Gunicorn(home, *args, bins=bare, chain=chain).put(COLOUR="red")
    (home / "log").touch()
    (home / "log").chmod(0o666)
    run(server)
    server.put(COLOUR="blue")

    remedy = check(server).remedy
    assert "setpriv" in remedy["steps"][-1]["argv"]
    carry_out(remedy["steps"])

    is_cured(server, COLOUR="blue")
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in server.pids()} == {65534}


def test_a_folder_that_was_deleted(home: Path, bare: Path, run: Run) -> None:
    """A deploy has removed the release that still runs: it is found, and is not started there again."""
    release = home / "releases" / "1"
    # Gunicorn keeps a socket of its own in HOME.
    server = Gunicorn(release, bins=bare, chain=("envdir", "../../env.d"), env={"HOME": str(home)})
    (home / "env.d").mkdir()
    server.sources = [{"envdir": str(home / "env.d")}]
    server.put("../../env.d", COLOUR="red")
    run(server)
    server.put("../../env.d", COLOUR="blue")
    spec = home / "spec.yaml"
    shutil.copy(server.spec(), spec)
    shutil.rmtree(release)

    document = report("check", "-s", str(spec))

    [app] = document["hosts"][0]["apps"]
    assert document["exit_code"] == 1
    assert app["remedy"]["sufficient"] is False
    assert app["remedy"]["steps"][-1]["runnable"] is False
    assert any("deleted" in h["message"] for h in app["remedy"]["hazards"])


# --- where less is enough ------------------------------------------------------------------------------


@pytest.mark.parametrize("titles", [True, False])
def test_raw_env_is_cured_by_a_reload(titles: bool, home: Path, bare: Path, run: Run) -> None:  # noqa: FBT001
    server = Gunicorn(home, bins=OWN_BIN if titles else bare).put(COLOUR="red")
    run(server.write("gunicorn.conf.py", 'raw_env = ["SIZE=small"]\n'))
    server.write("gunicorn.conf.py", 'raw_env = ["SIZE=large", "SHAPE=round"]\n')
    verdict = check(server)
    stale = ("stale", "started-before-change")
    assert verdict.wrong() == {"SIZE": stale, "SHAPE": stale}
    assert set(verdict.finding("SIZE")["pids"]) == server.pids()

    _reloads(server, verdict)

    is_cured(server, SIZE="large", SHAPE="round", COLOUR="red")


def _reloads(server: Server, verdict: Verdict) -> None:
    """The remedy is a reload: run it and wait until the workers have been replaced."""
    assert (verdict.remedy["action"], verdict.remedy["sufficient"]) == ("reload", True)
    [(master, workers)] = server.generations().items()
    carry_out(verdict.remedy["steps"])
    _ended(server, workers)
    server.ready()
    assert server.master == master


DOTENV: dict[str, Make] = {
    "gunicorn": lambda home, _: Gunicorn(home, prelude=DOTENV_PYTHON),
    "gunicorn-untitled": lambda home, bare: Gunicorn(home, bins=bare, prelude=DOTENV_PYTHON),
    "unicorn": lambda home, _: Unicorn(home, prelude=DOTENV_RUBY),
}


def with_dotenv(server: Server, **variables: str) -> Server:
    dialect = "dotenv-ruby" if server.kind == "unicorn" else "dotenv-python"
    server.sources.append({"file": str(server.folder / ".env"), "dialect": dialect})
    return dotenv(server, **variables)


def dotenv(server: Server, **variables: str) -> Server:
    return server.write(".env", "".join(f"{name}={value}\n" for name, value in variables.items()))


@pytest.mark.parametrize("make", DOTENV.values(), ids=DOTENV)
def test_dotenv_without_preload_is_cured_by_a_reload(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(make(home, bare).put(COLOUR="red"), SIZE="small"))
    dotenv(server, SIZE="large", SHAPE="round")
    verdict = check(server)
    [workers] = server.generations().values()
    assert set(verdict.finding("SIZE")["pids"]) == workers

    _reloads(server, verdict)

    server.ready()
    assert server.http("SIZE") == {"large"}
    assert server.http("SHAPE") == {"round"}
    assert (check(server).status, check(server).wrong()) == (0, {})


def test_dotenv_under_preload_needs_a_restart(home: Path, bare: Path, run: Run) -> None:
    server = Gunicorn(home, "--preload", bins=bare, prelude=DOTENV_PYTHON).put(COLOUR="red")
    run(with_dotenv(server, SIZE="small"))
    dotenv(server, SIZE="large")
    verdict = check(server)
    assert verdict.remedy["action"] == "restart"
    [hup] = [s for s in verdict.remedy["insufficient"] if s["argv"][1] == "-HUP"]
    [workers] = server.generations().values()
    carry_out([hup])
    _ended(server, workers)
    server.ready()
    assert server.http("SIZE") == {"small"}

    carry_out(check(server).remedy["steps"])

    is_cured(server, SIZE="large", COLOUR="red")


def test_both_at_once_need_the_stronger_one(home: Path, bare: Path, run: Run) -> None:
    server = Gunicorn(home, bins=bare).put(COLOUR="red")
    run(server.write("gunicorn.conf.py", 'raw_env = ["SIZE=tiny"]\n'))
    server.put(COLOUR="blue")
    server.write("gunicorn.conf.py", 'raw_env = ["SIZE=large"]\n')

    verdict = check(server)
    assert verdict.remedy["action"] == "restart"
    carry_out(verdict.remedy["steps"])

    is_cured(server, COLOUR="blue", SIZE="large")


# --- generations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [STALE["gunicorn"], STALE["unicorn"]])
def test_a_half_done_upgrade_is_finished(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    old = server.master
    new = server.upgrade()
    verdict = check(server)
    assert (verdict.remedy["action"], verdict.remedy["sufficient"]) == ("retire-old", True)

    carry_out(verdict.remedy["steps"])
    wait_for(lambda: old not in server.pids(), "the old master does not end")

    is_cured(server, COLOUR="red")
    assert server.master == new


@pytest.mark.parametrize("make", DOTENV.values(), ids=DOTENV)
def test_only_the_old_half_is_stale(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(with_dotenv(make(home, bare).put(COLOUR="red"), SIZE="small"))
    old = server.master
    dotenv(server, SIZE="large")
    server.upgrade()
    verdict = check(server)
    assert verdict.remedy["action"] == "retire-old"

    carry_out(verdict.remedy["steps"])
    wait_for(lambda: old not in server.pids(), "the old master does not end")

    server.ready()
    assert server.http("SIZE") == {"large"}
    assert (check(server).status, check(server).wrong()) == (0, {})


@pytest.mark.parametrize("make", [STALE["gunicorn"], STALE["unicorn"]])
def test_a_half_done_upgrade_that_is_stale_is_restarted(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    server.upgrade()
    verdict = check(server)
    assert verdict.remedy["action"] == "restart"

    carry_out(verdict.remedy["steps"])

    is_cured(server, COLOUR="blue")


@pytest.mark.parametrize("name", ["gunicorn-untitled", "unicorn"])
def test_a_half_done_upgrade_is_not_reloaded(name: str, home: Path, bare: Path, run: Run) -> None:
    """HUP ends the new master of Gunicorn, and reaches only one of the two of Unicorn."""
    server = run(with_dotenv(DOTENV[name](home, bare).put(COLOUR="red"), SIZE="small"))
    server.upgrade()
    dotenv(server, SIZE="large")

    remedy = check(server).remedy
    carry_out(remedy["steps"])

    assert remedy["action"] == "restart"
    server.ready()
    assert server.http("SIZE") == {"large"}
    assert (check(server).status, check(server).wrong()) == (0, {})


def test_orphans_beside_a_new_master_are_retired(home: Path, bare: Path, run: Run) -> None:
    server = run(Gunicorn(home, "--reuse-port", bins=bare).put(COLOUR="red"))
    [(master, orphans)] = server.generations().items()
    for worker in orphans:
        send(worker, signal.SIGSTOP)
    send(master, signal.SIGKILL)
    wait_for(lambda: master not in server.pids(), "the master does not end")
    server.launch()
    wait_for(lambda: any(len(w) == 2 for w in server.generations().values()), "no new master")
    verdict = check(server)
    assert verdict.remedy["action"] == "retire-old"

    carry_out(verdict.remedy["steps"])
    for worker in orphans:
        send(worker, signal.SIGCONT)
    wait_for(lambda: not orphans & server.pids(), "the orphans do not end")

    is_cured(server, COLOUR="red")


def test_a_restart_that_would_not_come_up_is_refused(home: Path, bare: Path, run: Run) -> None:
    """A folder among the files of an envdir: the server would be stopped, and not start again."""
    server = run(Gunicorn(home, bins=bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    (home / "env.d" / "backup").mkdir()

    remedy = check(server).remedy

    assert (remedy["action"], remedy["sufficient"], remedy["steps"]) == ("refuse", False, [])


def test_a_configuration_that_is_no_python_is_refused(home: Path, bare: Path, run: Run) -> None:
    """A second server, a copy, does not come up with it; and HUP ends the master of the one that runs."""
    configuration = home / "gunicorn.conf.py"
    configuration.write_text("threads = 1\n")
    server = run(Gunicorn(home, bins=bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    configuration.write_text("threads = = 1\n")

    verdict = check(server)

    assert ("latent", "unstartable") in [(f["diagnosis"], f["cause"]) for f in verdict.findings(None)]
    assert (verdict.remedy["action"], verdict.remedy["steps"]) == ("refuse", [])
    master = server.master
    [harmful] = verdict.remedy["insufficient"]
    assert (harmful["argv"], harmful["disruption"]) == (["kill", "-HUP", str(master)], "downtime")
    carry_out([harmful])
    wait_for(lambda: master not in server.pids(), "HUP does not end the master")
    before = len((home / "log").read_text())
    server.launch()
    wait_for(lambda: "SyntaxError" in (home / "log").read_text()[before:], "no word of its end")
    wait_for(lambda: not server.pids(), "it comes up")

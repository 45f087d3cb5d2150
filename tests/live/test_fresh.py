"""A server that was started a moment ago has what is configured: in sync, status 0, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from live.checking import check, envcheck, report
from live.harness import OWN_BIN, Server, need
from live.servers import DOTENV_PYTHON, DOTENV_RUBY, Gunicorn, Unicorn

Run = Callable[[Server], Server]
Make = Callable[[Path, Path], Server]


def bundled(home: Path, _: Path) -> Server:
    need("bundle")
    (home / "Gemfile").write_text('gem "rack"\ngem "unicorn"\n')
    return Unicorn(home, program=("bundle", "exec", "unicorn"))


def environment_file(home: Path, _: Path) -> Server:
    """What systemd would give is given by env(1)."""
    (home / "shop.env").write_text('# of the shop\nCOLOUR=red\nSIZE="large \\\nhat"\n; more\nEMPTY=\n')
    server = Gunicorn(home, chain=("env", "COLOUR=red", "SIZE=large hat", "EMPTY="))
    server.sources = [{"file": str(home / "shop.env"), "dialect": "systemd"}]
    return server


def dotenv(server: Server, dialect: str) -> Server:
    server.write(".env", "SIZE=large\nCOLOUR=green\nSHAPE=round\n")
    server.sources.append({"file": str(server.folder / ".env"), "dialect": dialect})
    return server


def two_folders(home: Path, bare: Path) -> Server:
    server = Gunicorn(home, bins=bare, chain=("envdir", "all.d", "envdir", "env.d"))
    server.put("all.d", COLOUR="green", SIZE="large", GONE="x").put(GONE="")
    server.sources.insert(0, {"envdir": str(server.folder / "all.d")})
    return server


VARIANTS: dict[str, Make] = {
    "gunicorn": lambda home, _: Gunicorn(home),
    "gunicorn-untitled": lambda home, bare: Gunicorn(home, bins=bare),
    "gunicorn-preload": lambda home, _: Gunicorn(home, "--preload"),
    "raw_env": lambda home, bare: Gunicorn(home, "-c", "c.py", bins=bare).write(
        "c.py", 'raw_env = ["SIZE=large", "COLOUR=blue"]\n'
    ),
    "raw_env-titled": lambda home, _: Gunicorn(home).write("gunicorn.conf.py", 'raw_env = ["COLOUR=blue"]\n'),
    "-e": lambda home, bare: Gunicorn(home, "-e", "COLOUR=blue", "--env=SIZE=large", bins=bare),
    "cmd_args": lambda home, bare: Gunicorn(
        home, bins=bare, env={"GUNICORN_CMD_ARGS": "--env COLOUR=blue --threads 1"}
    ),
    "set-by-the-application": lambda home, _: Gunicorn(home, prelude='os.environ["DERIVED"] = "1"'),
    "set-by-the-application-preloaded": lambda home, bare: Gunicorn(
        home, "--preload", bins=bare, prelude='os.environ["DERIVED"] = "1"'
    ),
    "dotenv": lambda home, _: dotenv(Gunicorn(home, prelude=DOTENV_PYTHON), "dotenv-python"),
    "dotenv-untitled": lambda home, bare: dotenv(
        Gunicorn(home, bins=bare, prelude=DOTENV_PYTHON), "dotenv-python"
    ),
    "dotenv-preload": lambda home, _: dotenv(
        Gunicorn(home, "--preload", prelude=DOTENV_PYTHON), "dotenv-python"
    ),
    "environment-file": environment_file,
    "two-folders": two_folders,
    "unicorn": lambda home, _: Unicorn(home),
    "unicorn-preload": lambda home, _: Unicorn(home, config="preload_app true\n"),
    "unicorn-ruby-S": lambda home, _: Unicorn(home, program=("ruby", "-S", "unicorn")),
    "unicorn-dotenv": lambda home, _: dotenv(Unicorn(home, prelude=DOTENV_RUBY), "dotenv-ruby"),
    "unicorn-dotenv-preload": lambda home, _: dotenv(
        Unicorn(home, config="preload_app true\n", prelude=DOTENV_RUBY), "dotenv-ruby"
    ),
    "bundle-exec": bundled,
}


@pytest.mark.parametrize("make", VARIANTS.values(), ids=VARIANTS)
def test_in_sync(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = make(home, bare).put(COLOUR="red", PLAIN="x")
    run(server)

    verdict = check(server)

    assert verdict.wrong() == {}
    assert (verdict.status, verdict.state) == (0, "in-sync")
    assert verdict.remedy["action"] == "none"
    assert verdict.remedy["steps"] == []


@pytest.mark.parametrize("make", [VARIANTS["gunicorn"], VARIANTS["unicorn"], VARIANTS["bundle-exec"]])
def test_in_sync_by_rules(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = make(home, bare).put(COLOUR="red", PLAIN="x")
    server.rules = {
        "COLOUR": "red",
        "PLAIN": None,
        "SIZE": {"required": False},
        "OLD": {"forbidden": True},
        "HOME": {"pattern": "^/"},
    }
    run(server)

    verdict = check(server)

    home_is = {"HOME": "unproven"}  # it comes from what starts the server, not from a source
    assert {f["variable"]: f["diagnosis"] for f in verdict.app["findings"]} == {
        name: home_is.get(name, "in-sync") for name in server.rules
    }
    assert verdict.status == 0


def test_the_shell_and_the_caller_count_for_nothing(home: Path, run: Run) -> None:
    """Started from a shell with all its own, judged from another with something else."""
    noise = {"SHLVL": "2", "PWD": "/x", "TERM": "xterm", "SSH_CONNECTION": "1", "SUDO_USER": "u", "_": "/x"}
    server = run(Gunicorn(home, env={**noise, "LC_ALL": "C.UTF-8"}).put(COLOUR="red"))

    outcome = envcheck("check", "-s", server.spec(), COLOUR="green", PLAIN="y")

    assert outcome.status == 0
    assert outcome.out.startswith("IN-SYNC: shop ")


def test_nothing_to_compare_with(home: Path, run: Run) -> None:
    server = run(Gunicorn(home).put(COLOUR="red"))

    document = report("check", str(server.master))
    said = envcheck("check", str(server.master))

    [app] = document["hosts"][0]["apps"]
    assert (document["exit_code"], app["state"]) == (3, "unproven")
    assert said.out.startswith("UNPROVEN: ")
    assert "nothing to compare with" in said.out


def test_a_spec_that_matches_nothing(home: Path) -> None:
    server = Gunicorn(home).put(COLOUR="red")

    outcome = envcheck("check", "-s", server.spec())

    # Where another user's server cannot be looked at, it may be the one that is meant.
    assert outcome.status == (3 if "not all was" in outcome.out else 2)
    assert "not all was" not in outcome.out or os.geteuid() != 0


@pytest.mark.parametrize("bins", [OWN_BIN, None], ids=["titled", "untitled"])
def test_a_change_back_and_forth_is_none(bins: str | None, home: Path, bare: Path, run: Run) -> None:
    """Values count, times are evidence only."""
    server = run(Gunicorn(home, bins=bins or bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    server.put(COLOUR="red")

    assert check(server).status == 0

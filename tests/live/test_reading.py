"""What is read of real servers is what their workers say of themselves, or a named refusal, never a guess."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.checking import Verdict, as_nobody, check, envcheck, report
from live.harness import OWN_BIN, Server, root_only, send, wait_for
from live.servers import Gunicorn, Unicorn

Run = Callable[[Server], Server]
Make = Callable[[Path, Path], Server]

SERVERS: dict[str, Make] = {
    "titled": lambda home, _: Gunicorn(home, bins=OWN_BIN),
    "untitled": lambda home, bare: Gunicorn(home, bins=bare),
    "preloaded": lambda home, bare: Gunicorn(home, "--preload", bins=bare),
    "unicorn": lambda home, _: Unicorn(home),
}
each = pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)

ODD = {
    "EMPTY": "",
    "UNICODE": "größe ✓",
    "LINES": "first\0second",
    "QUOTED": "'single' \"double\" $HOME `id`",
    "EQUALS": "a=b=c",
    "LONG": "x" * 60_000,
}


def layers(pid: int, *options: str) -> dict[str, Any]:
    document = report("show", str(pid), "--reveal", "*", *options)
    return dict(document["layers"])


@each
def test_every_worker_has_what_it_says(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = make(home, bare).put(**{n: v for n, v in ODD.items() if v}).write("env.d/EMPTY", "\n")
    run(server)

    for pid, answer in server.answers().items():
        live = layers(pid)["live"]
        assert live["status"] == "ok"
        assert live["variables"] == answer.environ
        assert live["variables"]["LINES"] == "first\nsecond"
    assert check(server).wrong() == {}


def test_bytes_that_are_no_text(home: Path, bare: Path, run: Run) -> None:
    server = run(Gunicorn(home, bins=bare))
    server.stop()
    (home / "env.d" / "BYTES").write_bytes(b"\xff\xfe\n")
    server.start()

    found = layers(server.master)

    for layer in ("at_exec", "live"):
        assert found[layer]["variables"]["BYTES"] == {"b64": base64.b64encode(b"\xff\xfe").decode()}
    assert check(server).wrong() == {}


def test_a_title_wipes_the_block_and_live_memory_answers(home: Path, run: Run) -> None:
    server = run(Gunicorn(home).put(COLOUR="red"))

    for pid in server.pids():
        found = layers(pid)
        assert found["at_exec"]["status"] == "clobbered"
        assert found["at_exec"]["variables"] == {}
        assert found["live"]["variables"]["COLOUR"] == "red"


def test_without_live_memory_nothing_can_be_told_of_a_titled_server(home: Path, run: Run) -> None:
    server = run(Gunicorn(home).put(COLOUR="red"))
    server.rules = {"COLOUR": "red", "SIZE": None, "OLD": {"forbidden": True}}
    server.put(SIZE="large")

    verdict = check(server, "--no-live")

    assert (verdict.status, verdict.state) == (3, "undecided")
    for name in server.rules:
        assert verdict.says(name) == ("undecided", "clobbered")
        assert set(verdict.finding(name)["pids"]) == server.pids()
        assert verdict.finding(name)["at_exec"] == {"status": "clobbered", "present": None}
    assert verdict.remedy["action"] == "none"
    said = envcheck("check", "-s", server.spec(), "--no-live")
    assert said.status == 3
    assert "missing" not in said.out
    assert "UNDECIDED" in said.out.splitlines()[0]


def test_without_rules_it_is_undecided_too(home: Path, run: Run) -> None:
    server = run(Gunicorn(home).put(COLOUR="red"))
    server.put(COLOUR="blue", SIZE="large")

    verdict = check(server, "--no-live")

    assert (verdict.status, verdict.state) == (3, "undecided")
    assert set(verdict.wrong().values()) == {("undecided", "clobbered")}


@pytest.mark.parametrize("make", [SERVERS["untitled"], SERVERS["unicorn"]])
def test_without_live_memory_an_intact_block_is_enough(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    assert check(server, "--no-live").status == 0

    server.put(COLOUR="blue")

    verdict = check(server, "--no-live")
    assert verdict.status == 1
    assert verdict.says("COLOUR") == ("stale", "started-before-change")
    assert verdict.finding("COLOUR")["live"]["status"] == "skipped"


def test_a_block_wiped_in_part(home: Path, run: Run) -> None:
    """raw_env replaces one of the variables, so the title takes only what lies before it."""
    server = Gunicorn(home).put(ALPHA="1", COLOUR="red", OMEGA="2")
    server.rules = dict.fromkeys(("ALPHA", "COLOUR", "OMEGA"))
    run(server.write("gunicorn.conf.py", 'raw_env = ["COLOUR=blue"]\n'))

    at_exec = {layers(pid)["at_exec"]["status"] for pid in server.pids()}
    verdict = check(server, "--no-live")

    assert at_exec <= {"partial", "clobbered"}
    assert verdict.status == 3
    assert {d for d, _ in verdict.wrong().values()} == {"undecided"}
    assert check(server).status == 0


def test_an_empty_environment(home: Path, bare: Path, run: Run) -> None:
    python = str(bare / "python3")
    server = Gunicorn(home, program=(python, "-m", "gunicorn"), chain=("env", "-i"))
    server.rules = {"COLOUR": None}
    run(server.put(COLOUR="red"))

    verdict = check(server)

    assert verdict.status == 1
    assert verdict.says("COLOUR") == ("stale", "not-applied")
    assert set(verdict.finding("COLOUR")["pids"]) == server.pids()
    assert layers(server.master)["live"]["status"] == "ok"


def test_an_environment_that_the_application_clears(home: Path, bare: Path, run: Run) -> None:
    server = run(Gunicorn(home, bins=bare, prelude="os.environ.clear()").put(COLOUR="red"))
    [workers] = server.generations().values()

    verdict = check(server)

    assert verdict.says("COLOUR") == ("stale", "removed-by-application")
    assert set(verdict.finding("COLOUR")["pids"]) == workers
    assert layers(min(workers))["live"]["variables"] == {}


@root_only
def test_workers_that_gave_their_rights_away(home: Path, bare: Path, run: Run) -> None:
    """They are not dumpable: not even their own user could read them."""
    server = run(Gunicorn(home, "--user", "nobody", "--group", "nogroup", bins=bare).put(COLOUR="red"))
    [(master, workers)] = server.generations().items()

    assert check(server).status == 0
    assert {layers(pid)["live"]["variables"]["COLOUR"] for pid in (master, *workers)} == {"red"}
    server.put(COLOUR="blue")
    assert set(check(server).finding("COLOUR")["pids"]) == {master, *workers}


@root_only
@pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)
def test_another_users_server_is_found_and_not_judged(
    make: Make, home: Path, bare: Path, site: Path, run: Run
) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.rules = {"COLOUR": None}

    seen = as_nobody(site, "ps")
    judged = as_nobody(site, "check", str(server.master))

    assert seen.status == 0, seen.err
    assert str(server.master) in seen.out
    assert "denied" in seen.out
    assert judged.status == 3
    assert "UNDECIDED" in judged.out.splitlines()[0]
    assert "missing" not in judged.out
    assert "sudo" in judged.out + judged.err


@root_only
def test_the_json_says_denied(home: Path, bare: Path, site: Path, run: Run) -> None:
    server = run(Gunicorn(home, bins=bare).put(COLOUR="red"))
    server.rules = {"COLOUR": None}
    server.spec()

    outcome = as_nobody(site, "check", str(server.master), "-f", "json")

    document = json.loads(outcome.out)
    [app] = document["hosts"][0]["apps"]
    verdict = Verdict(document["exit_code"], app)
    assert (outcome.status, verdict.status, verdict.state) == (3, 3, "undecided")
    assert ("undecided", "denied") in [(f["diagnosis"], f["cause"]) for f in app["findings"]]
    [generation] = app["generations"]
    assert generation["master"]["pid"] == server.master


def test_a_worker_that_ended_and_was_not_reaped(home: Path, bare: Path, run: Run) -> None:
    server = run(Gunicorn(home, bins=bare).put(COLOUR="red"))
    [(master, workers)] = server.generations().items()
    dead, alive = sorted(workers)
    send(master, signal.SIGSTOP)
    send(dead, signal.SIGKILL)
    wait_for(lambda: dead not in server.pids(), "the worker does not end")

    [found] = report("ps", str(master))["hosts"][0]["servers"]
    verdict = check(server)
    send(master, signal.SIGCONT)

    assert [w["pid"] for w in found["generations"][0]["workers"]] == [alive]
    assert verdict.status == 0


def test_workers_that_come_and_go_are_never_called_stale(home: Path, bare: Path, run: Run) -> None:
    server = run(Gunicorn(home, "--max-requests", "1", bins=bare, workers=3).put(COLOUR="red"))
    server.rules = {"COLOUR": "red"}
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            server.ask()

    hammers = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in hammers:
        thread.start()
    try:
        verdicts = [check(server) for _ in range(6)]
    finally:
        stop.set()
        for thread in hammers:
            thread.join()

    for verdict in verdicts:
        assert verdict.status in (0, 3), verdict.app["findings"]
        # A worker of one request is no other than one that cannot stay up.
        assert set(verdict.wrong().values()) <= {("undecided", "gone"), ("latent", "crash-loop")}


def test_a_pid_that_is_gone_matches_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    outcome = envcheck("check", str(child.pid))

    assert outcome.status == 2

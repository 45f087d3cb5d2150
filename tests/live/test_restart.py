"""`envcheck restart` on real servers: it cures, it refuses, and where it fails it says what was done."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from live.checking import as_nobody, check, envcheck
from live.harness import Server, clean, root_only, send, wait_for
from live.restarts import Running, restart
from live.servers import WSGI, Gunicorn, Unicorn

from envcheck import restarting
from envcheck import spec as specs
from envcheck.aftermath import Eyes, Wishes
from envcheck.collect import collect
from envcheck.hosts import Answer, Request
from envcheck.hosts.local import Local
from envcheck.judge import judge, judge_again
from envcheck.model import AppReport, Severity, Snapshot
from envcheck.model import Server as Model
from envcheck.secrecy import Policy

Run = Callable[[Server], Server]
Make = Callable[[Path, Path], Server]

SERVERS: Mapping[str, Make] = {
    "gunicorn": lambda home, bare: Gunicorn(home, bins=bare),
    "gunicorn-daemon": lambda home, bare: Gunicorn(home, "-D", "-p", "pid", "--log-file", "log", bins=bare),
    "unicorn": lambda home, _: Unicorn(home),
}
BREAKS_PYTHON = "if os.environ['COLOUR'] == 'blue': raise KeyError\n"
BREAKS_RUBY = "raise KeyError if ENV['COLOUR'] == 'blue'\n"


@pytest.fixture
def stale(home: Path, bare: Path, run: Run) -> Server:
    server = run(Gunicorn(home, bins=bare).put(COLOUR="red"))
    server.put(COLOUR="blue", TOKEN="s3cr3t-value")
    return server


@pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)
def test_it_cures(make: Make, home: Path, bare: Path, run: Run) -> None:
    server = run(make(home, bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    old = server.pids()

    done = restart(server, "--yes", "--url", f"http://127.0.0.1:{server.port}/")

    assert (done.status, done.outcome, done.applied["verified"]) == (0, "done", True), done.err
    assert done.statuses == ["ok"] * len(done.apps[0]["remedy"]["steps"] or done.statuses)
    assert not old & server.pids()
    assert server.http("COLOUR") == {"blue"}
    assert check(server).status == 0
    again = restart(server)
    assert (again.status, again.outcome) == (0, "nothing-to-do")


def test_without_apply_nothing_happens(stale: Server) -> None:
    before = stale.pids()

    outcome = envcheck("restart", "-s", stale.spec())

    assert outcome.status == 1
    first, last = outcome.out.splitlines()[0], outcome.out.splitlines()[-1]
    assert first.startswith("STALE: shop")
    assert f"  kill -TERM {stale.master}\n" in outcome.out
    assert last == "do: the same with --apply carries it out, and looks whether it has helped"
    assert stale.pids() == before
    assert "s3cr3t" not in outcome.out


def test_without_a_confirmation_nothing_happens(stale: Server) -> None:
    before = stale.pids()

    done = restart(stale)

    assert (done.status, done.outcome) == (5, "refused")
    assert [step["argv"][0] for step in done.applied["not_done"]] == ["kill", "timeout", "setsid"]
    assert stale.pids() == before


def test_a_report_that_could_not_be_written_is_not_begun(stale: Server) -> None:
    before = stale.pids()

    outcome = envcheck("restart", "-s", stale.spec(), "--apply", "--yes", "-f", "json=/nowhere/report")

    assert (outcome.status, outcome.out) == (2, "")
    assert "unable to write /nowhere/report: No such file or directory" in outcome.err
    assert stale.pids() == before


@pytest.mark.parametrize(("answer", "status", "colour"), [("n", 5, "red"), ("", 5, "red"), ("y", 0, "blue")])
def test_it_asks_on_a_terminal(stale: Server, answer: str, status: int, colour: str) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "envcheck", "restart", "-s", stale.spec(), "--apply"]
    with subprocess.Popen(argv, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=clean()) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, answer.encode() + b"\n")
        assert process.stdout is not None
        out = process.stdout.read()
        assert process.wait(60) == status, out
    os.close(ours)
    assert b"plan: restart" in said
    assert b"s3cr3t" not in said + out
    assert stale.http("COLOUR") == {colour}


def test_several_one_by_one_until_one_fails(home: Path, bare: Path, run: Run) -> None:
    first = run(Gunicorn(home / "a", bins=bare).put(COLOUR="red"))
    second = run(Gunicorn(home / "b", bins=bare).put(COLOUR="red"))
    for server in (first, second):
        server.put(COLOUR="blue")
    first.write("app.py", (first.folder / "app.py").read_text() + BREAKS_PYTHON)
    spec = home / "spec.yaml"
    app = "{{match: {{cwd: {0}}}, sources: [{{envdir: {0}/env.d}}]}}"
    spec.write_text(f"apps:\n  a: {app.format(first.folder)}\n  b: {app.format(second.folder)}\n")

    done = restart(["-s", str(spec)], "--yes", "--timeout", "6s")

    assert done.status == 4
    assert [a["applied"]["outcome"] for a in done.apps] == ["not-verified", "not-tried"]
    assert second.http("COLOUR") == {"red"}
    first.write("app.py", WSGI.format(prelude=""))
    first.launch().ready()
    done = restart(["-s", str(spec)], "--yes")
    assert done.status == 0
    assert [a["applied"]["outcome"] for a in done.apps] == ["nothing-to-do", "done"]
    assert second.http("COLOUR") == {"blue"}


def test_nothing_found(home: Path) -> None:
    assert envcheck("restart", f"cwd:{home}", "--apply", "--yes").status == 2
    assert envcheck("restart", "--apply", "--yes", "--url", "ftp://x/").status == 2
    assert envcheck("restart", "--timeout", "soon").status == 2


@pytest.mark.parametrize("apply", [(), ("--apply", "--yes")], ids=["plan", "apply"])
def test_not_all_found(stale: Server, apply: tuple[str, ...]) -> None:
    """Nothing is done, and that is said: no advice to say --apply."""
    before = stale.pids()

    done = envcheck("restart", "-s", stale.spec(), "shop", "nosuch", *apply)

    assert done.status == 2
    assert done.out.startswith("NOTHING MATCHED: no running server is meant by nosuch\n")
    assert ("NOT TRIED: shop is not touched: not all that is meant was found" in done.out) is bool(apply)
    assert done.out.splitlines()[-1].endswith(": envcheck ps")
    assert stale.pids() == before


@root_only
@pytest.mark.usefixtures("bare")
def test_without_rights(stale: Server, site: Path) -> None:
    before = stale.pids()

    outcome = as_nobody(site, "restart", str(stale.master), "--apply", "--yes")

    assert (outcome.status, outcome.err) == (5, "")
    assert outcome.out.startswith("REFUSED: ")
    assert "do: run envcheck as root, with sudo" in outcome.out
    assert stale.pids() == before


# --- what goes wrong on the way ----------------------------------------------------------------------------


def test_it_comes_up_without_workers(home: Path, run: Run) -> None:
    """Unicorn forks them again and again: none of them stays."""
    server = run(Unicorn(home).put(COLOUR="red"))
    server.put(COLOUR="blue")
    text = (home / "config.ru").read_text()
    server.write("config.ru", BREAKS_RUBY + text)

    done = restart(server, "--yes", "--timeout", "8s")

    assert (done.status, done.outcome, done.applied["verified"]) == (4, "not-verified", False)
    assert done.statuses == ["ok", "ok", "ok"]
    assert done.applied["way_back"]


def test_it_does_not_come_up(stale: Server) -> None:
    stale.write("app.py", (stale.folder / "app.py").read_text() + BREAKS_PYTHON)

    done = restart(stale, "--yes", "--timeout", "6s")

    assert (done.status, done.outcome, done.applied["why"]) == (4, "not-verified", "shop does not run")
    assert "its log tells why" in done.applied["way_back"]
    assert "setsid --fork" in done.applied["way_back"]


def test_the_url_does_not_answer(stale: Server) -> None:
    done = restart(stale, "--yes", "--timeout", "6s", "--url", "http://127.0.0.1:1/health")

    assert (done.status, done.outcome) == (4, "not-verified")
    assert done.applied["why"].startswith("http://127.0.0.1:1/health: it does not answer")
    assert stale.http("COLOUR") == {"blue"}


def test_a_step_hangs(stale: Server) -> None:
    master = stale.master
    send(master, signal.SIGSTOP)

    done = restart(stale, "--yes", "--timeout", "2s")

    assert (done.status, done.outcome, done.statuses) == (4, "failed", ["ok", "timeout"])
    assert [step["argv"][0] for step in done.applied["not_done"]] == ["setsid"]
    assert "run in this order: timeout" in done.applied["way_back"]
    assert stale.master == master
    send(master, signal.SIGCONT)


def test_interrupted(stale: Server) -> None:
    master = stale.master
    send(master, signal.SIGSTOP)
    running = Running(stale).reaches("step 2 of 3")

    running.process.send_signal(signal.SIGINT)
    done = running.end()

    assert (done.status, done.outcome) == (130, "interrupted")
    assert done.applied["why"] == "interrupted in step 2 of 3"
    assert done.statuses == ["ok", "interrupted"]
    assert "setsid" in done.applied["way_back"]
    assert stale.master == master
    send(master, signal.SIGCONT)


def test_a_terminal_that_is_closed_stops_nothing(stale: Server) -> None:
    master = stale.master
    send(master, signal.SIGSTOP)
    running = Running(stale).reaches("step 2 of 3")

    running.process.send_signal(signal.SIGHUP)
    send(master, signal.SIGCONT)
    done = running.end()

    assert (done.status, done.outcome) == (0, "done")
    assert stale.http("COLOUR") == {"blue"}


def test_the_way_back_can_be_pasted(stale: Server) -> None:
    """As text: no command of it is broken into lines."""
    master = stale.master
    send(master, signal.SIGSTOP)

    told = envcheck("restart", "-s", stale.spec(), "--apply", "--yes", "--timeout", "2s")

    send(master, signal.SIGCONT)
    last = told.out.splitlines()[-1]
    assert last.startswith("do: ")
    commands = last.partition("run in this order: ")[2]
    subprocess.run(["sh", "-c", commands], check=True, env=clean(), cwd="/", timeout=60)
    stale.ready()
    assert stale.http("COLOUR") == {"blue"}


def test_a_second_one_is_refused(stale: Server) -> None:
    master = stale.master
    send(master, signal.SIGSTOP)
    first = Running(stale).reaches("step 2 of 3")

    second = restart(stale, "--yes")

    assert (second.status, second.outcome) == (5, "refused")
    assert second.applied["why"] == f"another envcheck restarts it (process {first.process.pid})"
    send(master, signal.SIGCONT)
    done = first.end()
    assert (done.status, done.outcome) == (0, "done")
    assert stale.http("COLOUR") == {"blue"}


def test_as_many_workers_as_it_is_told_to_have(stale: Server) -> None:
    """A signal has added one; a fresh start does not have it, and that is right."""
    wait_for(lambda: len(stale.pids()) == 3, "there are not 2 workers")
    send(stale.master, signal.SIGTTIN)
    wait_for(lambda: len(stale.pids()) == 4, "no third worker")

    done = restart(stale, "--yes")

    assert (done.status, done.outcome) == (0, "done"), done.applied
    assert len(stale.pids()) == 3


def test_an_upgrade_is_in_progress(stale: Server) -> None:
    stale.upgrade()
    before = stale.pids()

    done = restart(stale, "--yes")

    assert (done.status, done.outcome) == (5, "refused")
    assert "upgrade is in progress" in done.applied["why"]
    told = envcheck("restart", "-s", stale.spec()).out
    assert "upgrade is in progress" in told.splitlines()[-1]
    assert "--apply" not in told
    assert "in their order" in done.applied["way_back"]
    assert stale.pids() == before


@pytest.mark.parametrize("name", ["gunicorn", "unicorn"])
def test_a_half_done_upgrade_is_finished(name: str, home: Path, bare: Path, run: Run) -> None:
    server = run(SERVERS[name](home, bare).put(COLOUR="red"))
    old = server.master
    new = server.upgrade()

    done = restart(server, "--yes")

    assert (done.status, done.outcome) == (0, "done"), done.err
    assert old not in server.pids()
    assert server.master == new


class Meddling(Local):
    """This machine, and somebody who does something just before a request."""

    def __init__(self, before: str, meddle: Callable[[], object]) -> None:
        self.before, self.meddle = before, meddle

    def act(self, request: Request) -> Answer:
        if request["do"] == self.before:
            self.meddle()
            self.before = ""
        return super().act(request)


def carried_out(server: Server, host: Local) -> AppReport:
    spec = specs.load(Path(server.spec()).read_bytes(), "/spec.yaml")
    policy = Policy(bytes(32))

    def judged(snapshot: Snapshot, found: Model, name: str) -> AppReport:
        return judge_again(snapshot, spec, found, name, policy)

    snapshot = collect(host, spec)
    report = restarting.decide(judge(snapshot, spec, [], policy), snapshot, Severity.ERROR)
    eyes = Eyes(lambda: collect(host, spec), judged)
    done = restarting.carry_out(report, host, eyes, Wishes(10, 0.5), lambda _: None)
    [app] = done.hosts[0].apps
    return app


def _killed(server: Server) -> None:
    send(server.master, signal.SIGKILL)
    server.stop()


def test_the_server_dies_during_the_plan(stale: Server) -> None:
    outcome: Any = carried_out(stale, Meddling("step", lambda: _killed(stale))).outcome

    assert (outcome.result, outcome.exit_code) == ("failed", 4)
    assert [t.status for t in outcome.steps] == ["exited"]
    assert [s.argv[0] for s in outcome.not_done] == ["timeout", "setsid"]
    assert outcome.way_back.startswith("it does not run: ")


def test_another_server_under_the_pid(stale: Server) -> None:
    """What was planned for has ended before anything was held."""

    def replaced() -> None:
        _killed(stale)
        stale.launch().ready()

    outcome: Any = carried_out(stale, Meddling("begin", replaced)).outcome

    assert (outcome.result, outcome.exit_code, outcome.steps) == ("refused", 5, ())
    assert stale.http("COLOUR") == {"blue"}


def test_the_plan_changes_before_it_begins(stale: Server) -> None:
    outcome: Any = carried_out(stale, Meddling("begin", lambda: stale.put(COLOUR="red", TOKEN=None))).outcome

    assert (outcome.result, outcome.exit_code) == ("nothing-to-do", 0)
    assert stale.http("COLOUR") == {"red"}

"""`envcheck restart --apply` on other hosts: it cures, it refuses, and one that fails stops the others."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import jsonschema
import pytest
from live.harness import OWN_BIN, Server, need, send, wait_for
from live.restarts import SCHEMA, Restarted
from live.servers import Gunicorn, Unicorn
from remote.boxes import Boxes
from remote.sshd import Sshd
from remote.test_leftovers import children
from remote.test_shells import User

Run = Callable[[Server], Server]
Make = Callable[[Path, Path], Server]

SERVERS: dict[str, Make] = {
    "gunicorn": lambda home, bare: Gunicorn(home, bins=bare),
    "unicorn": lambda home, _: Unicorn(home),
}
BREAKS = "if os.environ['COLOUR'] == 'blue': raise KeyError\n"


@pytest.fixture
def stale(home: Path, bare: Path, run: Run) -> Server:
    server = run(Gunicorn(home / "shop", bins=bare).put(COLOUR="red"))
    server.put(COLOUR="blue", TOKEN="s3cr3t-value")
    return server


def restart(sshd: Sshd, server: Server, *options: str) -> Restarted:
    named = ("-H", "box", "-s", server.spec(), "--apply", "-f", "json")
    done = sshd.envcheck("restart", *named, *options)
    return Restarted(done.code, done.out, done.err)


class Running:
    """A restart that is on its way; its standard error is read as it comes."""

    def __init__(self, sshd: Sshd, *options: str) -> None:
        self.process = subprocess.Popen(
            [f"{OWN_BIN}/envcheck", "restart", "--apply", "--yes", "-f", "json", *options],
            env=dict(sshd.env()),
            cwd=sshd.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def reaches(self, text: str) -> Self:
        wait_for(lambda: text in self.said or self.process.poll() is not None, f"it does not say: {text}")
        assert text in self.said, self.said
        return self

    def gone(self) -> None:
        """Let go of what it has told."""
        with self.process:
            self.reader.join()

    def end(self) -> tuple[int, str, str]:
        assert self.process.stdout is not None
        with self.process:
            out = self.process.stdout.read()
            status = self.process.wait(60)
            self.reader.join()
        assert "Traceback" not in self.said
        return status, out, self.said


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest, home: Path, bare: Path, run: Run) -> Server:
    server = run(SERVERS[request.param](home / "shop", bare).put(COLOUR="red"))
    return server.put(COLOUR="blue")


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_it_cures(served: Server, transport: str, box: Sshd) -> None:
    server = served
    old = server.pids()

    url = f"http://127.0.0.1:{server.port}/"
    done = restart(box, server, "--yes", "--url", url, "--transport", transport, "--sudo")

    assert (done.status, done.outcome, done.applied["verified"]) == (0, "done", True), done.err
    assert done.document["hosts"][0]["name"] == "box"
    assert not old & server.pids()
    assert server.http("COLOUR") == {"blue"}
    assert "envcheck: box: step 1 of 3: kill" in done.err
    again = restart(box, server)
    assert (again.status, again.outcome) == (0, "nothing-to-do")
    wait_for(lambda: not children(box.pid), "something is left", 2.0)


def test_without_apply_nothing_happens(stale: Server, box: Sshd) -> None:
    before = stale.pids()

    done = box.envcheck("restart", "-s", stale.spec(), "-H", "box")

    assert done.code == 1, done
    assert done.out.startswith("box: STALE: shop")
    assert done.out.splitlines()[-1].startswith("do: the same with --apply carries it out")
    assert stale.pids() == before
    assert "s3cr3t" not in done.out + done.err


def test_without_a_confirmation_nothing_happens(stale: Server, box: Sshd) -> None:
    before = stale.pids()

    done = restart(box, stale)

    assert (done.status, done.outcome) == (5, "refused")
    assert stale.pids() == before


def test_it_does_not_come_up(stale: Server, box: Sshd) -> None:
    stale.write("app.py", (stale.folder / "app.py").read_text() + BREAKS)

    done = restart(box, stale, "--yes", "--timeout", "6s")

    assert (done.status, done.outcome, done.applied["why"]) == (4, "not-verified", "shop does not run")
    assert "setsid --fork" in done.applied["way_back"]


def test_a_second_one_is_refused(stale: Server, box: Sshd) -> None:
    master = stale.master
    send(master, signal.SIGSTOP)
    first = Running(box, "-H", "box", "-s", stale.spec()).reaches("step 2 of 3")

    second = restart(box, stale, "--yes")

    assert (second.status, second.outcome) == (5, "refused")
    assert second.applied["why"].startswith("another envcheck restarts it (process ")
    holder = int(second.applied["why"].rpartition("process ")[2].rstrip(")"))
    assert holder in children(box.pid)
    send(master, signal.SIGCONT)
    done = Restarted(*first.end())
    assert (done.status, done.outcome) == (0, "done")
    assert stale.http("COLOUR") == {"blue"}


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_interrupted(stale: Server, transport: str, box: Sshd) -> None:
    master = stale.master
    send(master, signal.SIGSTOP)
    running = Running(box, "-H", "box", "-s", stale.spec(), "--transport", transport).reaches("step 2 of 3")

    running.process.send_signal(signal.SIGINT)
    done = Restarted(*running.end())

    assert (done.status, done.outcome) == (130, "interrupted"), done.err
    assert done.applied["why"] == "interrupted in step 2 of 3"
    assert done.statuses == ["ok", "interrupted"]
    assert "setsid" in done.applied["way_back"]
    wait_for(lambda: not children(box.pid), "something is left", 2.0)
    assert stale.master == master
    send(master, signal.SIGCONT)


@pytest.mark.parametrize("sudo", [(), ("--sudo",)], ids=["plain", "sudo"])
def test_the_client_is_killed(stale: Server, sudo: tuple[str, ...], box: Sshd) -> None:
    """The remote process ends, the lock with it, and the command of the step as well."""
    master = stale.master
    send(master, signal.SIGSTOP)
    running = Running(box, "-H", "box", "-s", stale.spec(), *sudo).reaches("step 2 of 3")
    step = wait_for(lambda: _step(box), "no step")

    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    running.gone()
    wait_for(lambda: not children(box.pid) and not _words(step), "something is left", 2.0)

    send(master, signal.SIGCONT)
    wait_for(lambda: not stale.pids(), "the server that was told to end does not end")
    stale.start()
    assert restart(box, stale, "--yes").outcome == "nothing-to-do"  # nobody holds the lock


def _step(sshd: Sshd) -> int:
    """Give the process of the command that waits; 0: there is none."""
    return next((pid for pid in children(sshd.pid) if _words(pid)[:1] == ["timeout"]), 0)


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("latin-1").split("\0")
    except OSError:
        return []


def test_the_connection_is_cut(stale: Server, box: Sshd) -> None:
    """No ^C, no failure of the step: the session itself ends on the way."""
    master = stale.master
    send(master, signal.SIGSTOP)
    running = Running(box, "-H", "box", "-s", stale.spec()).reaches("step 2 of 3")

    for pid in children(box.pid):
        if not _words(pid)[0].startswith("python3"):
            send(pid, signal.SIGKILL)
    done = Restarted(*running.end())

    assert (done.status, done.outcome) == (4, "failed"), done.err
    assert done.applied["why"].startswith("the host was lost in step 2 of 3: ")
    assert done.statuses == ["ok", "interrupted"]
    assert done.applied["way_back"]
    send(master, signal.SIGCONT)


def test_without_rights(stale: Server, box: Sshd, home: Path) -> None:
    """Another user, without sudo and refused by it: nothing is attempted. With it, all is done."""
    need("sudo", "useradd")
    before = stale.pids()
    with User(home, "act", "/bin/bash") as user:
        words = ("restart", "-H", f"{user.name}@box", str(stale.master), "--apply", "--yes")

        done = box.envcheck(*words)
        assert (done.code, stale.pids()) == (5, before), done
        assert done.out.startswith(f"{user.name}@box: ")
        assert "REFUSED" in done.out
        assert "with sudo" in done.out
        done = box.envcheck(*words, "--sudo")
        assert (done.code, stale.pids()) == (5, before), done
        assert "sudo-refused" in done.out
        rules = Path("/etc/sudoers.d") / user.name
        rules.write_text(f"Defaults:{user.name} use_pty\n{user.name} ALL=(root) NOPASSWD: ALL\n")
        try:
            named = ("restart", "-H", f"{user.name}@box", "-s", stale.spec(), "--sudo")
            done = box.envcheck(*named, "--apply", "--yes")
            assert done.code == 0, done
        finally:
            rules.unlink()
    assert stale.http("COLOUR") == {"blue"}


def test_an_output_that_somebody_else_has_opened(home: Path, bare: Path, box: Sshd, run: Run) -> None:
    """The user of the server could stop it, but not start it: the log is of root."""
    need("setpriv", "useradd")
    with User(home, "own", "/bin/bash") as user:
        become = ("setpriv", f"--reuid={user.uid}", f"--regid={user.uid}", "--clear-groups")
        server = run(Gunicorn(home / "shop", program=(*become, str(bare / "gunicorn"))).put(COLOUR="red"))
        server.put(COLOUR="blue")
        words = ("restart", "-H", f"{user.name}@box", "-s", server.spec(), "--timeout", "20s")
        log, before = server.folder / "log", server.pids()

        plan = box.envcheck(*words)
        refused = box.envcheck(*words, "--apply", "--yes")

        assert f"not allowed to write to {log}" in " ".join(plan.out.split()), plan
        assert (refused.code, server.pids()) == (5, before), refused
        os.chown(log, user.uid, user.uid)
        done = box.envcheck(*words, "--apply", "--yes")
        assert done.code == 0, done
        assert server.http("COLOUR") == {"blue"}


# --- many -------------------------------------------------------------------------------------------------


@pytest.fixture
def boxes(home: Path, bare: Path) -> Iterator[Boxes]:
    with Boxes(home / "boxes", ["web-1", "web-2", "web-3"], bare) as made:
        made.put(COLOUR="blue")
        yield made


def roll(boxes: Boxes, *options: str) -> tuple[int, dict[str, Any], str]:
    """Give the exit status, what was applied for each host, and what was told on the way."""
    done = boxes.client.envcheck("restart", *boxes.arguments(), "--apply", "--yes", "-f", "json", *options)
    document = json.loads(done.out)
    jsonschema.validate(document, SCHEMA)
    assert document["exit_code"] == done.code
    return done.code, {h["name"]: h["apps"][0]["applied"] for h in document["hosts"]}, done.err


def _began(said: str) -> list[str]:
    """Give the hosts in the order in which their first step was told."""
    return [line.split(": ")[1] for line in said.splitlines() if ": step 1 of 3: " in line]


def test_one_after_another_and_the_canary_first(boxes: Boxes) -> None:
    code, applied, said = roll(boxes, "--canary", "web-2")

    assert code == 0, said
    assert {a["outcome"] for a in applied.values()} == {"done"}
    assert _began(said) == ["web-2", "web-1", "web-3"]
    assert boxes.colours() == dict.fromkeys(boxes.boxes, "blue")


def test_a_failure_stops_the_rest(boxes: Boxes) -> None:
    broken = boxes.servers["web-2"]
    broken.write("app.py", (broken.folder / "app.py").read_text() + BREAKS)

    code, applied, said = roll(boxes, "--timeout", "8s")

    assert code == 4
    assert [applied[name]["outcome"] for name in boxes.boxes] == ["done", "not-verified", "not-tried"], said
    assert applied["web-3"]["why"] == "the restart on web-2 has failed before"
    assert len(applied["web-3"]["not_done"]) == 3
    assert boxes.servers["web-3"].http("COLOUR") == {"red"}


def test_the_canary_fails(boxes: Boxes) -> None:
    broken = boxes.servers["web-3"]
    broken.write("app.py", (broken.folder / "app.py").read_text() + BREAKS)

    done = boxes.client.envcheck(
        "restart", *boxes.arguments(), "--apply", "--yes", "--canary", "web-3", "--max-parallel", "3",
        "--timeout", "8s",
    )  # fmt: skip

    assert done.code == 4, done
    lines = done.out.splitlines()
    assert lines[0] == "NOT VERIFIED: 1 of 3 hosts; 2 not tried"
    assert lines[2].startswith("web-3: NOT VERIFIED: ")
    assert "NOT TRIED: shop is not touched on 2 hosts: the restart on web-3 has failed" in done.out
    assert "  web-1, web-2" in lines
    assert lines[-1].startswith("do: on web-3: ") or "do: on web-3: " in done.out
    assert {boxes.servers[name].http("COLOUR").pop() for name in ("web-1", "web-2")} == {"red"}


def test_the_way_back_of_each_that_fails(boxes: Boxes) -> None:
    """Two were at it when one failed: both are down. What is the same for all is said once."""
    for name in ("web-2", "web-3"):
        broken = boxes.servers[name]
        broken.write("app.py", (broken.folder / "app.py").read_text() + BREAKS)

    refused = boxes.client.envcheck("restart", *boxes.arguments(), "--apply")
    done = boxes.client.envcheck(
        "restart", *boxes.arguments(), "--apply", "--yes", "--max-parallel", "2", "--timeout", "8s"
    )

    assert refused.out.splitlines()[-1] == "do: on web-[1:3]: confirm it, or say --yes", refused
    assert done.code == 4, done
    said = [line for line in done.out.splitlines() if line.startswith("do: ")]
    assert [line.partition(": it does not run: ")[0] for line in said] == ["do: on web-2", "do: on web-3"], (
        done
    )
    assert all(f"/apps/{name}" in line for name, line in zip(("web-2", "web-3"), said, strict=True)), done


def test_a_host_that_is_not_reached_stops_the_rest(boxes: Boxes) -> None:
    boxes.boxes["web-2"].stop()

    done = boxes.client.envcheck("restart", *boxes.arguments(), "--apply", "--yes")

    assert done.code == 5, done
    assert done.out.startswith("NOT REACHED: 1 of 3 hosts; 1 not tried; 1 done\n")
    assert "mend what keeps web-2 from being reached" in done.out
    assert boxes.servers["web-1"].http("COLOUR") == {"blue"}
    assert boxes.servers["web-3"].http("COLOUR") == {"red"}


@pytest.mark.parametrize("apply", [(), ("--apply", "--yes")], ids=["plan", "apply"])
def test_a_host_where_nothing_matches(boxes: Boxes, apply: tuple[str, ...]) -> None:
    """Nothing is done anywhere, and that is said first; last, what to do before."""
    boxes.servers["web-2"].stop()

    done = boxes.client.envcheck("restart", *boxes.arguments(), *apply)

    assert done.code == 2, done
    lines = done.out.splitlines()
    if apply:
        assert lines[0] == "NOTHING MATCHED: 1 of 3 hosts; 2 not tried"
        assert "NOT TRIED: shop is not touched on 2 hosts: not all that is meant was found" in lines
    assert "NOTHING MATCHED on 1 host: no running server is meant by app shop" in lines
    hosts = f"--hosts-file {boxes.folder}/hosts.ini --limit HOST"
    assert lines[-1].startswith(f"do: see what does run where nothing matched: envcheck ps {hosts}")
    assert {boxes.servers[name].http("COLOUR").pop() for name in ("web-1", "web-3")} == {"red"}


def test_one_confirmation_for_all(boxes: Boxes) -> None:
    ours, theirs = pty.openpty()
    argv = [f"{OWN_BIN}/envcheck", "restart", *boxes.arguments(), "--apply"]
    environment = dict(boxes.client.env())
    with subprocess.Popen(
        argv, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environment
    ) as asking:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"n\n")
        assert asking.stdout is not None
        out = asking.stdout.read()
        assert asking.wait(60) == 5, out
    os.close(ours)
    assert b"Carry this out on 3 of 3 hosts? [y/N]" in said
    assert said.count(b"[y/N]") == 1
    assert out.startswith(b"REFUSED: 3 of 3 hosts")
    assert set(boxes.colours().values()) == {"red"}


def test_the_plan_for_many(boxes: Boxes) -> None:
    done = boxes.client.envcheck("restart", *boxes.arguments())

    assert done.code == 1, done
    assert done.out.startswith("STALE: 3 of 3 hosts")
    assert all(f"restart shop on {name}:" in done.out for name in boxes.boxes)
    assert (
        done.out.splitlines()[-1]
        == "do: the same with --apply carries it out, and looks whether it has helped"
    )
    assert set(boxes.colours().values()) == {"red"}


def test_at_once_and_interrupted(boxes: Boxes) -> None:
    stopped = [boxes.servers[name].master for name in ("web-2", "web-3")]
    for pid in stopped:
        send(pid, signal.SIGSTOP)
    running = Running(boxes.client, *boxes.arguments(), "--max-parallel", "2")
    running.reaches("web-2: step 2 of 3").reaches("web-3: step 2 of 3")

    running.process.send_signal(signal.SIGINT)
    status, out, said = running.end()

    applied = {h["name"]: h["apps"][0]["applied"] for h in json.loads(out)["hosts"]}
    assert status == 130, said
    assert [applied[n]["outcome"] for n in boxes.boxes] == ["done", "interrupted", "interrupted"]
    assert applied["web-3"]["why"] == "interrupted in step 2 of 3"
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)

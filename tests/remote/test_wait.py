"""`check --wait` on other hosts: one connection for each host, however often it is looked at."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from live.harness import OWN_BIN, Server, wait_for
from live.servers import Gunicorn
from remote.sshd import Sshd
from remote.test_leftovers import children

ACCEPTED = "Accepted publickey"


@pytest.mark.parametrize("hosts", [["box"], ["one", "two"]], ids=["one", "many"])
@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_until_it_is_well(
    hosts: list[str], transport: str, home: Path, bare: Path, run: Callable[[Server], Server]
) -> None:
    server = run(Gunicorn(home / "shop", bins=bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    with Sshd(home / "sshd", names="box one two") as sshd:
        argv = [f"{OWN_BIN}/envcheck", "check", "-s", server.spec(), "--transport", transport]
        argv += [word for host in hosts for word in ("-H", host)]
        # Less time for one look than all of them take together.
        argv += ["--wait", "60s", "--stable-for", "6s", "--timeout", "5s"]
        waiting = subprocess.Popen(
            argv, env=dict(sshd.env()), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        log = sshd.folder / "log"
        wait_for(lambda: log.read_text().count(ACCEPTED) == len(hosts), "nobody looks")
        server.stop()
        server.start()
        out, err = waiting.communicate(timeout=75)

        assert waiting.returncode == 0, out + err
        assert log.read_text().count(ACCEPTED) == len(hosts)
        wait_for(lambda: not children(sshd.pid), "something is left", 2.0)


def test_a_connection_that_is_lost_is_made_again(
    home: Path, bare: Path, run: Callable[[Server], Server]
) -> None:
    server = run(Gunicorn(home / "shop", bins=bare).put(COLOUR="red"))
    server.put(COLOUR="blue")
    with Sshd(home / "sshd") as sshd:
        argv = [f"{OWN_BIN}/envcheck", "check", "-s", server.spec(), "-H", "box", "--wait", "30s"]
        waiting = subprocess.Popen(
            argv, env=dict(sshd.env()), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        log = sshd.folder / "log"
        wait_for(lambda: log.read_text().count(ACCEPTED) == 1, "nobody looks")
        sessions = wait_for(lambda: children(sshd.pid), "no session")
        subprocess.run(["kill", "-KILL", *map(str, sessions)], check=False, capture_output=True)
        wait_for(lambda: log.read_text().count(ACCEPTED) == 2, "nobody looks again")
        server.stop()
        server.start()
        out, err = waiting.communicate(timeout=75)

        assert waiting.returncode == 0, out + err

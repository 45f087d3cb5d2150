"""Many hosts at once: one sshd under many names, beside it ports where nothing, or nothing good, answers."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from live.harness import OWN_BIN, free_port, wait_for
from live.servers import Gunicorn
from remote.hostile import Listener, garbage, silent
from remote.sshd import Done, Sshd

GOOD, DEAD, SILENT, GARBAGE = 30, 4, 3, 3
# For each host: what thirty key exchanges take on a busy machine that is both ends of each.
PATIENCE = ("--connect-timeout", "9s", "--timeout", "14s")  # half of the tests run beside


class Street(NamedTuple):
    sshd: Sshd
    shop: Gunicorn
    hosts: Path  # the hosts file

    def check(self, *arguments: str) -> Done:
        spec = str(self.shop.folder / "spec.yaml")
        return self.sshd.envcheck("check", "shop", "-s", spec, "--hosts-file", str(self.hosts), *arguments)


@pytest.fixture(scope="module")
def many(street: Path) -> Iterator[Street]:
    folder = street / "many"
    with (
        Sshd(folder / "sshd", names="127.0.0.1", MaxStartups="200", MaxSessions="20") as sshd,
        Gunicorn(folder / "shop").put(SHOP="old") as shop,
        Listener(silent) as quiet,
        Listener(garbage) as noisy,
    ):
        shop.put(SHOP="new")
        shop.spec()
        hosts = folder / "hosts.ini"
        hosts.write_text(
            f"[good]\nweb-[01:{GOOD}] ansible_port={sshd.port}\n"
            f"[dead]\ndead-[1:{DEAD}] ansible_port={free_port()}\n"
            f"[silent]\nsilent-[1:{SILENT}] ansible_port={quiet.port}\n"
            f"[garbage]\ngarbage-[1:{GARBAGE}] ansible_port={noisy.port}\n"
            "[bad:children]\ndead\nsilent\ngarbage\n"
            "[all:vars]\nansible_host=127.0.0.1\nansible_user=root\n"
        )
        yield Street(sshd, shop, hosts)


def sessions(sshd: Sshd) -> list[str]:
    """Give the sessions that the sshd still serves."""
    return Path(f"/proc/{sshd.pid}/task/{sshd.pid}/children").read_text().split()


def test_every_good_host_is_judged_and_every_bad_one_named(many: Street) -> None:
    done = many.check("-f", "json", "-f", "text=report.txt", *PATIENCE)
    document: dict[str, Any] = json.loads(done.out)
    found = {host["name"]: host for host in document["hosts"]}

    good = [name for name, host in found.items() if host["status"] == "ok"]
    assert good == [f"web-{i:02d}" for i in range(1, GOOD + 1)], done
    assert {found[name]["apps"][0]["state"] for name in good} == {"stale"}
    bad = {name: host for name, host in found.items() if host["status"] != "ok"}
    assert len(bad) == DEAD + SILENT + GARBAGE
    assert all(host["gaps"][0]["what"] and host["gaps"][0]["why"] for host in bad.values())
    assert document["exit_code"] == done.code == 1  # drift beats what could not be told
    assert document["differences"] == []
    assert done.seconds < 20
    text = (many.sshd.folder / "report.txt").read_text()
    assert text.startswith(f"STALE: {GOOD} of {len(found)} hosts, same cause (")
    assert "dead-[1:4]" in text
    assert "silent-[1:3]" in text
    assert "garbage-[1:3]" in text
    assert f"web-[01:{GOOD}]" in text
    assert done.err == ""  # no progress where there is no terminal
    wait_for(lambda: not sessions(many.sshd), "sessions stay")


def test_a_line_for_each_host(many: Street) -> None:
    done = many.check("-f", "jsonl", "--limit", "good:!web-2*", "--limit", "dead-1")
    told = [json.loads(line) for line in done.out.splitlines()]

    assert sorted(host["name"] for host in told) == [
        "dead-1", *(f"web-{i:02d}" for i in range(1, 20)), "web-30"
    ]  # fmt: skip


def test_verbose_tells_each_host(many: Street) -> None:
    done = many.check("--limit", "web-0[1-3],dead-1", "-v")

    assert "envcheck: web-02: stale\n" in done.err
    assert "envcheck: dead-1: not reached: connecting: " in done.err


def test_only_unreachable_hosts_are_no_drift(many: Street) -> None:
    assert many.check("--limit", "dead").code == 3


def test_the_command_that_looks_closer_takes_the_host_from_its_file(many: Street) -> None:
    """By its name alone ssh knows none of them."""
    hosts = str(many.hosts)
    done = many.sshd.envcheck("check", "cwd:/none", "--hosts-file", hosts, "--limit", "web-01")
    last = done.out.splitlines()[-1]
    assert last.endswith(f": envcheck ps --hosts-file {hosts} --limit web-01"), done

    closer = many.sshd.envcheck(*last.rpartition("envcheck ")[2].split())
    assert closer.code == 0, closer


def test_a_limit_that_names_nothing(many: Street) -> None:
    done = many.check("--limit", "wbe-*")

    assert (done.code, done.out) == (2, "")
    assert "--limit wbe-*: no such host or group" in done.err


def test_an_interrupt_ends_all_at_once(many: Street) -> None:
    argv = [f"{OWN_BIN}/envcheck", "check", "--hosts-file", str(many.hosts), "-v"]
    process = subprocess.Popen(
        [*argv, "--limit", "silent,web-01", "--connect-timeout", "30s"],
        env=many.sshd.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    line = process.stderr.readline()
    while "web-01: " not in line or "by " in line:  # the others hang by now
        assert line
        line = process.stderr.readline()
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=10)

    assert process.returncode == 130
    assert time.monotonic() - began < 3
    assert "Traceback" not in rest
    assert "Exception" not in rest
    wait_for(lambda: not sessions(many.sshd), "sessions stay")


def test_ps_lists_the_servers_of_each_host(many: Street) -> None:
    done = many.sshd.envcheck(
        "ps", f"cwd:{many.shop.folder}", "--hosts-file", str(many.hosts), "--limit", "web-0[1-3]"
    )

    assert done.code == 0, done
    assert done.out.count("gunicorn") >= 3
    assert "web-03:" in done.out


def test_two_hosts_are_compared(many: Street) -> None:
    port, pid = many.sshd.port, many.shop.master
    sides = [f"root@127.0.0.1:{port}:{pid}", f"127.0.0.1:{port}:file:{many.shop.folder}/env.d"]
    done = many.sshd.envcheck("diff", *sides)

    assert done.code == 1, done
    assert "-SHOP=" in done.out
    assert "+SHOP=" in done.out


@pytest.mark.parametrize(
    ("side", "why"), [("cwd:/nowhere", "no running"), ("file:/nowhere", "unable to read")]
)
def test_a_side_that_cannot_be_read_is_told_with_its_host(many: Street, side: str, why: str) -> None:
    sides = [f"{name}:{target}" for name, target in (("web-01", many.shop.master), ("web-02", side))]
    done = many.sshd.envcheck("diff", *sides, "--hosts-file", str(many.hosts))

    assert done.code in (2, 3), done
    assert done.err.startswith(f"envcheck: error: web-02: {why}"), done

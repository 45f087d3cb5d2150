"""Many hosts: one sshd under many names, against the tools that people use for many hosts.

The target runs on this machine, so what it costs there bounds the wall time of all of them: the processor
time of the client is what counts. clush does what is comparable by hand: it reads one environment of a host.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from live.harness import free_port
from live.servers import Gunicorn
from remote.hostile import Listener, garbage, silent
from remote.sshd import Sshd

from .table import Goal, Row, at_most, slower
from .timing import ENVIRONMENT, Spent, alternate
from .world import BIN, need

MANY, SOME, AT_ONCE = 300, 100, 32
MOST_ROUNDS = 5  # a round of all takes half a minute
GOOD, DEAD, SILENT, GARBAGE = 240, 30, 15, 15
DEADLINE = 5  # seconds
BY_HAND = r"""tr '\0' '\n' < /proc/$(pgrep -o -f '[g]unicorn: master')/environ"""
CHEAP_KEYS = "-o KexAlgorithms=curve25519-sha256"


@dataclass(frozen=True)
class Client:
    """A whole process with its children, in the environment of the user whose ssh knows the hosts."""

    argv: list[str]
    env: Mapping[str, str]
    fine: tuple[int, ...] = (0,)

    def __call__(self) -> Spent:
        start = perf_counter()
        pid = os.posix_spawnp(self.argv[0], self.argv, self.env, file_actions=_nowhere())
        _, status, usage = os.wait4(pid, 0)
        wall = perf_counter() - start
        if os.waitstatus_to_exitcode(status) not in self.fine:
            raise RuntimeError(f"{self.argv} ended with {os.waitstatus_to_exitcode(status)}")
        return Spent(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def _nowhere() -> list[tuple[int, int, str, int, int]]:
    return [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]


def fleet(folder: Path, rounds: int) -> Iterator[Row]:
    need("sshd", "ssh", "clush", "xargs")
    rounds = min(rounds, MOST_ROUNDS)
    room = {"MaxStartups": "400:30:600", "MaxSessions": "20"}
    with (
        Sshd(folder / "sshd", names="h* 127.0.0.1", **room) as sshd,
        Gunicorn(folder / "shop").put(SHOP="plain") as shop,
    ):
        shop.spec()
        env = {**ENVIRONMENT, **sshd.env()}
        yield from _compared(folder, shop, env, rounds)
        yield from _mixed(folder, sshd, shop, env)


def _check(shop: Gunicorn, hosts: Path, *more: str) -> list[str]:
    spec = str(shop.folder / "spec.yaml")
    program = [sys.executable, str(BIN / "envcheck"), "check", "shop", "-s", spec]
    return [*program, "--hosts-file", str(hosts), "--max-parallel", str(AT_ONCE), *more]


def _compared(folder: Path, shop: Gunicorn, env: Mapping[str, str], rounds: int) -> Iterator[Row]:
    for count in (MANY, SOME):
        (folder / f"hosts{count}").write_text(f"h[1:{count}]\n")
    pool = f"seq 1 {MANY} | xargs -P {AT_ONCE} -I N ssh -o BatchMode=yes {CHEAP_KEYS} hN true"
    jobs = {
        "ours": Client(_check(shop, folder / f"hosts{MANY}"), env),
        "pool": Client(["sh", "-c", pool], env),
        "some": Client(_check(shop, folder / f"hosts{SOME}"), env),
        "clush": Client(["clush", "-f", str(AT_ONCE), "-w", f"h[1-{SOME}]", BY_HAND], env),
    }
    ansible = shutil.which("ansible", path=f"{BIN}:{ENVIRONMENT['PATH']}")
    if ansible:
        argv = [ansible, "all", "-i", f"{folder / f'hosts{MANY}'}", "-m", "raw", "-a", "true"]
        own = {"ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}
        jobs["ansible"] = Client([*argv, "-f", str(AT_ONCE)], {**env, **own})
    else:
        print("not measured: ansible, which is not installed", file=sys.stderr)
    measured = alternate(jobs, rounds)

    def processor(other: str, what: str, goal: Goal) -> Row:
        row = slower("fleet", what, measured, ("ours", other), goal)
        return row._replace(value=measured.ratio("ours", other).cpu)

    yield processor("pool", f"{MANY} hosts / xargs ssh (curve25519), cpu", at_most(0.55))
    if ansible:
        yield processor("ansible", f"{MANY} hosts / ansible -m raw, cpu", at_most(0.06))
    yield slower(
        "fleet", f"{SOME} hosts / clush and one environment, wall", measured, ("some", "clush"), at_most(0.45)
    )


def _mixed(folder: Path, sshd: Sshd, shop: Gunicorn, env: Mapping[str, str]) -> Iterator[Row]:
    """Hosts of which some are down, hang or talk nonsense: who is well must not suffer."""
    with Listener(silent) as quiet, Listener(garbage) as noisy:
        ports = {
            "good": (GOOD, sshd.port),
            "dead": (DEAD, free_port()),
            "silent": (SILENT, quiet.port),
            "garbage": (GARBAGE, noisy.port),
        }
        lines = [f"{kind}-[1:{count}] ansible_port={port}" for kind, (count, port) in ports.items()]
        hosts = folder / "mixed.ini"
        hosts.write_text("\n".join([*lines, "[all:vars]", "ansible_host=127.0.0.1", "ansible_user=root", ""]))
        limits = ("--timeout", f"{DEADLINE}s", "--connect-timeout", f"{DEADLINE}s")
        start = perf_counter()
        process = subprocess.Popen(
            _check(shop, hosts, *limits, "-f", f"json={folder / 'mixed.json'}"), env=env
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    found = json.loads((folder / "mixed.json").read_text())["hosts"]
    wrong = sum((host["status"] == "ok") is not host["name"].startswith("good") for host in found)
    what = f"{len(found)} hosts, {DEAD + SILENT + GARBAGE} of them bad"
    yield Row("fleet", f"{what}: seconds", wall, at_most(15))
    yield Row("fleet", f"{what}: judged wrong", wrong, at_most(0))
    yield Row("fleet", f"{what}: MiB", usage.ru_maxrss / 1024, at_most(150))

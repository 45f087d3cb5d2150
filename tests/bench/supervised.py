"""Collecting one server under a real systemd, in process, against the one command that a person would type.

The process table and the environments of the workers, which `systemctl show` does not read, are a row of
their own. Two calls of systemctl, for the manager and for the units, run meanwhile: no single one tells both.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from live.harness import free_port, wait_for
from live.systemd.machine import Machine

from .table import Row, at_most, slower
from .timing import Measured, Spent
from .world import APP, BIN

WORKERS, FILES, VARIABLES = 16, 3, 20
UNIT = "shop.service"
NAMES = ("collect", "scan", "show")

# Runs inside of the machine: the medians have to be taken without the way into its namespaces.
INNER = """\
import json, resource, subprocess, sys, time
from envcheck import opening
from envcheck.collect import collect
from envcheck.hosts.local import Local

class Counting(Local):
    def __init__(self): self.commands = 0
    def ask(self, requests):
        answers = super().ask(requests)
        self.commands += sum(r["op"] == "run" for r in requests)
        self.commands += sum(len(a.get("ahead", ())) for a in answers)
        return answers

def cpu():
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))

host = Counting()
jobs = {
    "collect": lambda: collect(host),
    "scan": lambda: host.ask([{"op": "host"}, opening.scan(live=True)]),
    "show": lambda: subprocess.run(["systemctl", "show", sys.argv[2]], check=True, capture_output=True),
}
spent = {name: [] for name in jobs}
for _ in range(int(sys.argv[1]) + 1):
    for name, job in jobs.items():
        wall, burnt = time.perf_counter(), cpu()
        host.commands = 0
        found = job()
        spent[name].append([(time.perf_counter() - wall) * 1000, (cpu() - burnt) * 1000])
        if name == "collect":
            commands, servers = host.commands, len(found.servers)
print(json.dumps({"spent": spent, "commands": commands, "servers": servers}))
"""


def systemd(_folder: Path, rounds: int) -> Iterator[Row]:
    if os.geteuid() != 0:
        print("systemd: not measured, it needs root", file=sys.stderr)
        return
    with Machine() as machine:
        said = json.loads(_measured(machine, rounds))
    if said["servers"] != 1:
        raise RuntimeError(f"collecting has found {said['servers']} servers")
    spent = {name: [Spent(*pair) for pair in said["spent"][name][1:]] for name in NAMES}
    measured = Measured(spent)
    yield slower("systemd", "collect / `systemctl show UNIT`", measured, ("collect", "show"), at_most(1.5))
    yield slower("systemd", "processes alone / `systemctl show UNIT`", measured, ("scan", "show"))
    yield Row("systemd", "commands run for the host", said["commands"], at_most(1))


def _measured(machine: Machine, rounds: int) -> str:
    machine.write("/srv/app.py", APP)
    lines = [f"EnvironmentFile=/etc/shop{i}.env\n" for i in range(FILES)]
    for i in range(FILES):
        text = "".join(f"SHOP_{i}_{n}=plain\n" for n in range(VARIABLES))
        machine.write(f"/etc/shop{i}.env", text)
    command = f"{BIN}/gunicorn -w {WORKERS} -b 127.0.0.1:{free_port()} app:app"
    unit = "[Service]\nType=notify\nNotifyAccess=all\nWorkingDirectory=/srv\nExecStart=" + command + "\n"
    machine.write(f"/etc/systemd/system/{UNIT}", unit + "".join(lines))
    machine.systemctl("daemon-reload")
    machine.systemctl("start", UNIT)
    master = machine.systemctl("show", "-p", "MainPID", "--value", UNIT).strip()
    wait_for(lambda: len(machine.ask("pgrep", "-P", master).split()) == WORKERS, "gunicorn has not started")
    machine.write("/srv/inner.py", INNER)
    return machine.python("/srv/inner.py", str(rounds), UNIT).stdout

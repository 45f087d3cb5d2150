"""envcheck run inside of a booted systemd."""

from __future__ import annotations

import json
from typing import Any

from live.checking import Verdict
from live.systemd.machine import Machine

Json = dict[str, Any]


def check(machine: Machine, *targets: str) -> Verdict:
    done = machine.python("-m", "envcheck", "check", *targets, "-f", "json", check=False)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    [app] = document["hosts"][0]["apps"]
    return Verdict(document["exit_code"], app)


def argvs(steps: list[Json]) -> list[list[str]]:
    return [step["argv"] for step in steps]

"""envcheck as people call it: a program with arguments, an exit status and output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from live.harness import Server, clean
from live.servers import readable_python

Json = dict[str, Any]


AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


def envcheck(*args: str, prefix: Sequence[str] = (), **env: str) -> Outcome:
    """Run envcheck in a clean environment."""
    argv = [*prefix, *([] if prefix else [sys.executable]), "-m", "envcheck", *args]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, timeout=60, cwd="/", env=clean(**env)
    )
    assert done.returncode != 70, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def as_nobody(site: Path, *args: str) -> Outcome:
    """Run envcheck as a user who owns nothing."""
    python, library = readable_python(site)
    return envcheck(*args, prefix=(*AS_NOBODY, str(python)), PYTHONPATH=str(library))


def report(*args: str) -> Json:
    """Run envcheck and read its JSON."""
    outcome = envcheck(*args, "-f", "json")
    assert outcome.out, outcome.err
    document: Json = json.loads(outcome.out)
    assert document.get("exit_code", outcome.status) == outcome.status
    return document


class Verdict(NamedTuple):
    """What `check` says of one application."""

    status: int
    app: Json

    @property
    def state(self) -> str:
        return str(self.app["state"])

    @property
    def remedy(self) -> Json:
        found: Json = self.app["remedy"]
        return found

    def findings(self, variable: str | None) -> list[Json]:
        return [f for f in self.app["findings"] if f["variable"] == variable]

    def finding(self, variable: str | None) -> Json:
        [found] = self.findings(variable)
        return found

    def says(self, variable: str | None) -> tuple[str, str | None]:
        """Give diagnosis and cause of the one finding about a variable."""
        found = self.finding(variable)
        return found["diagnosis"], found["cause"]

    def wrong(self) -> dict[str | None, tuple[str, str | None]]:
        """Give all that is not as it should be."""
        fine = ("in-sync", "unproven")
        return {
            f["variable"]: (f["diagnosis"], f["cause"])
            for f in self.app["findings"]
            if f["diagnosis"] not in fine
        }


def check(server: Server, *options: str) -> Verdict:
    """Judge a server by its spec."""
    document = report("check", "-s", server.spec(), *options)
    [app] = document["hosts"][0]["apps"]
    return Verdict(document["exit_code"], app)


def carry_out(steps: Sequence[Json]) -> None:
    """Run the steps of a remedy as they are given, one by one, as somebody would who has just logged in."""
    for step in steps:
        assert step.get("runnable", True), step
        done = subprocess.run(
            step["argv"], check=False, capture_output=True, timeout=120, env=clean("/root"), cwd="/"
        )
        assert done.returncode == 0, (step, done)

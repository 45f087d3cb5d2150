"""`envcheck restart` as people call it, to its end or on its way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import jsonschema
from live.checking import Json, envcheck
from live.harness import Server, clean, wait_for

SCHEMA: Json = json.loads((Path(__file__).parent.parent / "contract" / "report.schema.json").read_text())


class Restarted:
    """What came of it: the exit status, and the document of one app, or of several."""

    def __init__(self, status: int, out: str, err: str) -> None:
        assert out, err
        self.status, self.err = status, err
        self.document: Json = json.loads(out)
        jsonschema.validate(self.document, SCHEMA)
        assert self.document["exit_code"] == status
        self.apps: list[Json] = self.document["hosts"][0]["apps"]

    @property
    def applied(self) -> Json:
        [app] = self.apps
        found: Json = app["applied"]
        return found

    @property
    def outcome(self) -> str:
        return str(self.applied["outcome"])

    @property
    def statuses(self) -> list[str]:
        return [step["status"] for step in self.applied["steps"]]


def restart(server: Server | Sequence[str], *options: str) -> Restarted:
    """Carry a restart out; a server is named by its spec, another target by words."""
    named = ("-s", server.spec()) if isinstance(server, Server) else tuple(server)
    return Restarted(*envcheck("restart", *named, "--apply", "-f", "json", *options))


class Running:
    """A restart that is on its way; its standard error is read as it comes."""

    def __init__(self, server: Server, *options: str) -> None:
        argv = [sys.executable, "-m", "envcheck", "restart", "-s", server.spec(), "--apply", "--yes"]
        self.process = subprocess.Popen(
            [*argv, "-f", "json", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env=clean(),
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

    def end(self) -> Restarted:
        assert self.process.stdout is not None
        with self.process:
            out = self.process.stdout.read()
            status = self.process.wait(60)
            self.reader.join()
        return Restarted(status, out, self.said)

"""Whether a restart has helped: look for the server again, and say what is still wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from envcheck import waiting
from envcheck.escaping import escape
from envcheck.hosts import http
from envcheck.judge import permission, verdict
from envcheck.model import (
    Action,
    AppReport,
    Cause,
    Diagnosis,
    Finding,
    HostReport,
    Layer,
    Report,
    Server,
    Severity,
    Snapshot,
)
from envcheck.servers import SERVERS
from envcheck.waiting import Look

ASKING = 5.0  # seconds that a URL has for one answer


class Wishes(NamedTuple):
    """How a restart is to be done."""

    seconds: float  # for the steps of one app, and for all to be well afterwards
    stable: float  # seconds that the new workers have to live
    urls: tuple[str, ...] = ()  # all of them must answer
    fail_on: Severity = Severity.ERROR


class Eyes(NamedTuple):
    """How to look again: read the host, and judge one server as the app of that name."""

    collect: Callable[[], Snapshot]
    judge: Callable[[Snapshot, Server, str], AppReport]


class Aftermath:
    """What is to come of the restart of one app, until *end*."""

    def __init__(self, app: AppReport, eyes: Eyes, wishes: Wishes, end: float) -> None:
        self.app, self.eyes, self.wishes, self.end = app, eyes, wishes, end

    def look(self, before: Snapshot, server: Server) -> Look:
        """Look for the server under its new pids, and judge it."""
        snapshot = self.eyes.collect()
        candidates = self._candidates(snapshot, before, server)
        app = self.judged(snapshot, candidates)
        report = _report(snapshot, app, self.wishes.fail_on)
        return Look(report, self._wrong(app, server, snapshot, candidates), waiting.members(report))

    def _candidates(self, snapshot: Snapshot, before: Snapshot, server: Server) -> list[Server]:
        """Give the servers that it may be now: none of those that ran beside it before."""
        others = {who for s in before.servers if s != server for who in _members(s)}
        key = permission.key(server)
        return [s for s in snapshot.servers if permission.key(s) == key and not others & _members(s)]

    def judged(self, snapshot: Snapshot, candidates: Sequence[Server]) -> AppReport:
        return self.eyes.judge(snapshot, candidates[-1], self.app.name) if candidates else _gone(self.app)

    def _wrong(self, app: AppReport, server: Server, snapshot: Snapshot, candidates: Sequence[Server]) -> str:
        """Say what keeps the restart from having helped."""
        doomed = {(p.pid, p.ticks) for p in permission.doomed(self.app.remedy.action, server)}
        left = [p.pid for s in snapshot.servers for p in s.processes if (p.pid, p.ticks) in doomed]
        if not candidates:
            return f"{app.name} does not run"
        if left:
            return f"{app.name}: of what was to end there is still {', '.join(map(str, left))}"
        if len(candidates) > 1:
            return f"{app.name} runs {len(candidates)} times"
        if wrong := waiting.wrong_with(app, self.wishes.fail_on):
            return wrong
        wanted, workers = self._workers(candidates[0], snapshot), len(app.server.generations[-1].workers)
        if workers != wanted:
            return f"{app.name} has {workers} of {wanted} workers"
        left_seconds = min(ASKING, self.end - time.monotonic())
        bad = ((url, http.answers(url, left_seconds)) for url in self.wishes.urls)
        return next((f"{url}: {why}" for url, why in bad if why), "")

    def _workers(self, server: Server, snapshot: Snapshot) -> int:
        """Give how many workers there have to be: as many as it says, or else as there were."""
        if told := SERVERS[server.kind].workers(server, snapshot.seen_by(server)):
            return told
        counts = [len(g.workers) for g in self.app.server.generations if g.master]
        return max(1, *counts[-1:]) if counts else 1

    def proof(self, app: AppReport) -> str:
        count = len(app.server.processes)
        new = "kept" if self.app.remedy.action is Action.RETIRE_OLD else "new"
        urls = "".join(f", {escape(url)} answers" for url in self.wishes.urls)
        return (
            f"{count} processes have what they should have, nothing of the old ones is left, "
            f"{count - 1} {new} workers stay{urls}"
        )


def _members(server: Server) -> set[tuple[int, int]]:
    return {(p.pid, p.ticks) for p in server.processes}


def _report(snapshot: Snapshot, app: AppReport, fail_on: Severity) -> Report:
    host = HostReport(snapshot.host, "ok", (), (app,))
    return Report((host,), verdict.exit_code((host,), fail_on))


def _gone(app: AppReport) -> AppReport:
    """Report an app of which no process runs any more."""
    none = Layer("exited", None)
    finding = Finding(
        None,
        Diagnosis.UNDECIDED,
        Cause.GONE,
        Severity.ERROR,
        "no process of it runs",
        (),
        None,
        None,
        None,
        none,
        none,
    )
    return app._replace(
        server=app.server._replace(generations=()), state=Diagnosis.UNDECIDED, findings=(finding,)
    )

"""Carry out remedies, one app at a time, and look whether they have helped: collect again, judge again.

Nothing is changed here: each step is handed to the host (`act`), which holds a lock and the processes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial

from envcheck import waiting
from envcheck.aftermath import Aftermath, Eyes, Wishes
from envcheck.errors import HostError
from envcheck.escaping import command, escape
from envcheck.hosts import ActingHost, Answer
from envcheck.judge import permission, verdict
from envcheck.judge.discretion import masking
from envcheck.model import (
    AppReport,
    Outcome,
    Report,
    Result,
    Server,
    Severity,
    Snapshot,
    Taken,
)
from envcheck.waiting import Patience

Tell = Callable[[str], None]

NEXT = "the restart of another app {} before"
UNMATCHED = "not all that is meant was found"
CHANGED = "it has changed since the plan was made: look again"
REFUSALS = {
    "exited": CHANGED,
    "changed": CHANGED,
    "denied": "not allowed to signal it: run envcheck as root, or as the user of the server",
}


def decide(report: Report, snapshot: Snapshot, fail_on: Severity) -> Report:
    """Note for each app why nothing is to be tried; where there is no outcome, the steps may be run."""
    [host] = report.hosts
    apps = (app._replace(outcome=permission.decided(app, snapshot, fail_on)) for app in host.apps)
    return concluded(report, tuple(apps))


def concluded(report: Report, apps: tuple[AppReport, ...]) -> Report:
    """Put the exit status of the first app that did not end well on the whole."""
    [host] = report.hosts
    statuses = (app.outcome.exit_code for app in apps if app.outcome)
    code = next((s for s in statuses if s), verdict.OK if apps else report.exit_code)
    return report._replace(hosts=(host._replace(apps=apps),), exit_code=code)


def carry_out(report: Report, host: ActingHost, eyes: Eyes, wishes: Wishes, tell: Tell) -> Report:
    """Carry out what `decide` has let pass, app by app; stop where one does not end well."""
    apps: list[AppReport] = []
    stopped = ""
    done: list[Restart] = []
    for app in report.hosts[0].apps:
        restart = Restart(app, host, eyes, wishes, tell)
        if app.outcome is None and (before := next((r for r in done if r.did(app)), None)):
            apps.append(restart.along_with(before))
        elif app.outcome is None and stopped:
            apps.append(not_tried(app, NEXT.format(stopped)))
            continue
        else:
            apps.append(app if app.outcome else restart.run())
            done.append(restart)
        outcome = apps[-1].outcome
        if outcome and outcome.exit_code and not stopped:
            stopped = how_it_ended(outcome.result)
    return concluded(report, tuple(apps))


def not_tried(app: AppReport, why: str) -> AppReport:
    return app._replace(outcome=Outcome(Result.NOT_TRIED, verdict.OK, not_done=app.remedy.steps, why=why))


def held_back(report: Report) -> Report:
    """Say of each app that it is not tried: what else is named does not run. The exit status stays."""
    hosts = (host._replace(apps=tuple(not_tried(a, UNMATCHED) for a in host.apps)) for host in report.hosts)
    return report._replace(hosts=tuple(hosts))


def how_it_ended(result: Result) -> str:
    """Say of one that did not end well what it did."""
    return {Result.INTERRUPTED: "was interrupted", Result.REFUSED: "was refused"}.get(result, "has failed")


class Restart:
    """The restart of one app; it lives as long as that takes."""

    def __init__(self, app: AppReport, host: ActingHost, eyes: Eyes, wishes: Wishes, tell: Tell) -> None:
        self.app, self.host, self.eyes, self.wishes, self.tell = app, host, eyes, wishes, tell
        self.end = time.monotonic() + wishes.seconds
        self.after = Aftermath(app, eyes, wishes, self.end)
        self.mask = masking(app)
        self.taken: list[Taken] = []
        self.lock = ""
        self.before: Snapshot | None = None  # what ran when the first step was taken

    def did(self, app: AppReport) -> bool:
        """Tell whether its steps were all that is to be done for another app too."""
        ok = {t.step.argv for t in self.taken if t.status == "ok"}
        return bool(app.remedy.steps) and {s.argv for s in app.remedy.steps} <= ok

    def along_with(self, other: Restart) -> AppReport:
        """Look whether the steps of another app, which were those of this one as well, have helped it."""
        server = permission.found(other.before, self.app) if other.before else None
        if other.before is None or server is None:
            return self._refuse(CHANGED)
        self.lock = lock_name(server)
        steps = {s.argv for s in self.app.remedy.steps}
        self.taken = [t for t in other.taken if t.step.argv in steps]
        try:
            return self._verified(other.before, server)
        except SystemExit as leaving:
            return self._conclude(Result.INTERRUPTED, leaving.code, self._where("interrupted"))
        except HostError as lost:
            why = f"{self._where('the host was lost')}: {_told(lost)}"
            return self._conclude(Result.FAILED, verdict.NOT_VERIFIED, why)

    def run(self) -> AppReport:
        """Do it, whatever comes between: a signal ends it early, and it is told where."""
        try:
            snapshot = self.eyes.collect()
            server = permission.found(snapshot, self.app)
            if server is None:
                return self._refuse(CHANGED)
            self.lock = lock_name(server)
            steps = self.app.remedy.steps
            processes = permission.identities(server, steps, snapshot)
            answer = self._act(
                "begin",
                processes=[{"pid": p.pid, "start": p.ticks, "image": p.image} for p in processes],
                signals=list(permission.signalled(steps)),
            )
            if answer["status"] != "ok":
                return self._refuse(_refusal(answer))
        except SystemExit as leaving:  # raised by the handler of a signal
            return self._conclude(Result.INTERRUPTED, leaving.code, "interrupted before the first step")
        except HostError as lost:
            return self._refuse(_told(lost))
        try:
            return self._held()
        except SystemExit as leaving:
            return self._conclude(Result.INTERRUPTED, leaving.code, self._where("interrupted"))
        except HostError as lost:
            if not self.taken:
                return self._refuse(_told(lost))
            why = f"{self._where('the host was lost')}: {_told(lost)}"
            return self._conclude(Result.FAILED, verdict.NOT_VERIFIED, why)
        finally:
            self._act("end")

    def _act(self, what: str, **given: object) -> Answer:
        return self.host.act({"do": what, "lock": self.lock, **given})

    def _held(self) -> AppReport:
        """Go on under the lock: what is seen now stays as it is."""
        snapshot = self.eyes.collect()
        server = permission.found(snapshot, self.app)
        if server is None:
            return self._refuse(CHANGED)
        fresh = self.eyes.judge(snapshot, server, self.app.name)
        outcome = permission.decided(fresh, snapshot, self.wishes.fail_on)
        if outcome is not None:
            return fresh._replace(outcome=outcome)
        if [s.argv for s in fresh.remedy.steps] != [s.argv for s in self.app.remedy.steps]:
            return self._refuse(CHANGED)
        doomed = permission.doomed(self.app.remedy.action, server)
        watch = self.host.watch([p.pid for p in doomed])
        self.before = snapshot
        failed = self._steps()
        if failed is not None:
            return self._conclude(Result.FAILED, verdict.NOT_VERIFIED, failed)
        watch(self.end - time.monotonic())
        return self._verified(snapshot, server)

    def _verified(self, snapshot: Snapshot, server: Server) -> AppReport:
        """Look until it has helped; *snapshot* and *server*: what was there before."""
        look = partial(self.after.look, snapshot, server)
        patience = Patience(max(0.0, self.end - time.monotonic()), self.wishes.stable, waiting.BRISK)
        last, wrong = waiting.wait(look, patience, lambda text: self.tell(escape(text)))
        [app] = last.report.hosts[0].apps
        if wrong:
            return self._conclude(Result.NOT_VERIFIED, verdict.NOT_VERIFIED, escape(wrong), app)
        return app._replace(
            outcome=Outcome(
                Result.DONE, verdict.OK, tuple(self.taken), verified=True, why=self.after.proof(app)
            )
        )

    def _steps(self) -> str | None:
        """Run the steps; say which one has failed, None: none."""
        steps = self.app.remedy.steps
        for number, step in enumerate(steps, 1):
            self.tell(f"step {number} of {len(steps)}: {command(step.argv)}")
            begun = time.monotonic()
            try:
                answer = self._act("step", argv=list(step.argv), timeout=max(0.0, self.end - begun))
            except (SystemExit, HostError):
                self.taken.append(Taken(step, "interrupted", None, time.monotonic() - begun))
                raise
            said = self._last_line(answer.get("output") or b"") or escape(answer["detail"])[:LONGEST]
            seconds = answer.get("seconds", time.monotonic() - begun)
            taken = Taken(step, answer["status"], answer.get("code"), seconds, said)
            self.taken.append(taken)
            if taken.status != "ok":
                return f"step {number} of {len(steps)} has failed: {_how(taken)}"
        return None

    def _where(self, what: str) -> str:
        steps = len(self.app.remedy.steps)
        done = sum(t.status == "ok" for t in self.taken)
        if done == steps:
            return f"{what} after the last step: what came of it was not awaited"
        place = "in" if len(self.taken) > done else "before"
        return f"{what} {place} step {done + 1} of {steps}"

    def _refuse(self, why: str) -> AppReport:
        return self.app._replace(outcome=permission.refused(why, self.app.remedy.steps))

    def _conclude(self, result: Result, code: object, why: str, app: AppReport | None = None) -> AppReport:
        """End with what did not go well; look what there is now, if nobody has."""
        if app is None:
            app = self._now()
        not_done = self.app.remedy.steps[len(self.taken) :]
        way_back = permission.way_back(app, self.taken, not_done) if self.taken else ""
        status = code if isinstance(code, int) else verdict.NOT_VERIFIED
        outcome = Outcome(result, status, tuple(self.taken), not_done, why=why, way_back=way_back)
        return app._replace(outcome=outcome)

    def _now(self) -> AppReport:
        if not self.taken:
            return self.app
        try:
            snapshot = self.eyes.collect()
        except HostError:
            return self.app
        server = permission.found(snapshot, self.app)
        if server is None:
            name = self.lock
            same = [s for s in snapshot.servers if lock_name(s) == name]
            return self.after.judged(snapshot, same)
        return self.after.judged(snapshot, [server])

    def _last_line(self, output: bytes) -> str:
        """Give the last line of what a command has printed, without the secrets of the app."""
        lines = [line for line in output.decode("utf-8", "surrogateescape").splitlines() if line.strip()]
        text = lines[-1].strip() if lines else ""
        return escape(self.mask(text) if self.mask else text)[:LONGEST]


LONGEST = 200  # characters of a line of somebody else's


def lock_name(server: Server) -> str:
    """Give a name of letters and digits that is the same before and after a restart."""
    text = repr(permission.key(server)).encode("utf-8", "surrogateescape")
    return f"{server.kind}-{hashlib.sha256(text).hexdigest()[:24]}"


def _refusal(answer: Answer) -> str:
    status, detail = answer["status"], answer["detail"]
    if status == "locked":
        return f"another envcheck restarts it{f' (process {detail})' if detail else ''}"
    return REFUSALS.get(status) or escape(str(detail))


def _told(lost: HostError) -> str:
    return escape(f"{lost.phase}: {lost}")


def _how(taken: Taken) -> str:
    if taken.status == "failed":
        told = f": {taken.said}" if taken.said else ""
        return f"exit status {taken.code}{told}"
    if taken.status == "timeout":
        return f"it has not ended after {taken.seconds:.0f} s; a supervisor may still be at what it was told"
    return taken.said or taken.status

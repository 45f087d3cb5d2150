"""What is told of an app whose steps were taken for another one, where it could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import build

from envcheck import spec as specs
from envcheck.aftermath import Eyes, Wishes
from envcheck.errors import HostError
from envcheck.hosts.local import Local
from envcheck.judge import judge
from envcheck.model import AppReport, Server, Snapshot, Step, Taken
from envcheck.restarting import Restart

SPEC = b"apps: {shop: {match: {cwd: /srv/shop}, env: {COLOUR: red}}}"
STEP = Step(("supervisorctl", "update", "both"), "")


def seen(first: int) -> Snapshot:
    return build.snapshot(build.gunicorn(first), build.gunicorn(first + 1, first))


def report(snapshot: Snapshot) -> AppReport:
    return judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], build.OPEN).hosts[0].apps[0]


def test_a_host_that_is_lost_after_the_steps_of_another_app() -> None:
    """It is looked for under its new pids: that it does not run any more would be untrue."""
    before, after = seen(10), seen(20)
    looks: Iterator[HostError | Snapshot] = iter([HostError("closed", "waiting", "it is gone"), after])

    def collect() -> Snapshot:
        look = next(looks)
        if isinstance(look, HostError):
            raise look
        return look

    def again(snapshot: Snapshot, _server: Server, _name: str) -> AppReport:
        return report(snapshot)

    app = report(before)
    app = app._replace(remedy=app.remedy._replace(steps=(STEP,)))
    one, two = (Restart(app, Local(), Eyes(collect, again), Wishes(5, 0), lambda _: None) for _ in range(2))
    one.before, one.taken = before, [Taken(STEP, "ok", 0, 0.1)]

    assert one.did(app)
    told = two.along_with(one)

    assert told.outcome is not None
    assert (told.outcome.exit_code, told.outcome.steps) == (4, tuple(one.taken))
    assert [p.pid for p in told.server.processes] == [20, 21]

"""When a remedy may be carried out, and what is said where it was not to the end."""

from __future__ import annotations

from typing import Any

import build
import pytest

from envcheck import spec as specs
from envcheck.judge import judge, permission
from envcheck.model import (
    AppReport,
    HostReport,
    Outcome,
    Process,
    Report,
    Result,
    Server,
    Severity,
    Snapshot,
    Step,
    Taken,
)
from envcheck.report import restart as plan
from envcheck.secrecy import Policy

SPEC = b"apps: {shop: {match: {cwd: /srv/shop}, sources: [{envdir: /etc/shop}], env: {AWS_REGION: ~}}}"
OLD, NEW = {"AWS_REGION": "eu-west-1"}, {"AWS_REGION": "eu-west-2"}


def look(
    *processes: Process, configured: str | None = "eu-west-2", uid: int = 0
) -> tuple[AppReport, Snapshot]:
    files = {"AWS_REGION": (configured, build.NOW)} if configured else {}
    snapshot = build.snapshot(*processes, files={"/etc/shop": build.folder(build.NOW, **files)})
    snapshot = snapshot._replace(uid=uid)
    report = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], Policy(bytes(32)))
    [app] = report.hosts[0].apps
    return app, snapshot


def master(pid: int = 10, **given: Any) -> Process:
    return build.gunicorn(pid, at_exec=given.pop("has", OLD), ticks=pid, **given)


def worker(pid: int = 11, parent: int = 10, **given: Any) -> Process:
    return build.gunicorn(pid, parent, at_exec=given.pop("has", OLD), ticks=pid, **given)


def decide(*processes: Process, **given: Any) -> tuple[str, int, str]:
    app, snapshot = look(*processes, **given)
    outcome = permission.decided(app, snapshot, Severity.ERROR)
    return (outcome.result, outcome.exit_code, outcome.why) if outcome else ("go", 0, "")


def test_what_is_stale_may_be_restarted() -> None:
    assert decide(master(), worker()) == ("go", 0, "")


def test_nothing_to_do() -> None:
    assert decide(master(has=NEW), worker(has=NEW))[:2] == (Result.NOTHING_TO_DO, 0)


def test_a_configuration_that_lacks_what_is_required() -> None:
    would_be_lost = decide(master(), worker(), configured=None)
    missing = decide(master(has={}), worker(has={}), configured=None)

    assert would_be_lost[:2] == missing[:2] == (Result.REFUSED, 5)
    assert "AWS_REGION" in missing[2]


def test_another_upgrade_is_in_progress() -> None:
    upgrading = decide(master(), worker(), master(20, parent=10, caught=build.GUNICORN_MASTER, image="two"))

    assert upgrading[:2] == (Result.REFUSED, 5)
    assert "upgrade is in progress" in upgrading[2]


def test_a_half_done_upgrade_may_be_finished() -> None:
    half = (master(has=NEW), worker(has=NEW))
    new = master(20, parent=10, caught=build.GUNICORN_MASTER, image="two", has=NEW)

    assert decide(*half, new, worker(21, 20, image="two", has=NEW)) == ("go", 0, "")


def test_a_master_that_was_told_to_replace_itself() -> None:
    old = build.unicorn(
        10, "unicorn master (old) -c /srv/unicorn.rb", at_exec=OLD, caught=build.UNICORN_MASTER
    )

    assert decide(old)[:2] == (Result.REFUSED, 5)


def test_without_rights() -> None:
    assert decide(master(), worker(), uid=1001)[:2] == (Result.REFUSED, 5)
    assert decide(master(), worker(), uid=1000)[0] == "go"
    denied = decide(master(has="denied"), worker(has="denied"), uid=1001)
    assert denied[:2] == (Result.REFUSED, 5)
    assert "as root" in denied[2]


def test_steps_that_are_not_complete() -> None:
    app, snapshot = look(master(), worker())
    steps = tuple(s._replace(runnable=False) for s in app.remedy.steps)
    app = app._replace(remedy=app.remedy._replace(steps=steps, sufficient=False))
    outcome = permission.decided(app, snapshot, Severity.ERROR)

    assert outcome is not None
    assert (outcome.result, outcome.why) == (Result.REFUSED, permission.INCOMPLETE)


def test_what_is_held_and_what_has_to_go() -> None:
    app, snapshot = look(master(), worker(), worker(12))

    assert [p.pid for p in permission.identities(app.server, app.remedy.steps, snapshot)] == [10]
    assert [p.pid for p in permission.doomed(app.remedy.action, app.server)] == [10, 11, 12]
    assert list(permission.signalled(app.remedy.steps)) == [10]


def test_found_by_pid_and_start_and_known_by_what_stays() -> None:
    app, snapshot = look(master(), worker())
    later = build.snapshot(master()._replace(ticks=77), worker()._replace(ticks=78))
    [before], [after] = snapshot.servers, later.servers

    assert permission.found(snapshot, app) == before
    assert permission.found(later, app) is None
    assert permission.key(before) == permission.key(after)
    assert permission.key(before) != permission.key(other_folder())


def other_folder() -> Server:
    [server] = build.snapshot(master(cwd="/srv/other"), worker(cwd="/srv/other")).servers
    return server


MEND = "mend what has failed, then run in this order:"
STEPS = (Step(("kill", "-TERM", "10"), ""), Step(("start", "the shop"), ""))


@pytest.mark.parametrize(
    ("statuses", "after", "way"),
    [
        ("failed", "runs", "no step was done, and the server runs: mend what has failed, then try again"),
        ("ok failed", "gone", f"it does not run: {MEND} start 'the shop'"),
        ("failed", "gone", f"it does not run: {MEND} kill -TERM 10; start 'the shop'"),
        ("ok interrupted", "runs", "run in this order: start 'the shop'"),
        ("ok ok", "gone", "it does not run: its log tells why; mend that, then: start 'the shop'"),
        ("ok ok", "runs", "its log tells why; mend that, then look again"),
    ],
)
def test_the_way_back(statuses: str, after: str, way: str) -> None:
    app, _ = look(master(), worker())
    if after == "gone":
        app = app._replace(server=app.server._replace(generations=()))
    taken = [Taken(step, status, None, 0.0) for step, status in zip(STEPS, statuses.split(), strict=False)]

    assert permission.way_back(app, taken, STEPS[len(taken) :]) == way


def test_a_way_back_is_shown_as_it_can_be_pasted() -> None:
    """Backslashes, as in the name of a unit, are spelled once."""
    app, _ = look(master(), worker())
    step = Step(("systemctl", "restart", r"web\x20app.service"), "")
    failed = Taken(step, "failed", 1, 0.0)
    way = permission.way_back(app._replace(server=app.server._replace(generations=())), [failed], [])
    outcome = Outcome(Result.FAILED, 4, (failed,), why="it failed", way_back=way)
    host = HostReport("localhost", "ok", (), (app._replace(outcome=outcome),))

    lines = plan.render(Report((host,), 4)).splitlines()

    assert lines[-1].endswith(r"systemctl restart $'web\\x20app.service'")
    assert next(line for line in lines if line.strip().startswith("failed")).endswith(
        r"systemctl restart $'web\\x20app.service' (exit status 1)"
    )

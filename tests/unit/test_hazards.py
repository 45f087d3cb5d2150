"""What a restart brings besides what it is for, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import build
import pytest

from envcheck import spec as specs
from envcheck.judge import judge
from envcheck.model import AppReport, FileFacts, Process, Snapshot

SPEC = b"""
apps:
  shop:
    match: {server: any, cwd: /srv/shop}
    sources: [{envdir: /etc/common}]
    env: {REGION: ~}
    options: {ignore: [SIZE]}
  desk:
    match: {server: any, cwd: /srv/desk}
    sources: [{envdir: SOURCE}]
    env: {REGION: ~}
"""


def server(pid: int, name: str, **env: str) -> tuple[Process, Process]:
    given: dict[str, Any] = {"cwd": f"/srv/{name}", "image": name, "at_exec": env}
    return build.gunicorn(pid, 1, **given), build.gunicorn(pid + 1, pid, **given)


def seen(desk: str, size: str = "large") -> Snapshot:
    values = build.folder(build.NOW - 10, REGION=("new", build.NOW - 10), SIZE=size)
    files: dict[str, FileFacts] = {"/etc/common": values, "/etc/own": values}
    return build.snapshot(
        *server(10, "shop", REGION="old", SIZE="large"),
        *server(20, "desk", REGION=desk, SIZE=size),
        files=files,
    )


def judged(snapshot: Snapshot, source: str, targets: Sequence[str] = ()) -> AppReport:
    spec = specs.load(SPEC.replace(b"SOURCE", source.encode()), "/spec.yaml")
    apps = judge(snapshot, spec, targets, build.OPEN).hosts[0].apps
    return next(app for app in apps if app.name == "shop")


def told(app: AppReport, cause: str) -> list[str]:
    return [f"{h.variable}: {h.message}" for h in app.remedy.hazards if h.cause == cause]


@pytest.mark.parametrize("targets", [(), ("shop",)])
def test_who_uses_the_same_source_and_is_stale_too_is_named(targets: Sequence[str]) -> None:
    app = judged(seen(desk="old"), "/etc/common", targets)
    [message] = told(app, "sibling")
    assert "desk (gunicorn 20) uses the same source" in message
    assert "/etc/common" in message


@pytest.mark.parametrize(("desk", "source"), [("new", "/etc/common"), ("old", "/etc/own")])
def test_who_has_taken_it_in_or_uses_another_source_is_no_sibling(desk: str, source: str) -> None:
    assert not told(judged(seen(desk), source), "sibling")


def test_what_a_restart_changes_although_nobody_asked_for_it_is_told() -> None:
    app = judged(seen(desk="new", size="small"), "/etc/common")
    [message] = told(app, "will-change")
    assert message.startswith("SIZE: ")


def test_what_stays_as_it_is_does_not_change() -> None:
    assert not told(judged(seen(desk="new"), "/etc/common"), "will-change")


@pytest.mark.parametrize(
    ("arguments", "message"), [("-w 3", ""), ("-w 2", "runs 3 workers, and starts with 2")]
)
def test_another_number_of_workers_than_is_configured(arguments: str, message: str) -> None:
    given: dict[str, Any] = {"cwd": "/srv/shop", "at_exec": {"REGION": "old"}}
    argv = (*arguments.split(), "app:app")
    workers = [build.gunicorn(pid, 10, *argv, **given) for pid in (11, 12, 13)]
    folder = build.folder(build.NOW - 10, REGION=("new", build.NOW - 10))
    files: dict[str, FileFacts] = {"/etc/common": folder, "/etc/own": folder}
    snapshot = build.snapshot(build.gunicorn(10, 1, *argv, **given), *workers, files=files)
    [app, *_] = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], build.OPEN).hosts[0].apps
    told = [h.message for h in app.remedy.hazards if h.cause == "worker-count"]
    assert [message in t for t in told] == ([True] if message else [])


def test_how_many_workers_there_will_be_is_not_known_where_a_title_hides_the_arguments() -> None:
    given: dict[str, Any] = {"cwd": "/srv/shop", "at_exec": {"REGION": "old"}}
    master = build.gunicorn(10, 1, **given)._replace(argv=("gunicorn: master [app:app]",))
    workers = [build.gunicorn(pid, 10, **given) for pid in (11, 12, 13)]
    folder = build.folder(build.NOW - 10, REGION=("new", build.NOW - 10))
    files = {"/etc/common": folder, "/srv/shop/gunicorn.conf.py": FileFacts("missing")}
    snapshot = build.snapshot(master, *workers, files=files)
    [app, *_] = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], build.OPEN).hosts[0].apps
    assert app.remedy.steps
    assert not told(app, "worker-count")

"""What a version manager or a session exports is a leak where all is known that a supervisor hands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import build
import pytest

from envcheck.judge import judge
from envcheck.model import Answers, AppReport, Cause, Diagnosis, FileFacts
from envcheck.supervisors.ownership import owned

RUN = FileFacts("ok", b"#!/bin/sh\nexec unicorn -c x\n", 1.0, 0o755)


def found(name: str, run: FileFacts = RUN, **given: Any) -> dict[str | None, Cause | None]:
    [app] = judged({"PATH": given.pop("path", "/bin"), name: "1.9.3"}, run, **given)
    return {f.variable: f.cause for f in app.findings if f.wrong}


def judged(env: dict[str, str], run: FileFacts, **given: Any) -> Sequence[AppReport]:
    watcher = build.process(4, ("runsv", "shop"), comm="runsv", cwd="/s", at_exec={"PATH": "/bin"})
    master = build.unicorn(5, "unicorn master -c x", 4, at_exec=env)._replace(**given)
    seen = build.snapshot(master)
    servers = tuple(owned(s, {4: watcher, 5: master}) for s in seen.servers)
    seen = seen._replace(servers=servers, answers=Answers(files={"/s/run": run}))
    return judge(seen, None, (), build.OPEN).hosts[0].apps


@pytest.mark.parametrize(
    "name", ["RBENV_VERSION", "SSH_CLIENT", "SUDO_USER", "FACTER_x", "GUNICORN_CMD_ARGS"]
)
def test_leaked(name: str) -> None:
    assert found(name) == {name: Cause.LEAKED}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("RBENV_VERSION", {"exe": "/usr/lib/rbenv/versions/2.7/bin/ruby"}),
        ("RBENV_VERSION", {"path": "/root/.rbenv/versions/2.7/bin:/bin"}),
        ("BUNDLE_GEMFILE", {}),
        ("HOME", {}),
        ("GUNICORN_FD", {}),
        ("LC_CTYPE", {}),
    ],
)
def test_set_by_what_runs_it(name: str, given: dict[str, Any]) -> None:
    assert found(name, **given) == {}


def test_where_the_chain_is_not_known_nothing_is_said() -> None:
    assert found("RBENV_VERSION", FileFacts("ok", b"#!/bin/sh\neval x\nexec unicorn\n", 1.0, 0o755)) == {}


@pytest.mark.parametrize(("changed", "told"), [(1.0, None), (build.NOW, Diagnosis.UNPROVEN)])
def test_what_only_running_a_changed_script_could_tell(changed: float, told: Diagnosis | None) -> None:
    """As long as the script is the one that was run, its condition is taken to be what it was."""
    run = FileFacts("ok", b"#!/bin/sh\n[ -e x ] || export A=1\nexec unicorn -c x\n", changed, 0o755)
    [app] = judged({"PATH": "/bin", "A": "1"}, run)
    about = {f.variable: f.diagnosis for f in app.findings if f.diagnosis is Diagnosis.UNPROVEN}
    assert about == ({None: told} if told else {})

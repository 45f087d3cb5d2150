"""What a pid file tells of a reload that came to nothing, and what several looks at the workers do."""

from __future__ import annotations

import build
import pytest

from envcheck.judge import judge
from envcheck.model import Cause, FileFacts, Snapshot

START = build.NOW - 1000


def causes(snapshot: Snapshot) -> set[str]:
    [app] = judge(snapshot, None, [], build.OPEN).hosts[0].apps
    return {str(f.cause) for f in app.findings if f.variable is None and f.cause}


def unicorn(**files: FileFacts) -> Snapshot:
    arguments = "-D -P /run/app.pid"
    return build.snapshot(
        build.unicorn(10, f"unicorn master {arguments}", started=START),
        build.unicorn(11, f"unicorn worker[0] {arguments}", 10, started=START + 5),
        files={f"/run/{name.replace('_', '.')}": facts for name, facts in files.items()},
    )


def gunicorn(held: bytes, changed: float) -> Snapshot:
    own, new = FileFacts("ok", b"10\n", START), FileFacts("ok", held, changed)
    return build.snapshot(
        build.gunicorn(10, 1, "-p", "/run/app.pid", "app:app", started=START),
        build.gunicorn(11, 10, "-p", "/run/app.pid", "app:app", started=START + 5),
        files={"/run/app.pid": own, "/run/app.pid.2": new},
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (FileFacts("ok", b"10\n", START + 60), {"reload-refused"}),
        (FileFacts("ok", b"10\n", START + 1), set[str]()),  # before the first worker: as at every start
        (FileFacts("ok", b"12\n", START + 60), set[str]()),  # of another master
        (FileFacts("ok", b"ten\n", START + 60), set[str]()),
        (FileFacts("missing"), set[str]()),
        (FileFacts("denied"), set[str]()),
    ],
)
def test_unicorn_moves_its_pid_file_away_and_back(facts: FileFacts, expected: set[str]) -> None:
    assert causes(unicorn(app_pid=facts)) == expected


@pytest.mark.parametrize(
    ("held", "changed", "expected"),
    [
        (b"99\n", START + 60, {"reload-refused"}),
        (b"10\n", START + 60, set[str]()),  # its own: it was exec'd itself
        (b"99\n", START - 60, set[str]()),  # left over from before it was started
        (b"", START + 60, set[str]()),
    ],
)
def test_the_pid_file_of_a_new_gunicorn_outlives_it(held: bytes, changed: float, expected: set[str]) -> None:
    assert causes(gunicorn(held, changed)) == expected


def test_workers_that_are_others_at_every_look() -> None:
    assert causes(unicorn()._replace(looping=(10,))) == {"crash-loop"}
    assert causes(unicorn()._replace(looping=(12,))) == set()


@pytest.mark.parametrize(("states", "expected"), [("SS", ()), ("TS", (10,)), ("TT", (10, 11)), ("tS", ())])
def test_processes_that_are_stopped(states: str, expected: tuple[int, ...]) -> None:
    """Not those that are only traced: a debugger lets them go on."""
    snapshot = build.snapshot(build.gunicorn(10, state=states[0]), build.gunicorn(11, 10, state=states[1]))
    [app] = judge(snapshot, None, [], build.OPEN).hosts[0].apps
    told = [f for f in app.findings if f.cause is Cause.STOPPED]
    assert [f.pids for f in told] == ([expected] if expected else [])
    pids = " ".join(map(str, expected))
    assert (f"kill -CONT {pids}" in app.remedy.note) == bool(expected)

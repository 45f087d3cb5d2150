"""`why` of a variable that no finding is about: what could not be looked for is never called missing."""

from __future__ import annotations

import build

from envcheck import spec as specs
from envcheck.judge import judge
from envcheck.judge.story import story
from envcheck.model import FileFacts, Process
from envcheck.report import why
from envcheck.secrecy import Policy

SPEC = b"""
apps:
  shop:
    match: {cwd: /srv/shop}
    sources: [{file: /etc/default/shop, dialect: systemd}]
"""
HIDING = Policy(key=bytes(32))
HERE = FileFacts("ok", b"COLOUR=red\nexport SIZE=9\n")


def told(name: str, process: Process, file: FileFacts = HERE) -> list[str]:
    snapshot = build.snapshot(process, files={"/etc/default/shop": file})
    [app] = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], HIDING).hosts[0].apps
    return why.as_text(story(name, app, (), {}, snapshot), 300).splitlines()


def test_what_could_not_be_read_is_not_nowhere() -> None:
    closed = build.gunicorn(10, at_exec="denied", live="denied")

    for name in ("COLOUR", "NOWHERE"):
        lines = told(name, closed)
        assert "could not be told, 1 of 1 processes could not be read" in lines[0]
        assert lines[-1].startswith("do: run envcheck as root")


def test_a_source_that_could_not_be_read_is_named() -> None:
    lines = told("COLOUR", build.gunicorn(10, at_exec={"A": "1"}), FileFacts("denied"))

    assert "nowhere, as far as its sources could be read" in lines[0]
    assert any(line.startswith("not read: /etc/default/shop: ") for line in lines)
    assert lines[-1].startswith("do: let envcheck read")


def test_a_line_that_is_dropped_is_named() -> None:
    lines = told("SIZE", build.gunicorn(10, at_exec={"COLOUR": "red"}))

    assert "nowhere" in lines[0]
    assert any("/etc/default/shop:2 looks as if it set it" in line for line in lines)
    assert lines[-1].startswith("do: set it in one of /etc/default/shop, then see")


def test_a_restart_that_would_not_come_up_is_no_advice() -> None:
    process = build.gunicorn(10, 1, "-c", "g.py", "app:app", at_exec={"COLOUR": "blue"})
    files = {"/etc/default/shop": HERE, "/srv/shop/g.py": FileFacts("missing")}
    snapshot = build.snapshot(process, files=files)
    [app] = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], HIDING).hosts[0].apps
    lines = why.as_text(story("COLOUR", app, (), {}, snapshot), 300).splitlines()

    assert "stale" in lines[0]
    assert lines[-1] == "do: mend this first: a restart would not come up: there is no /srv/shop/g.py"


def test_what_only_the_process_has_may_be_lost() -> None:
    lines = told("LANG", build.gunicorn(10, at_exec={"COLOUR": "red", "LANG": "C"}))

    assert "only in the process" in lines[0]
    assert lines[-1].startswith("do: set it in one of /etc/default/shop, if it is needed")


def test_what_servers_do_not_see_counts_only_where_they_lack_it() -> None:
    snapshot = build.snapshot(build.gunicorn(10, at_exec={"LANG": "C"}), files={"/etc/default/shop": HERE})
    [app] = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], HIDING).hosts[0].apps
    shell = {"your shell": ["LANG", "EDITOR"]}

    assert story("LANG", app, (), shell, snapshot).hints == ()
    assert story("EDITOR", app, (), shell, snapshot).hints == (
        "your shell sets it, but servers do not see that",
    )


def test_what_is_right_asks_for_nothing() -> None:
    lines = told("COLOUR", build.gunicorn(10, at_exec={"COLOUR": "red"}))

    assert "as it should be" in lines[0]
    assert not any(line.startswith("do:") for line in lines)


def test_what_only_running_could_tell_has_no_value() -> None:
    closed = build.folder(build.NOW, COLOUR="red")
    closed = closed._replace(entries={"COLOUR": FileFacts("denied")})
    spec = b"apps:\n  shop:\n    match: {cwd: /srv/shop}\n    sources: [{envdir: /etc/shop}]\n"
    snapshot = build.snapshot(build.gunicorn(10, at_exec={"COLOUR": "red"}), files={"/etc/shop": closed})
    [app] = judge(snapshot, specs.load(spec, "/spec.yaml"), [], HIDING).hosts[0].apps
    told = story("COLOUR", app, (), {}, snapshot)

    assert "  > /etc/shop/COLOUR:1: <dynamic>" in why.as_text(told, 300).splitlines()
    assert [place["value"] for place in why.as_json(told)["places"]] == [{"dynamic": True}]


def test_workers_that_are_alike_are_told_once() -> None:
    has = {"COLOUR": "red"}
    workers = [build.gunicorn(20 + i, 10, at_exec=has) for i in range(50)]
    odd = build.gunicorn(99, 10, at_exec={"COLOUR": "blue"})
    snapshot = build.snapshot(
        build.gunicorn(10, at_exec=has), *workers, odd, files={"/etc/default/shop": HERE}
    )
    [app] = judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], HIDING).hosts[0].apps
    lines = why.as_text(story("COLOUR", app, (), {}, snapshot), 300).splitlines()

    running = lines[lines.index("running:") + 1 : lines.index("timeline:") - 1]
    assert [line.partition(":")[0] for line in running] == [
        "  current master 10",
        "  current 50 workers 20, 21, 22, 23, 24, 25, 26, 27, ...",
        "  current worker 99",
    ]


def test_a_file_of_a_folder_that_could_not_be_read_leaves_open_what_it_sets_alone() -> None:
    spec = specs.load(
        SPEC.replace(b"{file: /etc/default/shop, dialect: systemd}", b"{envdir: /e}"), "/s.yaml"
    )
    folder = build.folder(1.0, COLOUR="red\n")
    folder = folder._replace(entries={**folder.entries, "PRIV": FileFacts("denied")})
    process = build.gunicorn(10, at_exec={"COLOUR": "blue", "PRIV": "x"})
    snapshot = build.snapshot(process, files={"/e": folder})
    host = judge(snapshot, spec, [], HIDING).hosts[0]
    [app] = host.apps

    assert [(gap.what, gap.why) for gap in host.gaps] == [("/e/PRIV", "not allowed to read it")]
    assert {f.variable: str(f.diagnosis) for f in app.findings} == {"COLOUR": "stale", None: "unproven"}
    lines = why.as_text(story("PRIV", app, (), {}, snapshot), 300).splitlines()
    assert "could not be compared: what /e/PRIV:1 gives is not known" in lines[0]
    assert "not read: /e/PRIV: not allowed to read it" in lines

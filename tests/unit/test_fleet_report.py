"""The report over many hosts: what is wrong first, each outcome once, what to do last, one screen for 300."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import build
import jsonschema
import pytest

from envcheck import spec as specs
from envcheck.judge import judge
from envcheck.judge.differences import differences
from envcheck.judge.verdict import exit_code
from envcheck.model import Gap, HostReport, Outcome, Report, Result, Severity, Step
from envcheck.report import format_named, restart, text
from envcheck.report.grouping import apps
from envcheck.secrecy import Policy

HIDING = Policy(key=bytes(32))
SPEC = b"""
apps:
  shop:
    match: {cwd: /srv/shop}
    sources: [{envdir: /etc/shop}]
    env: {AWS_REGION: ~, DATABASE_URL: {secret: true}}
"""
RIGHT = {"AWS_REGION": "eu-west-2", "DATABASE_URL": "postgres://one"}
UNREACHED = {
    "refused": Gap("connecting", "connection refused", "is sshd running there?"),
    "timed-out": Gap("waiting for the answer", "no answer within 5 s", "try --timeout 60s"),
    "no-ssh": Gap("connecting", "what answers there is no SSH server", "is the port right?"),
}


def host(
    name: str, env: Mapping[str, str], files: Mapping[str, Any] | None = None, pid: int = 10
) -> HostReport:
    snapshot = build.snapshot(
        build.gunicorn(pid, at_exec=dict(env)),
        build.gunicorn(pid + 1, pid, at_exec=dict(env)),
        files={"/etc/shop": build.folder(build.NOW, **(env if files is None else files))},
    )
    found = judge(snapshot._replace(host=name), specs.load(SPEC, "/spec.yaml"), [], HIDING)
    return found.hosts[0]


def good(name: str, **env: str) -> HostReport:
    return host(name, RIGHT | env)


def stale(name: str, pid: int = 10) -> HostReport:
    files = RIGHT | {"AWS_REGION": (RIGHT["AWS_REGION"], build.NOW)}
    return host(name, RIGHT | {"AWS_REGION": "eu-west-1"}, files, pid)


def misconfigured(name: str) -> HostReport:
    return host(name, {"AWS_REGION": "eu-west-2"})


def nothing(name: str) -> HostReport:
    found = judge(build.snapshot()._replace(host=name), specs.load(SPEC, "/spec.yaml"), [], HIDING)
    return found.hosts[0]


def unreached(name: str, status: str) -> HostReport:
    return HostReport(name, status, (UNREACHED[status],), ())


def report(*hosts: HostReport) -> Report:
    return Report(hosts, exit_code(hosts, Severity.ERROR), differences=differences(hosts))


def three_hundred() -> Report:
    names = [f"web-{i:03d}" for i in range(1, 301)]
    made = {
        **dict.fromkeys(names[5:295:10], "refused"),
        **dict.fromkeys(names[8:150:10], "timed-out"),
        **dict.fromkeys(names[159:300:10], "no-ssh"),
    }
    found = [unreached(name, made[name]) if name in made else good(name) for name in names]
    found[:4] = [stale(name, pid=100 + i) for i, name in enumerate(names[:4])]
    found[6] = misconfigured(names[6])
    found[10] = good(names[10], DATABASE_URL="postgres://other")
    return report(*found)


def lines(found: Report, width: int = 80) -> list[str]:
    return text.render(found, width=width).splitlines()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_three_hundred_hosts_are_one_screen(width: int) -> None:
    said = lines(three_hundred(), width)

    assert len(said) < (100 if width < 80 else 60)
    assert not [line for line in said if len(line) > width and not line.startswith("  ")]
    assert said[0].startswith("MISCONFIGURED: 1 of 300 hosts")
    assert said[-1].startswith("  setsid --fork")


def test_every_host_that_is_not_well_is_named() -> None:
    said = "\n".join(lines(three_hundred(), 200))

    assert "NOT REACHED: 29 hosts (refused, connecting: connection refused)" in said
    assert "web-006, web-016, web-026" in said
    assert "STALE: 4 hosts: shop" in said
    assert "web-[001:004]" in said
    assert "web-011 has another DATABASE_URL than 239 others" in said


def test_all_in_sync_is_one_line() -> None:
    said = lines(report(*(good(f"web-{i}") for i in range(18))))

    assert said == ["IN-SYNC: all 18 hosts have the environment they should have"]


def test_the_same_outcome_is_told_once_and_the_cause_with_it() -> None:
    said = lines(
        report(*(good(f"db-{i}") for i in range(212)), *(stale(f"web-{i}", 50 * i + 9) for i in range(6)))
    )

    assert said[0] == "STALE: 6 of 218 hosts, same cause (started-before-change); 212 in sync"
    assert sum(line.startswith("  AWS_REGION  stale") for line in said) == 1
    assert sum(line.startswith("  kill -TERM") for line in said) == 1


def test_outcomes_differ_by_variable_cause_and_remedy_but_not_by_pid() -> None:
    hosts = [stale("a", 10), stale("b", 70), misconfigured("c"), good("d"), good("e", X="x")]

    assert [(str(group.app.state), group.hosts) for group in apps(hosts)] == [
        ("misconfigured", ("c",)),
        ("stale", ("a", "b")),
        ("in-sync", ("d", "e")),
    ]


def test_the_plan_mends_first_and_restarts_one_after_another() -> None:
    said = lines(
        report(stale("web-1"), stale("web-2", 77), misconfigured("web-3"), unreached("web-4", "refused"))
    )
    plan = said[said.index("do, in this order:") :]

    assert plan[1].startswith("1. shop on web-3: mend the configuration first")
    assert any(line.startswith("2. mend what keeps 1 host from being reached") for line in plan)
    assert any(
        line.startswith("3. restart shop on web-1, web-2, one host after another, web-1") for line in plan
    )


def test_every_server_of_a_host_is_in_the_plan() -> None:
    """Two with the same command line differ in nothing but their pids: each has to be restarted."""
    pairs = [
        (stale("web-1"), stale("web-1", 20)),
        (stale("web-2", 30), stale("web-2", 40)),
        (stale("web-3", 50),),
    ]
    found = [of[0]._replace(apps=tuple(app for one in of for app in one.apps)) for of in pairs]
    said = lines(report(*found))

    assert said[0] == "STALE: 3 of 3 hosts, same cause (started-before-change)"
    assert [line.strip() for line in said if line.startswith("  kill ")] == ["kill -TERM 10", "kill -TERM 20"]
    assert any(line.startswith("1. restart shop on web-[1:3], one host after another") for line in said)
    assert any(line.startswith("2. restart shop on web-1, web-2, one host after another") for line in said)


def test_a_host_where_nothing_matches() -> None:
    found = report(good("web-1"), nothing("web-2"))

    assert found.exit_code == 2
    said = lines(found)
    assert said[0] == "NOTHING MATCHED: 1 of 2 hosts; 1 in sync"
    assert said[-1] == "do: see what does run where nothing matched: envcheck ps -H HOST"
    of_file = [host._replace(file="shop.ini") for host in found.hosts]
    assert " ".join(" ".join(lines(report(*of_file))).split()).endswith(
        "ps --hosts-file shop.ini --limit HOST"
    )


def test_no_value_is_told() -> None:
    assert "postgres" not in "\n".join(lines(three_hundred(), 200))


def test_json_holds_every_host_and_what_differs() -> None:
    document = json.loads(format_named("json").render(three_hundred()))
    schema = json.loads((Path(__file__).parent.parent / "contract" / "report.schema.json").read_text())

    jsonschema.validate(document, schema)
    assert document["summary"]["hosts"] == 300
    assert document["summary"]["not_reached"] == 59
    [difference] = document["differences"]
    assert difference["variable"] == "DATABASE_URL"
    assert difference["layers"] == ["configured", "running"]
    assert [len(group["hosts"]) for group in difference["groups"]] == [239, 1]
    assert difference["groups"][1]["hosts"] == ["web-011"]
    assert difference["groups"][1]["fingerprint"] != difference["groups"][0]["fingerprint"]


def test_jsonl_is_a_line_for_each_host() -> None:
    told = [json.loads(line) for line in format_named("jsonl").render(three_hundred()).splitlines()]

    assert [host["name"] for host in told] == [f"web-{i:03d}" for i in range(1, 301)]
    assert {host["schema"] for host in told} == {"envcheck.report/1"}
    assert {host["status"] for host in told} == {"ok", "refused", "timed-out", "no-ssh"}


def test_a_hostile_name_forges_no_line() -> None:
    bad = stale("web-1")
    app = bad.apps[0]._replace(name="x\nIN-SYNC: all\x1b[2J")
    gap = Gap("connecting\nIN-SYNC", "\x1b[2J\nIN-SYNC: all", "\nIN-SYNC: all")
    said = lines(report(bad._replace(apps=(app,)), HostReport("b", "no\nIN-SYNC", (gap,), ())))

    assert not any("\x1b" in line or line.startswith("IN-SYNC") for line in said)


def unfinished(name: str) -> HostReport:
    """Make the report of a host whose start step lacks a value."""
    made = stale(name)
    start = Step(("gunicorn", "-e", "API_TOKEN=***"), "start it", runnable=False)
    remedy = made.apps[0].remedy._replace(steps=(start,), sufficient=False)
    return made._replace(apps=(made.apps[0]._replace(remedy=remedy),))


def test_a_plan_that_is_not_complete_says_so_on_many_hosts_as_on_one() -> None:
    note = "(fill in what is masked) (the start step is not complete: do not begin before it is):"
    many = lines(report(unfinished("web-1"), unfinished("web-2")), 300)
    [plan] = [line for line in many if line.startswith("do: restart shop on web-1, web-2")]
    assert plan.endswith(note)

    one = restart.render(report(unfinished("web-1")))
    assert f"plan: restart {note.rstrip(':')}\n" in one


def unread(name: str, why: str) -> HostReport:
    hint = "take the snapshot of this host anew"
    return HostReport(name, "unreadable", (Gap(f"the record /r/{name}.json", why, hint),), ())


def test_a_reason_that_is_of_one_host_alone_is_told_as_such() -> None:
    """Two that answer with something else than SSH are told as one, but have not said the same."""
    hosts = [unreached("web-1", "no-ssh"), unreached("web-2", "no-ssh")]
    gaps = [Gap("exchanging keys", f"it answers, but not with SSH: {said}", "") for said in ("one", "two")]

    alike = "\n".join(lines(report(*(h._replace(gaps=(gaps[0],)) for h in hosts)), 200))
    unlike = "\n".join(
        lines(report(*(h._replace(gaps=(gap,)) for h, gap in zip(hosts, gaps, strict=True))), 200)
    )
    reached = [good(f"web-{n}")._replace(gaps=(gap,)) for n, gap in enumerate(gaps, 1)]

    assert "2 hosts (no-ssh, exchanging keys: it answers, but not with SSH: one)" in alike
    assert "2 hosts (no-ssh, exchanging keys: on web-1: it answers, but not with SSH: one)" in unlike
    assert "2 hosts: exchanging keys: on web-1: it answers" in "\n".join(lines(report(*reached), 200))


def test_records_that_could_not_be_read_are_told_by_reason() -> None:
    broken, large = "it is not JSON", "it is too large for a record (more than 64 MiB)"
    found = report(good("a"), unread("b", broken), unread("c", large), unread("d", broken))
    said = lines(found)

    assert said[0] == "NOT READ: 3 of 4 hosts; 1 in sync"
    assert f"NOT READ: 2 records ({broken})" in said
    assert f"NOT READ: 1 record ({large})" in said
    assert "do: take the snapshots anew of 3 hosts whose record could not be read" in said
    assert not any("REACHED" in line for line in said)


def ended(name: str, result: Result, code: int, why: str = "") -> HostReport:
    """Make the report of a host on which a restart has ended so."""
    made = good(name)
    return made._replace(apps=(made.apps[0]._replace(outcome=Outcome(result, code, why=why)),))


def test_what_decides_the_exit_status_of_a_restart_comes_first() -> None:
    done, refused = ended("web-1", Result.DONE, 0), ended("web-2", Result.REFUSED, 5, "it has to be mended")
    said = restart.render(report(done, unreached("web-3", "refused"), refused)).splitlines()

    assert said[0] == "REFUSED: 1 of 3 hosts; 1 not reached; 1 done"
    assert said[-1] == "do: mend what keeps web-3 from being reached; on web-2: it has to be mended"


def test_where_nothing_but_a_dead_host_is_left() -> None:
    said = restart.render(report(ended("web-1", Result.DONE, 0), unreached("web-3", "refused"))).splitlines()

    assert said[0] == "NOT REACHED: 1 of 2 hosts; 1 done"
    assert said[-1] == "do: mend what keeps web-3 from being reached, then the same again"

"""The report as people read it: at any width, with many workers, the verdict first and what to do last."""

from __future__ import annotations

import json
import subprocess

import build
import pytest

from envcheck import spec as specs
from envcheck.judge import judge, listed
from envcheck.model import Diagnosis, FileFacts, Gap, HostReport, Listed, Process, Report, Snapshot, Step
from envcheck.report import FORMATS, advice, format_named, servers
from envcheck.report import json as report_json
from envcheck.report import restart as plan
from envcheck.report import text as people
from envcheck.secrecy import Policy

HIDING = Policy(key=bytes(32))
SPEC = b"""
apps:
  shop:
    match: {cwd: /srv/shop}
    sources: [{envdir: /etc/shop}]
    env: {AWS_REGION: ~, API_TOKEN: ~}
"""


def server(workers: int = 2, **env: str) -> list[Process]:
    master = build.gunicorn(1000, at_exec=env)
    return [master, *(build.gunicorn(2000 + i, 1000, at_exec=env) for i in range(workers))]


def report(workers: int = 2, policy: Policy = HIDING) -> Report:
    files = {"/etc/shop": build.folder(build.NOW, AWS_REGION=("eu-west-2", build.NOW), API_TOKEN="hunter22")}
    processes = server(workers, AWS_REGION="eu-west-1", API_TOKEN="hunter21")
    snapshot = build.snapshot(*processes, files=files)
    return judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], policy)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("workers", [0, 2, 50])
def test_text_fits(width: int, workers: int) -> None:
    lines = people.render(report(workers), width=width).splitlines()

    # Commands and single words are not broken: they are there to be pasted.
    broken = [line for line in lines if len(line) > width and not line.startswith("  ")]
    assert not broken
    assert len(lines) < (60 if width < 80 else 45)


def test_a_plan_says_which_values_it_needs() -> None:
    spec = specs.load(SPEC, "/spec.yaml")
    files = {"/etc/shop": build.folder(build.NOW, AWS_REGION=("eu-west-2", build.NOW), API_TOKEN="hunter21")}
    processes = server(
        2, AWS_REGION="eu-west-1", API_TOKEN="hunter21", GUNICORN_CMD_ARGS="--env=PASS=hunter23"
    )
    told = plan.render(judge(build.snapshot(*processes, files=files), spec, [], HIDING))

    assert "hunter23" not in told
    last = told.splitlines()[-1]
    assert last == "do: the same with --reveal GUNICORN_CMD_ARGS shows what the steps need"


def test_a_plan_that_is_not_complete_is_not_called_nothing_to_do() -> None:
    """It runs where the start step would not put it: --apply refuses that, and no value is missing."""
    processes = (p._replace(inner=1) for p in server(0, AWS_REGION="eu-west-1", API_TOKEN="hunter21"))
    files = {"/etc/shop": build.folder(build.NOW, AWS_REGION=("eu-west-2", build.NOW), API_TOKEN="hunter21")}
    snapshot = build.snapshot(*processes, files=files)
    lines = plan.render(judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], HIDING)).splitlines()

    assert "plan: restart (the start step is not complete: do not begin before it is)" in lines
    assert lines[-1].startswith("do: complete the steps, and carry them out yourself")


def test_the_verdict_comes_first_and_what_to_do_last() -> None:
    lines = people.render(report()).splitlines()

    assert lines[0].startswith("STALE: shop")
    assert lines[-1].startswith("  setsid --fork")
    assert "do: restart" in lines


def test_what_could_not_be_read_stands_below_the_whole_headline() -> None:
    snapshot = build.snapshot(*server(2), files={"/etc/shop": FileFacts("denied")})
    text = people.render(judge(snapshot, specs.load(SPEC, "/spec.yaml"), [], HIDING), width=40)

    assert "2 workers) not read: /etc/shop: " in " ".join(text.split())


def test_without_a_rule_a_gap_leaves_the_server_unproven() -> None:
    bare = SPEC.replace(b"    env: {AWS_REGION: ~, API_TOKEN: ~}\n", b"")
    snapshot = build.snapshot(*server(2), files={"/etc/shop": FileFacts("denied")})
    told = judge(snapshot, specs.load(bare, "/spec.yaml"), [], HIDING)

    assert (told.exit_code, told.hosts[0].apps[0].state) == (3, Diagnosis.UNPROVEN)
    assert "do: let envcheck read" in people.render(told)


@pytest.mark.parametrize("word", ["plain", "it's two", "a\n\\0 'b'\n", "\x1b[31m", "\\n", "\udcff"])
def test_a_step_can_be_pasted(word: str) -> None:
    [_, line] = advice.step_lines(Step(("printf", "%s", word), "why"), 80)

    assert line.isprintable()
    said = subprocess.run(["bash", "-c", line], check=True, capture_output=True).stdout
    assert said == word.encode(errors="surrogateescape")


@pytest.mark.parametrize("name", FORMATS)
def test_no_value_is_told(name: str) -> None:
    text = format_named(name).render(report())

    assert "hunter" not in text
    assert "eu-west-2" in text  # this one is on the allow-list


@pytest.mark.parametrize("name", FORMATS)
def test_a_value_is_told_where_it_is_asked_for(name: str) -> None:
    text = format_named(name).render(report(policy=Policy(bytes(32), reveal=("API_*",))))

    assert "hunter21" in text
    assert "hunter22" in text


def test_json_says_in_which_processes() -> None:
    document = json.loads(format_named("json").render(report()))
    [app] = document["hosts"][0]["apps"]

    assert document["exit_code"] == 1
    assert document["summary"]["stale"] == 1
    assert {f["variable"]: f["pids"] for f in app["findings"]} == {
        "AWS_REGION": [1000, 2000, 2001],
        "API_TOKEN": [1000, 2000, 2001],
    }


def test_a_hostile_name_forges_no_line() -> None:
    master = build.gunicorn(10, cwd="/srv/\nIN-SYNC: shop\x1b[2J", at_exec={})
    text = people.render(judge(build.snapshot(master), None, [], HIDING))

    assert "\x1b" not in text
    assert not any(line.startswith("IN-SYNC") for line in text.splitlines())


@pytest.mark.parametrize(
    ("host", "taken", "line"),
    [
        ("localhost", None, "do: look which servers run, and what they are called: envcheck ps"),
        ("box", None, "do: look which servers run, and what they are called: envcheck ps -H box"),
        ("box", 1.0, "do: name no target: then the report tells of every server that is in the record"),
    ],
)
def test_where_to_look_for_what_did_not_match(host: str, taken: float | None, line: str) -> None:
    [found] = judge(build.snapshot()._replace(host=host), None, ["nosuch"], HIDING).hosts
    said = people.render(Report((found._replace(taken=taken),), 2))

    assert said.splitlines()[-1] == line


def _listed(seen: Snapshot) -> Listed:
    return listed(seen, seen.servers, HIDING)


def test_the_table_of_servers_has_no_column_that_says_nothing() -> None:
    seen = _listed(build.snapshot(build.gunicorn(10)))
    header, row = servers.render([seen]).splitlines()
    assert header.split() == ["APP", "SERVER", "MASTER", "WORKERS", "SINCE", "STATE", "SUPERVISOR", "FOLDER"]
    assert row.split()[-3:-1] == ["unproven", "-"]
    header, row = servers.render([seen], verbose=True).splitlines()
    assert header.split()[-2:] == ["USER", "FOLDER"]
    assert row.split()[-1] == seen.apps[0].server.first.cwd


def test_the_table_of_servers_says_what_to_do_about_a_host_that_could_not_be_looked_at() -> None:
    gap = Gap("connecting", "refused\x1b", "is the port right?\x1b")

    assert servers.render([HostReport("dead-1", "refused", (gap,), ())]).splitlines() == [
        "dead-1:",
        "not read: connecting: refused\\x1b",
        "hint: is the port right?\\x1b",
    ]
    assert "refused\\x1b" in servers.render(
        [_listed(build.snapshot(build.gunicorn(10))._replace(gaps=(gap,)))]
    )


def test_a_long_name_does_not_make_the_table_wide() -> None:
    long = "/srv/" + "a\x1b" * 100 + "end"
    seen = build.snapshot(build.gunicorn(10), build.gunicorn(20, cwd=long))
    _, one, other = servers.render([_listed(seen)]).splitlines()

    assert one.startswith("shop" + " " * 30 + "gunicorn")
    name = other.split()[0]
    assert (len(name), name[:6], name[-3:]) == (32, "a\\x1ba", "end")
    assert "..." in name
    assert (
        json.loads(report_json.render_servers([_listed(seen)]))["hosts"][0]["servers"][1]["name"] == long[5:]
    )


def test_servers_of_which_the_application_is_not_seen_are_told_once() -> None:
    unseen = build.snapshot(*(build.gunicorn(pid, cwd=None) for pid in range(10, 22)))
    found = judge(unseen, None, ["shop"], HIDING)
    said = people.render(found).splitlines()

    assert found.exit_code == 3
    assert said[0] == "COULD NOT TELL: no server seen is meant by shop, but not all was seen"
    assert sum("which application" in line for line in said) == 1
    assert "12 servers" in said[1]
    assert "gunicorn 10, gunicorn 11" in " ".join(" ".join(said).split())
    assert "and 4 more" in " ".join(" ".join(said).split())
    assert len(said) < 7

"""`why`, `diff`, `show configured:` and `lint`, on a real server and real files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from live.checking import envcheck
from live.servers import Gunicorn

pytestmark = pytest.mark.live

CONTRACT = Path(__file__).parent.parent / "contract"


@pytest.fixture(scope="module")
def stale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """A server whose AWS_REGION was changed after its start."""
    server = Gunicorn(tmp_path_factory.mktemp("shop")).put(AWS_REGION="eu-west-1", NAME="shop")
    server.rules = {
        "AWS_REGION": {"one_of": ["eu-west-1", "eu-west-2"]},
        "AWS_S3_BUKET_NAME": {"required": "false"},
    }
    with server:
        server.put(AWS_REGION="eu-west-2", AWS_S3_BUCKET_NAME="x")
        server.spec()
        yield server


def test_why_tells_every_place_and_every_process(stale: Gunicorn) -> None:
    outcome = envcheck("why", "AWS_REGION", str(stale.master), "-s", stale.spec())

    assert outcome.status == 1
    assert outcome.out.startswith("AWS_REGION in shop: stale (started-before-change)")
    assert f"> {stale.folder}/env.d/AWS_REGION:1: eu-west-2" in outcome.out
    [(master, workers)] = stale.generations().items()
    assert f"current master {master}: eu-west-1 (live)" in outcome.out
    assert f"current workers {', '.join(map(str, sorted(workers)))}: eu-west-1 (live)" in outcome.out
    assert outcome.out.index("the environment was read") < outcome.out.index("AWS_REGION:1 changed\n")
    assert "do: restart" in outcome.out


def test_why_knows_a_near_miss(stale: Gunicorn) -> None:
    outcome = envcheck("why", "AWS_S3_BUKET_NAME", str(stale.master), "-s", stale.spec())

    assert f"there is AWS_S3_BUCKET_NAME at {stale.folder}/env.d/AWS_S3_BUCKET_NAME:1" in outcome.out
    assert outcome.status == 0


def test_why_knows_that_servers_do_not_see_a_shell(stale: Gunicorn) -> None:
    outcome = envcheck("why", "ONLY_HERE", str(stale.master), "-s", stale.spec(), ONLY_HERE="1")

    assert "your shell sets it, but servers do not see that" in outcome.out


def test_diff_exits_like_diff(stale: Gunicorn) -> None:
    process, folder = str(stale.master), f"file:{stale.folder}/env.d"

    same = envcheck("diff", folder, f"configured:{process}", "-s", stale.spec())
    different = envcheck("diff", process, folder)

    assert (same.status, different.status) == (0, 1)
    assert "-AWS_REGION=eu-west-1\n+AWS_REGION=eu-west-2\n" in different.out
    assert "NAME=shop" not in different.out
    assert envcheck("diff", process, "file:/nowhere/at-all.env", "--dialect", "systemd").status == 3


def test_an_app_of_the_spec_is_shown_and_compared(stale: Gunicorn) -> None:
    app = "shop"
    shown = envcheck("show", app, "-s", stale.spec(), "-f", "json")
    assert json.loads(shown.out)["layers"]["live"]["variables"]["AWS_REGION"] == "eu-west-1"
    different = envcheck("diff", app, f"configured:{app}", "-s", stale.spec())
    assert different.status == 1
    assert "-AWS_REGION=eu-west-1\n+AWS_REGION=eu-west-2\n" in different.out


@pytest.mark.parametrize("name", ["", "COLOUR=red"])
def test_what_is_no_name_of_a_variable(name: str) -> None:
    outcome = envcheck("why", name)
    assert (outcome.status, outcome.out) == (2, "")


def test_values_that_only_running_it_could_tell_are_not_compared(stale: Gunicorn) -> None:
    script = stale.folder / "vars.sh"
    script.write_text("export AWS_REGION=$(region)\nexport NAME=shop\n")
    told = envcheck("diff", f"file:{script}", f"file:{script}", "--dialect", "shell")
    assert told.status == 3
    assert "AWS_REGION" in told.err


def test_show_configured(stale: Gunicorn) -> None:
    outcome = envcheck("show", f"configured:{stale.master}", "-s", stale.spec(), "-f", "json")
    document = json.loads(outcome.out)

    jsonschema.validate(document, json.loads((CONTRACT / "show.schema.json").read_text()))
    assert document["variables"]["AWS_REGION"] == "eu-west-2"
    assert document["variables"]["NAME"]["hidden"] is True
    assert document["origins"]["AWS_REGION"] == f"{stale.folder}/env.d/AWS_REGION:1"


def test_ps_lists_what_check_has_less_findings_and_remedy(stale: Gunicorn) -> None:
    [found] = json.loads(envcheck("ps", str(stale.master), "-f", "json").out)["hosts"][0]["servers"]
    schema = json.loads((CONTRACT / "report.schema.json").read_text())
    app = schema["$defs"]["app"]
    app["required"] = [key for key in app["required"] if key not in ("findings", "remedy")]
    jsonschema.validate(found, {**schema, **app})
    [checked] = json.loads(envcheck("check", str(stale.master), "-f", "json").out)["hosts"][0]["apps"]
    same = ("name", "server", "state", "supervisor", "sources")
    assert {key: found[key] for key in same} == {key: checked[key] for key in same}


def test_lint_exits_like_diff(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.env", tmp_path / "bad.env"
    good.write_text("A=1\n")
    bad.write_text("A=1\nexport B=2\nA=3\nDB_PASSWORD=x\n")
    bad.chmod(0o644)

    assert envcheck("lint", str(good), "--dialect", "systemd").status == 0
    outcome = envcheck("lint", str(bad), "--dialect", "systemd")

    assert outcome.status == 1
    assert [line.split(" ")[0] for line in outcome.out.splitlines()] == [
        f"{bad}:2:",
        f"{bad}:3:",
        f"{bad}:4:",
    ]


def test_lint_of_a_spec_names_the_line(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("apps:\n  shop:\n    env:\n      A: {requird: true}\n")

    outcome = envcheck("lint", str(spec))

    assert outcome.status == 1
    assert outcome.out.startswith(f"{spec}:4: unknown key 'requird'")


def test_lint_tells_what_it_can_of_a_script(tmp_path: Path) -> None:
    script = tmp_path / "defaults"
    script.write_text("export A=1\n. /nowhere/at/all\nexport A=2\n")

    outcome = envcheck("lint", str(script), "--dialect", "shell")

    assert outcome.status == 1
    assert [line.split(" ")[0] for line in outcome.out.splitlines()] == [f"{script}:2:", f"{script}:3:"]


def test_lint_of_what_is_not_there(tmp_path: Path) -> None:
    outcome = envcheck("lint", str(tmp_path / "gone.env"))

    assert outcome.status == 3
    assert "there is no such file" in outcome.err


def test_lint_of_an_envdir(tmp_path: Path) -> None:
    folder = tmp_path / "env.d"
    folder.mkdir()
    (folder / "EMPTY").write_text("")

    outcome = envcheck("lint", str(folder))

    assert outcome.status == 1
    assert f"{folder}/EMPTY: the file is empty: it unsets the variable" in outcome.out

    (folder / "SUB").mkdir()
    assert "SUB: a folder where a file should be" in envcheck("lint", str(folder)).out

"""Every file in tests/cases is a situation, and what envcheck has to say of it.

Times are seconds after the start of the first master; `read` in a file is not needed. A process is
`master` or `worker` with its environment; `files` are envdirs in the order of the chain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import build
import pytest
import yaml

from envcheck import spec as specs
from envcheck.judge import judge
from envcheck.model import FileFacts, Process, Spec

CASES = sorted((Path(__file__).parent.parent / "cases").glob("*.yaml"))
START = build.NOW - 10_000


def moment(seconds: float) -> float:
    return START + seconds


def process(given: dict[str, Any], kind: str) -> Process:
    parent = given.get("parent", 1)
    common = {
        "started": moment(given.get("started", 0)),
        "at_exec": given.get("at_exec", given.get("env", {})),
        "live": given.get("live", given.get("env", given.get("at_exec", {}))),
        "image": given.get("image", "one"),
    }
    if kind == "gunicorn":
        arguments = given.get("arguments", "app:app").split()
        if given.get("role") == "master":
            return build.gunicorn(given["pid"], parent, *arguments, caught=build.GUNICORN_MASTER, **common)
        return build.gunicorn(given["pid"], parent, *arguments, **common)
    return build.unicorn(given["pid"], given["title"], parent, **common)


def files(given: dict[str, Any]) -> dict[str, FileFacts]:
    made: dict[str, FileFacts] = {}
    for path, content in given.items():
        if isinstance(content, str):
            made[path] = FileFacts(content)
        elif "text" in content:
            made[path] = FileFacts("ok", content["text"].encode(), moment(content["changed"]))
        else:
            members = {n: (v, moment(content["changed"])) for n, v in content["files"].items()}
            made[path] = build.folder(moment(content["changed"]), **members)
    return made


def spec(case: dict[str, Any]) -> Spec | None:
    if "spec" not in case:
        return None
    return specs.load(case["spec"].encode(), "/etc/envcheck.yaml")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_situation(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    kind = case.get("server", "gunicorn")
    processes = [process(p, kind) for p in case["processes"]]
    snapshot = build.snapshot(*processes, files=files(case.get("files", {})))

    report = judge(snapshot, spec(case), [], build.OPEN)

    [app] = report.hosts[0].apps
    told = {
        str(f.variable or "server"): [str(f.diagnosis), str(f.cause or "-"), list(f.pids)]
        for f in app.findings
        if f.diagnosis not in ("in-sync", "unproven") or f.variable is None
    }
    assert told == {str(k): v for k, v in case["findings"].items()}
    assert str(app.state) == case["state"]
    assert report.exit_code == case["exit"]
    assert str(app.remedy.action) == case["action"]

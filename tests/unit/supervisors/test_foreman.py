"""foreman, its answers given as data."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import build
import pytest
from unit.sources.oracle import absent, seeded
from unit.supervisors.answering import gaps, known, origins, owned, supervising

from envcheck.model import FileFacts, Process, Start
from envcheck.supervisors import foreman, foreman_options

PROCFILE = "# x\nother: sleep 9\nweb: exec gunicorn $MODULE\n"
ABSENT = FileFacts("missing")


def tree(*words: str, name: str = "web.1", **given: Any) -> tuple[Process, Process]:
    """Give the server, and foreman."""
    outer = supervising("ruby", "/usr/bin/foreman", *words, **{"comm": "foreman", **given})
    return build.process(20, ["gunicorn"], at_exec={"PS": name} if name else {}), outer


def started(*words: str, files: Mapping[str, str | FileFacts], **given: Any) -> Start:
    process, outer = tree(*words, **given)
    defaults: dict[str, str | FileFacts] = {
        "/sup/.foreman": ABSENT,
        "/sup/.env": ABSENT,
        "/sup/Procfile": PROCFILE,
    }
    return foreman.start(owned(foreman, process, outer), process, known({**defaults, **files}))


def test_what_a_process_gets() -> None:
    words = ("start", "-e", "a.env,/b.env", "-m", "all=1, web=2", "-p7000", "-f", "sub/Proc")
    files = {"/sup/a.env": "A=1\nB=1\n", "/b.env": "B='2 3'\nMODULE=app\n", "/sup/sub/Proc": PROCFILE}
    start = started(*words, files=files, name="web.2", at_exec={"OWN": "x", "PORT": "1"})
    assert origins(start) == {
        "OWN": ("x", "the environment of PID 10:1"),
        "A": ("1", "/sup/a.env:1"),
        "B": ("2 3", "/b.env:1"),
        "MODULE": ("app", "/b.env:2"),
        "PORT": ("7101", "/sup/sub/Proc:3"),
        "PS": ("web.2", "/sup/sub/Proc:3"),
    }
    assert start.command == ("/bin/sh", "-c", "exec gunicorn app")
    assert start.folder == "/sup/sub"


@pytest.mark.parametrize(
    ("env", "own", "words", "port"),
    [
        ("PORT=1000\n", {"PORT": "1"}, ["-p", "3"], "103"),
        ("PORT=1000\n", {"PORT": "1"}, [], "1100"),
        ("", {"PORT": "2000"}, [], "2100"),
        ("", {"PORT": "2000"}, ["--port=3000"], "3100"),
        ("PORT=x\n", {}, [], "100"),
        ("", {}, [], "5100"),
    ],
)
def test_the_port(env: str, own: dict[str, str], words: list[str], port: str) -> None:
    start = started("start", *words, files={"/sup/.env": env}, at_exec=own)
    assert origins(start)["PORT"] == (port, "/sup/Procfile:3")


def test_defaults_from_a_file() -> None:
    files = {"/sup/.foreman": "port: 9000\nformation: web=3\nroot: app\n", "/sup/app/.env": "A=1\n"}
    start = started("start", files={**files, "/sup/app/Procfile": PROCFILE}, name="web.3")
    assert origins(start)["PORT"] == ("9102", "/sup/app/Procfile:3")
    assert origins(start)["A"] == ("1", "/sup/app/.env:1")
    assert start.folder == "/sup/app"


def test_run_has_no_port() -> None:
    start = started("run", "-e", "x.env", "gunicorn", "-e", "A=1", files={"/sup/x.env": "A=1\n"}, name="")
    assert start.command == ("gunicorn", "-e", "A=1")
    assert origins(start) == {"A": ("1", "/sup/x.env:1")}


def test_run_by_the_name_of_a_process() -> None:
    start = started("run", "web", files={"/sup/.env": "MODULE=app\n"}, name="")
    assert start.command == ("/bin/sh", "-c", "exec gunicorn app")


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["start", "-e", "x.env"], {"/sup/x.env": ABSENT}),
        (["start"], {"/sup/Procfile": ABSENT}),
        (["start"], {"/sup/Procfile": "other: x\n"}),
        (["start", "-m", "other=1"], {}),
        (["start", "other"], {}),
        (["start"], {"/sup/.env": FileFacts("ok", b"\xff")}),
        (["start"], {"/sup/.foreman": "[]"}),
    ],
)
def test_what_would_not_start(words: list[str], files: Mapping[str, str | FileFacts]) -> None:
    assert started(*words, files=files).unstartable


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["start", "--new-option"], {}),
        (["check"], {}),
        (["start"], {"/sup/.foreman": FileFacts("denied")}),
        (["start"], {"/sup/Procfile": FileFacts("denied")}),
        (["start"], {"/sup/Procfile": "web: a\nweb: b\n"}),
    ],
)
def test_what_cannot_be_told(words: list[str], files: Mapping[str, str | FileFacts]) -> None:
    start = started(*words, files=files)
    assert gaps(start)
    assert not start.unstartable


def test_a_line_without_a_command_is_passed_over() -> None:
    start = started("start", files={"/sup/Procfile": "none:\nweb: gunicorn\n"})
    assert origins(start)["PORT"] == ("5000", "/sup/Procfile:2")


def test_a_title_hides_the_options() -> None:
    process, _ = tree("start")
    outer = supervising("foreman: master", comm="ruby")
    owner = owned(foreman, process, outer)
    assert owner.name == "web.1"
    assert "its title hides" in str(gaps(foreman.start(owner, process, known({}))))


EXPAND = r"""
require "json"
require "foreman/process"
cases = JSON.parse($stdin.read)
puts JSON.generate(cases.map { |text, env| Foreman::Process.new(text).expanded_command(env) })
"""


def test_a_command_is_expanded_as_foreman_does() -> None:
    if not shutil.which("foreman"):
        absent("foreman")
    rng = seeded(20261128)
    parts = ["$A", "$AB", "${A}", "x ", "$B", "\\", "$"]
    values = ["1", "$B", "a\\\\b", "\\0", "\\&", "\\1", "\\x", "", "é"]

    def environment() -> dict[str, str]:
        return {name: "".join(rng.choices(values, k=2)) for name in ("A", "AB", "B")}

    cases = [("".join(rng.choices(parts, k=5)), environment()) for _ in range(2000)]
    real = subprocess.run(
        ["ruby", "-Ku", "-e", EXPAND], input=json.dumps(cases), check=True, capture_output=True, text=True
    )
    for (command, env), expected in zip(cases, json.loads(real.stdout), strict=True):
        assert foreman.expanded(command, env) == expected, (command, env)


def test_options() -> None:
    call = foreman_options.call(["s", "-c", "-e=a", "--port", "1", "--no-timestamp", "-mweb=2", "web"])
    assert call == foreman_options.Call("start", {"env": "a", "port": "1", "formation": "web=2"}, ("web",))

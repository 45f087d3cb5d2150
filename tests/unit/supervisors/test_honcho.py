"""honcho, its answers given as data."""

from __future__ import annotations

import build
import pytest
from unit.supervisors.answering import known, origins, owned, supervising

from envcheck.model import FileFacts, Process
from envcheck.supervisors import honcho

ABSENT = FileFacts("missing")


def tree(*words: str, name: str = "web.2", **given: object) -> tuple[Process, Process, Process]:
    """Give the server, honcho's child and honcho itself."""
    argv = ("/usr/bin/python3", "/bin/honcho", *words)
    outer = supervising(*argv, **{"comm": "honcho", **given})
    inner = outer._replace(pid=15, parent=10)
    has = {"HONCHO_PROCESS_NAME": name} if name else {}
    return build.process(20, ["gunicorn"], at_exec=has), inner, outer


def test_what_a_process_gets() -> None:
    words = ("start", "-e", ".env,local.env", "-c", "web=2", "-p7000", "-f", "Proc", "other", "web")
    process, *ancestors = tree(*words, at_exec={"OWN": "x", "PORT": "1"})
    owner = owned(honcho, process, *ancestors)
    assert (owner.kind, owner.name, owner.pid, owner.distance) == ("honcho", "web.2", 10, 1)
    files = {
        "/sup/.env": "A=1\nB=1\n",
        "/sup/local.env": "B='2 3'\n",
        "/sup/Proc": "# x\nweb: exec gunicorn app\nother: x\n",
    }
    start = honcho.start(owner, process, known(files))
    assert origins(start) == {
        "OWN": ("x", "the environment of PID 10:1"),
        "HONCHO_PROCESS_NAME": ("web.2", "honcho 10:1"),
        "A": ("1", "/sup/.env:1"),
        "B": ("2 3", "/sup/local.env:1"),
        "PORT": ("7101", "/sup/Proc:2"),
    }
    assert start.command == ("/bin/sh", "-c", "exec gunicorn app")


@pytest.mark.parametrize(
    ("env", "own", "words", "port"),
    [
        ("PORT=1000\n", {"PORT": "1"}, ["-p", "3"], "1000"),
        ("", {"PORT": "2000"}, [], "2000"),
        ("", {"PORT": "2000"}, ["--port=3000"], "3000"),
        ("", {}, [], "5000"),
    ],
)
def test_the_port(env: str, own: dict[str, str], words: list[str], port: str) -> None:
    process, *ancestors = tree("start", *words, name="web.1", at_exec=own)
    start = honcho.start(
        owned(honcho, process, *ancestors), process, known({"/sup/.env": env, "/sup/Procfile": "web: x\n"})
    )
    assert origins(start)["PORT"] == (port, "/sup/Procfile:1")


def test_run_has_no_procfile() -> None:
    process, *ancestors = tree("-e", "x.env", "run", "gunicorn", "-e", "A=1", name="")
    owner = owned(honcho, process, *ancestors)
    start = honcho.start(owner, process, known({"/sup/x.env": "A=1\n"}))
    assert (owner.name, start.command) == ("run", ("gunicorn", "-e", "A=1"))
    assert origins(start) == {"A": ("1", "/sup/x.env:1")}


@pytest.mark.parametrize(
    ("env", "procfile"),
    [
        ("A='\n", "web: x\n"),
        ("", FileFacts("missing")),
        ("", "other: x\n"),
        ("", "web: x\nweb: y\n"),
        ("PORT=x\n", "web: x\n"),
    ],
)
def test_what_would_not_start(env: str, procfile: str | FileFacts) -> None:
    process, *ancestors = tree("start")
    start = honcho.start(
        owned(honcho, process, *ancestors), process, known({"/sup/.env": env, "/sup/Procfile": procfile})
    )
    assert start.unstartable

"""A master whose title hides its command line is judged by the one that its supervisor starts it by."""

from __future__ import annotations

import build

from envcheck.model import Answers, FileFacts, Server
from envcheck.servers import gunicorn
from envcheck.supervisors import fresh
from envcheck.supervisors.known import Known
from envcheck.supervisors.ownership import owned
from envcheck.supervisors.titles import untitled

RUN = "/etc/service/shop/run"
SCRIPT = b"#!/bin/sh\nexec chpst -u deploy gunicorn -c /etc/shop.py -e COLOUR=red app:app\n"


def server(*argv: str) -> Server:
    watching = build.process(4, ("runsv", "shop"), comm="runsv", cwd="/etc/service/shop", at_exec={"A": "1"})
    processes = (watching, build.process(6, argv, parent=4, caught=build.GUNICORN_MASTER))
    [found] = build.snapshot(*processes).servers
    return owned(found, {p.pid: p for p in processes})


def untold(found: Server, script: bytes) -> Server:
    answers = Answers(files={RUN: FileFacts("ok", script)})
    assert found.owner is not None
    return untitled(found, fresh(found.owner, found.first, Known(answers)))


def settings(script: bytes, *argv: str) -> dict[str, str | None]:
    told = untold(server(*argv), script)
    return {s.assignment.name: s.assignment.value for s in gunicorn.own_settings(told, {})}


def test_what_the_title_hides() -> None:
    told = untold(server("gunicorn: master [app:app]"), SCRIPT)

    assert [s.path for s in gunicorn.own_sources(told)] == ["/etc/shop.py"]
    assert settings(SCRIPT, "gunicorn: master [app:app]") == {"COLOUR": "red"}


def test_the_folder_of_a_fresh_start() -> None:
    """--chdir counts only after the configuration was looked for."""
    for change, folder in ((b"", "/etc/service/shop"), (b"cd /srv/begun || exit 1\n", "/srv/begun")):
        script = b"#!/bin/sh\n" + change + b"exec gunicorn --chdir /srv/shop app:app\n"
        told = untold(server("gunicorn: master [app:app]"), script)

        assert [s.path for s in gunicorn.own_sources(told)] == [f"{folder}/gunicorn.conf.py"]


def test_the_command_of_a_fresh_start_comes_before_its_own() -> None:
    assert settings(SCRIPT, "python3", "/usr/bin/gunicorn", "-e", "COLOUR=blue", "app:app") == {
        "COLOUR": "red"
    }


def test_a_command_that_is_another_program_or_not_known_tells_nothing() -> None:
    for script in (
        b"#!/bin/sh\nexec ./start -e COLOUR=red\n",
        b"#!/bin/sh\nexec gunicorn -e COLOUR=$(date)\n",
    ):
        assert settings(script, "gunicorn: master [app:app]") == {}

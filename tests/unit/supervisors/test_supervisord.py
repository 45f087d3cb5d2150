"""supervisord, its answers given as data."""

from __future__ import annotations

import build
import pytest
from unit.supervisors.answering import gaps, known, origins, owned, supervising

from envcheck.model import FileFacts, Process
from envcheck.supervisors import supervisord

NAMES = {"SUPERVISOR_GROUP_NAME": "web", "SUPERVISOR_PROCESS_NAME": "web_01"}
CONF = "/sup/s.conf"
TEXT = """\
[supervisord]
environment=A="all",B="%(ENV_OWN)s"
[program:web]
command=envdir /e gunicorn -b :80 app
numprocs=2
process_name=%(program_name)s_%(process_num)02d
environment=
  ; said
  A="web",
  N="%(process_num)d"
"""


def main(**given: object) -> Process:
    return supervising("/usr/bin/python3", "/bin/supervisord", "-nc", "s.conf", comm="supervisord", **given)


def server(**given: object) -> Process:
    return build.process(20, ["gunicorn"], **{"at_exec": NAMES, **given})


def test_what_a_process_gets_and_where_it_stands() -> None:
    owner = owned(
        supervisord, server(), main(at_exec={"OWN": "x", "A": "own", "PWD": "/", "SUPERVISOR_ENABLED": "0"})
    )
    assert (owner.kind, owner.name, owner.pid, owner.distance) == ("supervisord", "web:web_01", 10, 0)
    start = supervisord.start(owner, server(), known({CONF: TEXT}))
    assert origins(start) == {
        "OWN": ("x", "the environment of PID 10:1"),
        "A": ("web", f"{CONF}:9"),
        "B": ("x", f"{CONF}:2"),
        "N": ("1", f"{CONF}:10"),
        "SUPERVISOR_ENABLED": ("1", "supervisord 10:1"),
        "SUPERVISOR_PROCESS_NAME": ("web_01", "supervisord 10:1"),
        "SUPERVISOR_GROUP_NAME": ("web", "supervisord 10:1"),
    }
    assert start.command == ("envdir", "/e", "gunicorn", "-b", ":80", "app")
    assert start.unstartable == ""


def test_without_c_it_looks_where_supervisord_does() -> None:
    owner = owned(supervisord, server(), supervising("/opt/bin/supervisord"))
    seen = known({})
    supervisord.start(owner, server(), seen)
    assert ("file", "/etc/supervisord.conf") in seen.wanted
    missing = dict.fromkeys([path for _, path in seen.wanted], FileFacts("missing"))
    start = supervisord.start(
        owner, server(), known({**missing, "/sup/supervisord.conf": TEXT.replace("OWN", "HOME")})
    )
    assert "HOME" not in origins(start)
    assert "supervisord refuses" in start.unstartable


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[program:web]\ncommand=x\n", "no section"),
        ("[supervisord]\n[include]\n", "without `files`"),
        ("[supervisord]\nenvironment=A=%(NOPE)s\n", "not known"),
        ("[supervisord]\n[program:web]\n", "without a command"),
        ("[supervisord]\n[program:web]\ncommand=x\nnumprocs=2\n", "process_num"),
        ("[supervisord]\n[program:web]\ncommand=x\nautostart=perhaps\n", "autostart"),
        ("[supervisord]\n[program:web]\ncommand=x\nenvironment=A=$,B\n", "pairs"),
        ("[supervisord]\n[group:g]\nprograms=nope\n", "not there"),
        ("x\n", "before the first section"),
    ],
)
def test_a_configuration_that_is_refused(text: str, why: str) -> None:
    start = supervisord.start(owned(supervisord, server(), main()), server(), known({CONF: text}))
    assert why in start.unstartable


def test_what_cannot_be_read_is_a_gap() -> None:
    owner = owned(supervisord, server(), main())
    start = supervisord.start(owner, server(), known({CONF: FileFacts("denied")}))
    assert gaps(start) == {CONF: "not allowed to read it"}
    blind = owned(supervisord, server(), main(at_exec="denied", live="denied"))
    assert gaps(supervisord.start(blind, server(), known({CONF: TEXT}))).keys() == {
        CONF,
        "the environment of PID 10",
    }


def test_an_absurd_width_is_a_gap() -> None:
    text = '[supervisord]\nenvironment=A="%(here)999999999s"\n[program:web]\ncommand=x\n'
    start = supervisord.start(owned(supervisord, server(), main()), server(), known({CONF: text}))
    assert "too long" in gaps(start)[CONF]


def test_a_program_that_is_gone() -> None:
    text = "[supervisord]\n[program:other]\ncommand=x\n"
    start = supervisord.start(owned(supervisord, server(), main()), server(), known({CONF: text}))
    assert "does not define web" in start.unstartable


def test_includes_are_read_in_their_order() -> None:
    more = "[include]\nfiles=*.d/*.conf\n[supervisord]\n[program:web]\ncommand=x\nenvironment=A=1\n"
    matches = {"/sup/*.d/*.conf": ("/sup/b.d/x.conf", "/sup/a.d/x.conf")}
    one = {"/sup/a.d/x.conf": "[program:web]\nenvironment=A=2,H=%(here)s\n"}
    two = {"/sup/b.d/x.conf": "[supervisord]\nenvironment=C=%(here)s\n"}
    process = server(at_exec={"SUPERVISOR_GROUP_NAME": "web", "SUPERVISOR_PROCESS_NAME": "web"})
    start = supervisord.start(
        owned(supervisord, process, main()), process, known({CONF: more, **one, **two}, matches)
    )
    found = origins(start)
    assert found["A"] == ("2", "/sup/a.d/x.conf:2")
    assert found["H"] == ("/sup/a.d", "/sup/a.d/x.conf:2")
    assert found["C"] == ("/sup/b.d", "/sup/b.d/x.conf:2")


def test_a_process_is_found_by_its_command() -> None:
    process = build.process(20, ["python3", "/bin/gunicorn", "-b", ":81"])
    text = "[supervisord]\n[program:a]\ncommand=gunicorn -b :80\n[program:b]\ncommand=gunicorn -b :81\n"
    start = supervisord.start(owned(supervisord, process, main()), process, known({CONF: text}))
    assert origins(start)["SUPERVISOR_PROCESS_NAME"][0] == "b"


@pytest.mark.parametrize(
    ("argv", "given", "lost"),
    [
        ("gunicorn app", {}, True),
        ("gunicorn app", {"parent": 7}, False),  # whoever that is may watch over it
        ("gunicorn --daemon app", {}, False),
        ("gunicorn app", {"at_exec": {"SUPERVISOR_PROCESS_NAME": "web_01"}}, False),
    ],
)
def test_marks_tell_of_a_supervisord_that_has_lost_it(
    argv: str, given: dict[str, object], *, lost: bool
) -> None:
    process = build.process(20, argv.split(), **{"at_exec": NAMES, **given})
    owner = supervisord.owner(process, ())
    assert (owner is not None and "orphaned" in owner.facts) is lost


def test_a_password_in_the_address_is_not_told() -> None:
    address = {"SUPERVISOR_SERVER_URL": "http://user:secret@127.0.0.1:9001"}
    owner = supervisord.owner(build.process(20, ["gunicorn"], parent=1, at_exec=NAMES | address), ())
    assert owner is not None
    assert owner.facts["url"] == ""


@pytest.mark.parametrize(("option", "user"), [("", "1000"), ("user=nobody\n", "nobody")])
def test_who_a_program_is_started_as(option: str, user: str) -> None:
    owner = owned(supervisord, server(), main(uid=1000, at_exec={"OWN": "x"}))
    text = TEXT.replace("numprocs=2\n", f"numprocs=2\n{option}")
    assert supervisord.start(owner, server(), known({CONF: text})).user == user

"""circus, its answers given as data."""

from __future__ import annotations

import build
import pytest
from unit.supervisors.answering import gaps, known, origins, owned, supervising

from envcheck.model import FileFacts, Process
from envcheck.supervisors import circus

INI = "/sup/c.ini"
TEXT = """\
[watcher:web]
cmd = gunicorn $(circus.env.APP)
copy_env = {copy}
[env]
A = 1 ; said
A = 2
APP = app
  :app
B = $OWN-$NOPE
[env:w*,other]
A = 3;4
"""


def main(**given: object) -> Process:
    return supervising(
        "/usr/bin/python3", "/bin/circusd", "--log-level", "info", "c.ini", **{"comm": "circusd", **given}
    )


def server(**given: object) -> Process:
    return build.process(20, ["gunicorn"], **{"at_exec": {"__name__": "env:w*,other"}, **given})


def test_what_a_watcher_gets() -> None:
    owner = owned(circus, server(), main(at_exec={"OWN": "x", "REF": " $OWN"}))
    assert (owner.kind, owner.name) == ("circus", "?")
    start = circus.start(owner, server(), known({INI: TEXT.format(copy="no")}))
    assert origins(start) == {
        "__name__": ("env:w*,other", f"{INI}:10"),
        "A": ("3;4", f"{INI}:11"),
        "APP": ("app\n:app", f"{INI}:7"),
        "B": ("x-", f"{INI}:9"),
    }
    assert start.command == ("gunicorn", "app", ":app")
    copied = origins(circus.start(owner, server(), known({INI: TEXT.format(copy="on")})))
    assert copied["REF"] == ("x", "the environment of PID 10:2")


def test_the_first_of_several_files_wins() -> None:
    main_file = "[circus]\ninclude = *.more\n[watcher:web]\ncmd = x\n[env:web]\nA = 1\n"
    files = {INI: main_file, "/sup/a.more": "[env:web]\nA = 2\nB = 2\n"}
    process = server(at_exec={"__name__": "env:web"})
    owner = owned(circus, process, main())
    assert owner.name == "web"
    start = circus.start(owner, process, known(files, {"/sup/*.more": ("/sup/a.more",)}))
    assert {n: v for n, (v, _) in origins(start).items()} == {"__name__": "env:web", "A": "1", "B": "2"}


@pytest.mark.parametrize("text", ["x\n", "[a]\nx\n", "[watcher:web]\ncopy_env = perhaps\n"])
def test_a_configuration_that_is_refused(text: str) -> None:
    start = circus.start(owned(circus, server(), main()), server(), known({INI: text}))
    assert "circusd refuses" in start.unstartable


def test_what_cannot_be_read_is_a_gap() -> None:
    owner = owned(circus, server(), main())
    assert gaps(circus.start(owner, server(), known({INI: FileFacts("denied")}))) == {
        INI: "not allowed to read it"
    }
    titled = owned(circus, server(), supervising("circusd"))
    assert "title" in str(gaps(circus.start(titled, server(), known({}))))
    two = "[watcher:a]\ncmd = x\n[watcher:b]\ncmd = x\n"
    assert "cannot be told" in gaps(circus.start(owner, server(), known({INI: two})))[INI]

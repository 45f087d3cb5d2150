"""`lint` of what supervisors read: units and drop-ins, and configurations of supervisord, one by one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from unit.sources.oracle import absent

from envcheck.model import FileFacts, Source, Stage
from envcheck.sources import chain
from envcheck.sources.lint import doubts
from envcheck.supervisors.lint import parts

PROGRAMS = (
    "usr/lib/systemd/systemd",
    "usr/lib/*/systemd/libsystemd-core-*.so",
    "usr/lib/systemd/libsystemd-core-*.so",
)
TOKEN = "API_TOKEN"


def told(path: str, content: str, mode: int = 0o600) -> list[tuple[int | None, str]]:
    facts = FileFacts("ok", content.encode(), mode=mode)
    return [(d.line, d.message) for part in parts(path, facts) for d in doubts(part, facts)]


def supervisord(value: str) -> str:
    return f"[unix_http_server]\nfile=/x\n[program:web]\ncommand=x\nenvironment={value}\n"


@pytest.mark.parametrize(
    ("value", "line", "message"),
    [
        pytest.param('A="1",B=two words', 5, "B: the value ends before", id="cut"),
        pytest.param("A=a b,B=1", 5, "it does not consist of", id="refused"),
        pytest.param('A="1",\n  B="%(ENV_HOME)s",\n  A="2"', 7, "A is set again: line 5", id="twice"),
        pytest.param('A="100%"', 5, "a `%` alone", id="percent"),
    ],
)
def test_a_program(value: str, line: int, message: str) -> None:
    [(at, said)] = told("/etc/web.ini", supervisord(value))

    assert at == line
    assert said.startswith(message)


@pytest.mark.parametrize("value", ['A="1",B="%(ENV_HOME)s/x",C="100%%"', 'A="1",\n  B="2"'])
def test_a_good_program(value: str) -> None:
    assert told("/etc/web.ini", supervisord(value)) == []


def test_two_programs_may_set_the_same() -> None:
    assert told("/etc/web.ini", supervisord("A=1") + "[program:two]\nenvironment=A=2\n") == []


def test_a_secret_that_everybody_may_read() -> None:
    [(_, said)] = told("/etc/web.ini", supervisord(f"{TOKEN}=x"), mode=0o644)

    assert said.startswith(f"{TOKEN} looks secret")


@pytest.mark.parametrize("name", ["web.service", "web@.service.d/x.conf", "service.d/x.conf"])
def test_a_unit(name: str) -> None:
    text = '[Unit]\nnothing\n[Service]\nEnvironment=A=1 B\nEnvironment="A=2" 1C=3\nEnvironmentFile=rel\n'

    assert [line for line, _ in told(f"/etc/systemd/system/{name}", text)] == [2, 4, 5, 5, 6]


def test_an_empty_line_begins_anew() -> None:
    text = "[Service]\nEnvironment=A=1\nEnvironment=\nEnvironment=A=2 I=%i\n"

    assert told("/etc/systemd/system/web@.service", text) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Enviroment=A=1", "did you mean Environment=?"),
        ("environmentfile=/x", "did you mean EnvironmentFile=?"),
        ("Workingdirectory=/x", "did you mean WorkingDirectory=?"),
        ("[Install]\nEnvironment=A=1", "belongs in [Service]"),
        ("[service]\nEnvironment=A=1", "belongs in [Service]"),
    ],
)
def test_keys_that_systemd_ignores(line: str, message: str) -> None:
    [(at, said)] = told("/etc/systemd/system/web.service", f"[Service]\nX-Environ=A=1\n{line}\n")

    assert at == 2 + len(line.split("\n"))
    assert message in said


def test_what_an_ignored_line_would_have_set_is_known() -> None:
    facts = FileFacts("ok", b"[Service]\nEnviroment=A=1\n[Install]\nEnvironment=B=1\nUser=x\n")
    [part] = parts("/etc/systemd/system/web.service", facts)
    assert part.parsed
    assert [p.variable for p in part.parsed.problems] == ["A", "B", ""]


def test_no_key_of_systemd_is_called_a_mistake() -> None:
    programs = [path for pattern in PROGRAMS for path in Path("/").glob(pattern)]
    if not programs:
        absent("systemd")
    found = (re.findall(rb"\0Service\.([A-Za-z0-9]+)(?=\0)", path.read_bytes()) for path in programs)
    keys = {key for keys in found for key in keys}
    assert len(keys) > 200
    text = "[Service]\n" + "".join(f"{key.decode()}=\n" for key in keys)
    assert told("/etc/systemd/system/web.service", text) == []


def test_circus() -> None:
    text = "[circus]\nx=1\n[watcher:web]\ncmd=x\n[env:web]\nA=1\nB=2\nA=3\n[env]\nA=1\n"
    assert told("/etc/circus.ini", text) == [(8, "A is set before: this line does not count")]
    [(line, said)] = told("/etc/circus.ini", text + "nothing\n")
    assert (line, said) == (11, "neither a section nor `name=value`: circusd refuses the configuration")
    [(_, said)] = told("/etc/circus.ini", f"[env]\n{TOKEN}=x\n", mode=0o644)
    assert said.startswith(f"{TOKEN} looks secret")


def test_an_envdir_has_a_file_for_each_variable() -> None:
    folder = FileFacts("ok", entries={"A": FileFacts("ok", b"'x'\n"), "B": FileFacts("ok", b"1\n2\n")})
    done = chain.apply(Source("envdir", "/etc/shop", Stage.EXEC), folder, {})
    assert done
    assert {(d.path, d.line) for d in doubts(done, folder)} == {("/etc/shop/A", 1), ("/etc/shop/B", 1)}


def test_a_procfile() -> None:
    text = "# x\n\nweb: gunicorn app\nworker gunicorn\nweb:\nweb: other\n"
    assert told("/srv/Procfile", text) == [
        (4, "not NAME: COMMAND: ignored"),
        (5, "not NAME: COMMAND: ignored"),
        (6, "web is there twice, first in line 3"),
    ]


def test_another_file_is_none_of_these() -> None:
    assert parts("/etc/default/web", FileFacts("ok", b"A=1\n[x]\n")) == ()

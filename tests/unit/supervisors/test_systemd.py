"""Units as data: who owns a process, what a start gives, by files and by what is loaded, and the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from build import NOW, OPEN, gunicorn, process, snapshot

from envcheck.model import Answers, Configured, FileFacts, Output, Owner, Process, Server, Start
from envcheck.sources import chain
from envcheck.supervisors import systemd
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import detection, sessions

MANAGER = "Version=252.39\nArchitecture=x86-64\nEnvironment=LANG=C.UTF-8 PATH=/usr/bin\n{path}\n"
ONE = process(1, ["/sbin/init"], parent=0, inner=1, live={"FROM_INIT": "1", "PATH": "/sbin"}, comm="systemd")
UNIT = "[Service]\nExecStart=/usr/bin/gunicorn app:app\n"


def master(cgroup: str = "0::/system.slice/shop.service\n", **given: Any) -> Process:
    return gunicorn(40, 1, cgroup=cgroup, inner=given.pop("inner", 40), **given)


def owner(cgroup: str, *ancestors: Process, **given: Any) -> Owner | None:
    return systemd.owner(master(cgroup, **given), ancestors or (ONE,))


@pytest.mark.parametrize(
    ("cgroup", "name"),
    [
        ("0::/system.slice/shop.service\n", "shop.service"),
        ("1:name=systemd:/system.slice/shop.service\n0::/\n", "shop.service"),
        (
            "9:name=systemd:/x/system.slice/a.service\n4:memory:/b.service\n0::/x/system.slice/a.service\n",
            "a.service",
        ),
        ("0::/ec/payload/system.slice/shop.service/worker\n", "shop.service"),
        (r"0::/system.slice/system-rig.slice/rig@a\x2db.service", r"rig@a\x2db.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\n", "shop.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n", None),
        ("0::/system.slice/docker-" + "0" * 64 + ".scope\n", None),
        ("0::/init.scope\n", None),
        # A system in a container: what counts is the unit in it, whatever the container is.
        ("0::/system.slice/docker-" + "0" * 64 + ".scope/system.slice/shop.service\n", "shop.service"),
        (
            "0::/machine.slice/libpod-" + "0" * 64 + ".scope/container/system.slice/shop.service\n",
            "shop.service",
        ),
        ("0::/lxc.payload.web/system.slice/shop.service\n", "shop.service"),
        ("0::/machine.slice/machine-web.scope/payload/system.slice/shop.service\n", "shop.service"),
        # Version 1 alone: systemd's own hierarchy tells, the others need not agree with it.
        (
            "12:cpu,cpuacct:/\n5:memory:/b.service\n1:name=systemd:/system.slice/shop.service\n",
            "shop.service",
        ),
        ("1:name=systemd:/user.slice/user-0.slice/session-1.scope\n", None),
        # Seen from a cgroup namespace beside it.
        ("0::/../system.slice/shop.service\n", "shop.service"),
        ("0::/..\n", None),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_owner(cgroup: str, name: str | None) -> None:
    found = owner(cgroup)
    assert (found and found.name) == name


SESSION = "0::/user.slice/user-65534.slice/session-c1.scope\n"


@pytest.mark.parametrize(
    ("cgroup", "comm", "own", "inherited", "opener"),
    [
        (SESSION, "su", "30", "30", "30"),
        (SESSION, "su", "30", "", "30"),  # su - hands no mark on
        (SESSION, "su", "", "30", "30"),  # not allowed to read that of su
        (SESSION, "su", "12", "12", None),
        (SESSION, "su", "", "", None),
        (SESSION, "login", "30", "", None),
        (SESSION, "su", "30", "40", "40"),  # PAMName=
        ("0::/user.slice/user-1000.slice/vte-spawn-1.scope\n", "su", "30", "30", None),
    ],
)
def test_a_session_that_the_unit_has_opened(
    cgroup: str, comm: str, own: str, inherited: str, opener: str | None
) -> None:
    def mark(pid: str) -> dict[str, str]:
        return {"SYSTEMD_EXEC_PID": pid} if pid else {}

    by = process(30, [comm], comm=comm, inner=30, cgroup=cgroup, at_exec=mark(own))
    found = owner(cgroup, by, ONE, at_exec=mark(inherited))
    assert (found and found.facts["opener"]) == opener
    listed = b"Id=a.service\nMainPID=0\n\nMainPID=" + (opener or "0").encode() + b"\nId=shop.service\n"
    answers = Answers(outputs={sessions.LISTED: Output("ok", 0, listed)})
    assert found is None or sessions.named(found, Known(answers)) == found._replace(name="shop.service")
    assert found is None or sessions.named(found, Known(Answers())) is None


def test_user_managers() -> None:
    path = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\n"
    found = owner(path)
    assert found
    assert (found.facts["user"], found.facts["runtime"]) == ("1000", "/run/user/1000")
    manager = process(
        30, ["/lib/systemd/systemd", "--user"], comm="systemd", live={"XDG_RUNTIME_DIR": "/run/me"}
    )
    bare = owner("0::/x/app.slice/shop.service\n", manager, ONE, at_exec={"MANAGERPID": "30"})
    assert bare
    assert (bare.facts["user"], bare.facts["runtime"], bare.pid) == ("1000", "/run/me", 30)


def test_hybrid_prefers_what_names_a_unit() -> None:
    assert detection.path("1:name=systemd:/a.service\n0::/b.service\n") == "/b.service"
    assert detection.path("1:name=systemd:/a.service\n0::/\n") == "/a.service"


class Host:
    """Answers of a machine: files by path, and what systemctl prints of one unit."""

    def __init__(self, files: Mapping[str, str | None], unit: Mapping[str, str] | None = None) -> None:
        self.files = {
            p: FileFacts("ok", c.encode(), NOW - 50) if c is not None else FileFacts("not-a-file")
            for p, c in files.items()
        }
        self.unit = {
            "Id": "shop.service",
            "Names": "shop.service",
            "MainPID": "40",
            "Type": "notify",
            **(unit or {}),
        }
        self.silent = False
        self.printed: bytes | None = None

    def answer(self, key: tuple[str, ...]) -> Any:
        if key[0] == "file":
            return self.files.get(key[1], FileFacts("missing"))
        if key[0] == "folder":
            inside = {
                p.rpartition("/")[2]: f for p, f in self.files.items() if p.rpartition("/")[0] == key[1]
            }
            return FileFacts("ok", changed=NOW - 40, entries=inside) if inside else FileFacts("missing")
        if key[0] == "glob":
            return tuple(sorted(p for p in self.files if p.startswith(key[1].partition("*")[0])))
        if self.silent:
            return Output("timeout")
        if self.printed is not None:
            return Output("ok", 0, self.printed)
        shown = "\n".join(f"{n}={v}" for n, v in self.unit.items())
        return Output("ok", 0, (MANAGER.format(path="") + "\n" + shown + "\n").encode())

    def start(self, found: Owner | None) -> tuple[Start, Answers]:
        assert found is not None
        answers = Answers()
        for _ in range(9):
            known = Known(answers)
            start = systemd.start(found, master(), known)
            if not known.wanted:
                return start, answers
            new = {k: self.answer(k) for k in known.wanted}
            answers = Answers(
                {**answers.files, **{k[1]: v for k, v in new.items() if k[0] == "file"}},
                {**answers.folders, **{k[1]: v for k, v in new.items() if k[0] == "folder"}},
                {**answers.globs, **{k[1]: v for k, v in new.items() if k[0] == "glob"}},
                {**answers.outputs, **{k[1:]: v for k, v in new.items() if k[0] == "run"}},
            )
        raise AssertionError("it never has enough")


ETC = "/etc/systemd/system"
SHOP = f"{ETC}/shop.service"


def start(files: Mapping[str, str | None], **unit: str) -> Start:
    given = {
        "ExecStart": "{ path=/usr/bin/gunicorn ; argv[]=/usr/bin/gunicorn app:app ; ignore_errors=no ; }"
    }
    return Host(files, {**given, **unit}).start(
        owner("0::/system.slice/shop.service\n", at_exec={"SYSTEMD_EXEC_PID": "40"})
    )[0]


def values(found: Start) -> dict[str, str]:
    base = {"LANG": "C.UTF-8", "PATH": "/usr/bin"}
    return {n: v for n, v in chain.values(found.applied).items() if base.get(n) != v}


def test_precedence() -> None:
    found = start(
        {
            SHOP: UNIT
            + "EnvironmentFile=/etc/one\nEnvironment=A=unit B=unit C=unit\nPassEnvironment=FROM_INIT\n"
            "UnsetEnvironment=C D=2 E=1\nEnvironment=D=1 E=1\n",
            "/etc/one": "A=file\n",
            f"{SHOP}.d/20.conf": "[Service]\nEnvironment=B=etc\n",
            "/run/systemd/system/shop.service.d/20.conf": "[Service]\nEnvironment=B=run\n",
            "/usr/lib/systemd/system/service.d/10.conf": "[Service]\nEnvironment=S=1 B=type\n",
        }
    )
    assert values(found) == {"A": "file", "B": "etc", "D": "1", "S": "1", "FROM_INIT": "1"}
    places = {
        a.name: f"{p.source.path}:{a.line}" for p in found.applied if p.parsed for a in p.parsed.assignments
    }
    assert places["B"] == f"{SHOP}.d/20.conf:2"
    assert places["A"] == "/etc/one:1"
    assert found.command == ("/usr/bin/gunicorn", "app:app")


def test_the_folder() -> None:
    assert start({SHOP: UNIT}).folder == "/"
    assert start({SHOP: UNIT + "WorkingDirectory=-/srv/%p\n"}).folder == "/srv/shop"
    assert start({SHOP: UNIT + "WorkingDirectory=~\n"}).folder is None


def test_masks_and_resets() -> None:
    found = start(
        {
            SHOP: UNIT + "Environment=A=1\nEnvironmentFile=/etc/gone\n",
            f"{SHOP}.d/a.conf": "[Service]\nEnvironmentFile=\nEnvironment=\nEnvironment=B=2\n",
            f"{SHOP}.d/b.conf": None,
            "/usr/lib/systemd/system/shop.service.d/b.conf": "[Service]\nEnvironment=MASKED=1\n",
        }
    )
    assert values(found) == {"B": "2"}
    assert found.unstartable == ""


def test_ignored_lines_are_problems() -> None:
    found = start(
        {
            SHOP: UNIT
            + "Environment=A=1 B-C=2\nEnvironment='open\nEnvironmentFile=relative\nEnvironment=X=%Z\n"
        }
    )
    [unit] = [a for a in found.applied if a.source.dialect == "Environment"]
    assert unit.parsed
    assert [p.line for p in unit.parsed.problems] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "no unit file"),
        ({SHOP: None}, "masked"),
        ({SHOP: ""}, "masked"),
        ({SHOP: "[Service]\n"}, "no ExecStart="),
        ({SHOP: UNIT + "[Broken\n"}, "refuses the unit"),
        (
            {SHOP: UNIT.replace("/usr/bin/", "bin/")},
            "line 2: its program is named by a path that",
        ),
    ],
)
def test_unstartable(files: Mapping[str, str | None], why: str) -> None:
    assert why in start(files).unstartable


def test_an_empty_name_takes_pam_away() -> None:
    assert any(a.parsed is None for a in start({SHOP: UNIT + "PAMName=login\n"}).applied)
    reset = start({SHOP: UNIT + "PAMName=login\nPAMName=\n"})
    assert all(a.parsed is not None for a in reset.applied)


NOTHING: set[tuple[str, ...]] = set()


@pytest.mark.parametrize(
    ("lines", "needed"),
    [
        ("User=shop\nWorkingDirectory=/srv", {("shop",), ("/srv",), ("/usr/bin/gunicorn",)}),
        ("User=shop\nDynamicUser=yes\nWorkingDirectory=-/srv", {("/usr/bin/gunicorn",)}),
        ("ExecStartPre=/bin/mkdir /opt/x\nWorkingDirectory=~", NOTHING),
        ("RuntimeDirectory=shop\nWorkingDirectory=/run/shop\nPrivateTmp=no", {("/usr/bin/gunicorn",)}),
        ("RootDirectory=/srv/root\nWorkingDirectory=/srv", NOTHING),
        ("ExecSearchPath=/a:/b\nExecStart=\nExecStart=-web", {("/a/web", "/b/web")}),
    ],
)
def test_what_a_unit_needs(lines: str, needed: set[tuple[str, ...]]) -> None:
    assert {need.names for need in start({SHOP: UNIT + lines + "\n"}).needs} == needed


@pytest.mark.parametrize("name", ["missing", "bad"])
def test_environment_files_that_stop_a_start(name: str) -> None:
    needed = start({SHOP: UNIT + f"EnvironmentFile=/etc/{name}\n", "/etc/bad": "A=a\0b"})
    assert [a.source.path for a in needed.applied if a.parsed and a.parsed.refused] == [f"/etc/{name}"]
    optional = start({SHOP: UNIT + f"EnvironmentFile=-/etc/{name}\n", "/etc/bad": "A=a\0b"})
    assert not any(a.parsed and a.parsed.refused for a in optional.applied)


def test_the_dialect_is_that_of_the_version() -> None:
    found = start({SHOP: UNIT + "EnvironmentFile=/etc/one\n", "/etc/one": "# c\\\nA=1\nB=2\n"})
    assert values(found) == {"B": "2"}


def test_loaded_and_on_disk() -> None:
    same = start({SHOP: UNIT + "Environment=A=1\n"}, Environment="A=1")
    assert same.loaded is None
    other = start({SHOP: UNIT + "Environment=A=2\n"}, Environment="A=1")
    assert other.loaded is not None
    assert chain.values(other.loaded.applied)["A"] == "1"
    command = start({SHOP: UNIT.replace("app:app", "-w 4 app:app")})
    assert command.loaded is not None


def test_without_systemctl_the_manager_is_a_gap() -> None:
    host = Host({SHOP: UNIT + "Environment=A=1\n"})
    host.silent = True
    found, _ = host.start(owner("0::/system.slice/shop.service\n"))
    assert [a.source.kind for a in found.applied if a.parsed is None] == ["supervisor-environment"]
    assert values(found) == {"A": "1"}
    assert found.loaded is None


@pytest.mark.parametrize(
    "printed",
    [
        b"",
        b"nonsense\n",
        b"Environment=A=2\n\nId=shop.service\nMainPID=40\n",  # no Version=
        b"Version=252\nEnvironment=A=2\n\nMainPID=40\nEnvironment=A=2\n",  # no Id=
        b"Version=252\nEnvironment=A=2\n\nId=other.service\n",
    ],
)
def test_what_is_no_answer_of_systemctl_is_a_gap(printed: bytes) -> None:
    host = Host({SHOP: UNIT + "Environment=A=1\n"})
    host.printed = printed
    found, _ = host.start(owner("0::/system.slice/shop.service\n"))
    assert [(a.source.kind, a.why) for a in found.applied if a.parsed is None] == [
        ("supervisor-environment", "what systemctl printed is not what it was asked for")
    ]
    assert values(found) == {"A": "1"}


def test_a_unit_is_told_by_an_alias_too() -> None:
    unit = {"Id": "main.service", "Names": "main.service shop.service", "Environment": "A=2", "MainPID": "40"}
    found, _ = Host({SHOP: UNIT + "Environment=A=1\n"}, unit).start(owner("0::/system.slice/shop.service\n"))
    assert found.loaded is not None


def test_a_unit_file_that_may_not_be_read_is_a_gap() -> None:
    host = Host({})
    host.files[SHOP] = FileFacts("denied")
    found, _ = host.start(owner("0::/system.slice/shop.service\n", at_exec={"SYSTEMD_EXEC_PID": "40"}))
    assert [a.source.path for a in found.applied if a.parsed is None] == [SHOP]
    assert found.unstartable == ""


def test_what_a_refused_unit_would_set_is_not_known() -> None:
    found = start({SHOP: UNIT + "Environment=A=1\n[Broken\n"})

    assert [(a.source.path, a.why) for a in found.applied if a.parsed is None] == [
        (SHOP, "line 4: the section header is not closed")
    ]
    assert "A" not in chain.values(found.applied)


def test_a_unit_that_nobody_knows_is_not_called_unstartable() -> None:
    host = Host({})
    host.silent = True
    assert host.start(owner("0::/system.slice/shop.service\n"))[0].unstartable == ""


def test_another_pid_namespace_is_a_gap() -> None:
    found, _ = Host({SHOP: UNIT}).start(owner("0::/x/system.slice/shop.service\n", inner=7))
    [gap] = found.applied
    assert gap.parsed is None


@pytest.mark.parametrize(
    ("unit", "at_exec", "stray"),
    [
        ({"MainPID": "40"}, {"SYSTEMD_EXEC_PID": "9"}, False),
        ({"MainPID": "41"}, {"SYSTEMD_EXEC_PID": "41"}, True),
        ({"MainPID": "0"}, {"SYSTEMD_EXEC_PID": "9"}, True),
        ({"MainPID": "0", "Type": "forking", "InvocationID": "x"}, {"INVOCATION_ID": "x"}, False),
        ({"MainPID": "0", "Type": "forking", "InvocationID": "y"}, {"INVOCATION_ID": "x"}, True),
    ],
)
def test_stray(unit: Mapping[str, str], at_exec: Mapping[str, str], *, stray: bool) -> None:
    found = owner("0::/system.slice/shop.service\n", at_exec=at_exec)
    assert bool(Host({SHOP: UNIT}, unit).start(found)[0].stray) is stray


def server(found: Owner) -> Server:
    [one] = snapshot(master()).servers
    return one._replace(owners=(found,))


def steps(start: Start, found: Owner) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    configured = Configured(start.applied, {}, known=True, start=start)
    given = (found, server(found), configured)
    return (
        [s.argv for s in systemd.restart(*given, snapshot(), OPEN)],
        [s.argv for s in systemd.insufficient(*given)],
    )


def test_steps() -> None:
    found = owner("0::/system.slice/shop.service\n")
    assert found
    restart, useless = steps(Start(), found)
    assert restart == [("systemctl", "restart", "shop.service")]
    assert ("systemctl", "reload", "shop.service") in useless
    restart, useless = steps(Start(loaded=Start()), found)
    assert restart == [("systemctl", "daemon-reload"), ("systemctl", "restart", "shop.service")]
    assert ("systemctl", "restart", "shop.service") in useless
    restart, useless = steps(Start(stray="why"), found)
    assert not [argv for argv in restart if "systemctl" in argv]
    assert useless == []


def test_steps_of_a_user() -> None:
    found = owner("0::/user.slice/user@1000.service/app.slice/shop.service\n")
    assert found
    restart, _ = steps(Start(), found)
    assert restart == [
        (
            *("runuser", "-u", "deploy", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000"),
            *("systemctl", "--user", "restart", "shop.service"),
        )
    ]


def test_one_command_for_all_units() -> None:
    known = Known(Answers())
    for name in ("a", "b"):
        found = owner(f"0::/system.slice/{name}.service\n")
        assert found
        systemd.start(found, master(), known)
    [run] = [r for r in known.wanted.values() if r["op"] == "run"]
    assert run["argv"][-2:] == ["a.service", "b.service"]


@pytest.mark.parametrize(
    ("shares", "triggered", "disruption"),
    [
        (True, "shop.socket", "workers"),
        (True, "shop.timer", "connections"),  # another socket that both have: a restart closes its own
        (True, "", "connections"),
        (False, "shop.socket", "connections"),
    ],
)
def test_connections_wait_for_a_socket_unit_alone(*, shares: bool, triggered: str, disruption: str) -> None:
    one = ONE._replace(sockets=frozenset({7}))
    found = owner("0::/system.slice/shop.service\n", one, sockets=frozenset({7, 8} if shares else {8}))
    assert found
    _, answers = Host({SHOP: UNIT}, {"TriggeredBy": triggered, "TimeoutStopUSec": "1min 30s"}).start(found)
    seen = snapshot(master())._replace(answers=answers)
    [step] = systemd.restart(found, server(found), Configured((), {}, known=True, start=Start()), seen, OPEN)
    assert step.disruption == disruption
    told = {hazard.cause for hazard in systemd.hazards(found, server(found), seen)}
    assert ("downtime" in told) is (disruption == "connections")

"""Who a wrapper runs as, and what that one may read: held against the real programs."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import build
import pytest
from unit.sources.oracle import absent

from envcheck import raw
from envcheck.hosts.local import Local
from envcheck.model import Answers, Applied, Assignment, FileFacts, Parsed, Source, Stage, Start
from envcheck.sources import chain
from envcheck.supervisors import accounts, wrappers
from envcheck.supervisors.ancestry import INHERITED
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import grammar, names, needs
from envcheck.supervisors.systemd.definition import Definition, Place, read
from envcheck.supervisors.systemd.specifiers import Scope

AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
FILES = ("/etc/passwd", "/etc/group", "/etc/login.defs", "/etc/default/runuser", "/bin/sh")


def follow(*command: str, user: str = "", given: dict[str, str] | None = None, folder: str = "/") -> Start:
    """Follow a command on this host, whose files are asked for as they are needed."""
    source = Source(INHERITED, "the environment of runsv 4", Stage.EXEC)
    base = Applied(source, Parsed(tuple(Assignment(n, v, 0) for n, v in (given or {}).items())), 1.0)
    files: dict[str, FileFacts] = {}
    folders: dict[str, FileFacts] = {}
    while True:
        known = Known(Answers(files=files, folders=folders))
        start = wrappers.follow(Start((base,), command, folder=folder, user=user), build.gunicorn(5), known)
        if not known.wanted:
            return start
        for kind, path in known.wanted:
            facts = raw.file_facts(Local().ask([{"op": kind, "path": path}])[0])
            (files if kind == "file" else folders)[path] = facts


def refused(start: Start) -> list[str]:
    return [a.parsed.problems[0].message for a in start.applied if a.parsed and a.parsed.refused]


def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start a program as somebody else")


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        absent(name)
    return found or name


@pytest.fixture
def env_d(tmp_path: Path) -> Path:
    """Make a folder that everybody may reach from the one that it is in, with one file."""
    tmp_path.chmod(0o755)
    made = tmp_path / "env.d"
    made.mkdir(mode=0o755)
    (made / "OPEN").write_text("yes\n")
    return made


@pytest.mark.parametrize("tool", ["envdir", "s6-envdir", "chpst -e"])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604, 0o644, 0o444, 0o000])
@pytest.mark.parametrize("gid", [0, 65534])
def test_a_file_that_the_user_may_not_read(tool: str, mode: int, gid: int, env_d: Path) -> None:
    root()
    (env_d / "PRIV").write_text("secret\n")
    os.chown(env_d / "PRIV", 0, gid)
    (env_d / "PRIV").chmod(mode)
    words = tool.split()
    real = [*AS_NOBODY, program(words[0]), *words[1:], env_d.name, "/bin/true"]
    starts = subprocess.run(real, check=False, capture_output=True, cwd=env_d.parent).returncode == 0

    by_alone = follow("setuidgid", "nobody", *words, str(env_d), "gunicorn", user="root")
    by_unit = follow(*words, str(env_d), "gunicorn", user="nobody")

    why = "PRIV: nobody may not read it: the program is not started"
    assert refused(by_alone) == ([] if starts else [why])
    # More groups than its own may let it in.
    sure = not starts and not mode & 0o044
    assert refused(by_unit) == ([why] if sure else [])


# Tags of entries in linux/posix_acl_xattr.h; who they are for where they need no number.
OWNER, USER, OWN_GROUP, GROUP, MASK, OTHERS, NOBODY_ELSE = 1, 2, 4, 8, 16, 32, 0xFFFFFFFF
ACLS: dict[str, list[tuple[int, int, int] | int]] = {
    "lets its user in": [(USER, 65534, 4), (OWN_GROUP, NOBODY_ELSE, 0), (MASK, NOBODY_ELSE, 4), 0],
    "keeps its user out": [(USER, 65534, 0), (OWN_GROUP, NOBODY_ELSE, 4), (MASK, NOBODY_ELSE, 4), 4],
    "lets in, but for the mask": [(USER, 65534, 4), (OWN_GROUP, NOBODY_ELSE, 4), (MASK, NOBODY_ELSE, 0), 4],
    "is about somebody else": [(USER, 1, 4), (OWN_GROUP, NOBODY_ELSE, 0), (MASK, NOBODY_ELSE, 4), 0],
    "lets its group in": [(OWN_GROUP, NOBODY_ELSE, 0), (GROUP, 65534, 4), (MASK, NOBODY_ELSE, 4), 0],
    "keeps its group out": [(OWN_GROUP, NOBODY_ELSE, 4), (GROUP, 65534, 0), (MASK, NOBODY_ELSE, 4), 4],
    "keeps another group out": [(OWN_GROUP, NOBODY_ELSE, 0), (GROUP, 1, 0), (MASK, NOBODY_ELSE, 0), 4],
}


def give_acl(path: Path, *entries: tuple[int, int, int] | int) -> None:
    """Give an ACL in which the owner may read and write; a number is what others may."""
    rows = [
        (OWNER, NOBODY_ELSE, 6),
        *(e if isinstance(e, tuple) else (OTHERS, NOBODY_ELSE, e) for e in entries),
    ]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, may, who) for tag, who, may in rows)
    try:
        os.setxattr(path, "system.posix_acl_access", packed)
    except OSError:
        absent("a file system with ACLs")


@pytest.mark.parametrize("acl", ACLS)
def test_a_file_with_an_acl(acl: str, env_d: Path) -> None:
    root()
    (env_d / "PRIV").write_text("secret\n")
    give_acl(env_d / "PRIV", *ACLS[acl])
    real = [*AS_NOBODY, program("envdir"), env_d.name, "/bin/true"]
    starts = subprocess.run(real, check=False, capture_output=True, cwd=env_d.parent).returncode == 0

    start = follow("setuidgid", "nobody", "envdir", str(env_d), "gunicorn", user="root")

    assert bool(refused(start)) == (not starts)


def test_a_file_of_which_it_is_not_known_whether_it_has_an_acl() -> None:
    """The mode tells of the group what an ACL gives anybody at the most."""
    account = accounts.Account("web", 33, 33, "/", "/bin/sh", frozenset({33}))
    barred = {
        mode: accounts.is_barred(account, FileFacts("ok", mode=mode, gid=0, acl=None))
        for mode in (0o600, 0o640, 0o604)
    }
    assert barred == {0o600: True, 0o640: False, 0o604: False}
    assert not accounts.is_barred(account, FileFacts("ok", mode=0o640, gid=0, acl=b"of another kind"))


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711, 0o755])
def test_a_folder_that_the_user_may_not_read(mode: int, env_d: Path) -> None:
    root()
    env_d.chmod(mode)
    real = [*AS_NOBODY, program("envdir"), env_d.name, "/bin/true"]
    starts = subprocess.run(real, check=False, capture_output=True, cwd=env_d.parent).returncode == 0

    start = follow("envdir", str(env_d), "gunicorn", user="nobody")

    assert bool(start.unstartable) == bool(refused(start)) == (not starts)


@pytest.mark.parametrize(
    "command",
    [
        "envdir FOLDER setuidgid nobody gunicorn",
        "chpst -u nobody -e FOLDER gunicorn",
        "chpst -e FOLDER chpst -u nobody gunicorn",
        "start-stop-daemon --start --exec /usr/bin/envdir -- FOLDER gunicorn",
        "sudo -u nobody envdir FOLDER gunicorn",
    ],
)
def test_who_reads_it_decides(command: str, env_d: Path) -> None:
    (env_d / "PRIV").write_text("secret\n")
    (env_d / "PRIV").chmod(0o600)
    start = follow(*command.replace("FOLDER", str(env_d)).split(), user="root")
    assert refused(start) == []


@pytest.mark.parametrize(
    ("unit", "user"),
    [
        ("User=nobody\nExecStart=/bin/x", "nobody"),
        ("User=nobody\nExecStart=-@/bin/x y", "nobody"),
        ("ExecStart=/bin/x", "root"),
        ("User=nobody\nExecStart=+/bin/x", "root"),
        ("User=nobody\nExecStart=-!!/bin/x", "root"),
        ("User=nobody\nDynamicUser=yes\nExecStart=/bin/x", ""),
        ("User=nobody\nRootDirectory=/r\nExecStart=/bin/x", ""),
    ],
)
def test_who_a_unit_is_started_as(unit: str, user: str) -> None:
    found = Definition(Scope(names.parse("x.service"), "", Known(Answers())))
    for line in grammar.parse(f"[Service]\n{unit}\n".encode()).lines:
        read(found, Place("/x", line.number), line)
    assert needs.user(found) == user


# TERM alone outlives --reset-env.
GIVEN = {
    "A": "1",
    "HOME": "/q",
    "USER": "u",
    "LOGNAME": "l",
    "SHELL": "/s",
    "PATH": "/usr/bin:/bin",
    "TERM": "t",
}


def as_really(command: str) -> dict[str, str]:
    """Give what a program gets, by having `env` in the place of the server."""
    first, *words = command.split()
    done = subprocess.run([program(first), *words], check=False, capture_output=True, env=GIVEN)
    assert done.returncode == 0, done.stderr
    pairs = [line.partition("=") for line in done.stdout.decode().splitlines()]
    return {n: v for n, _, v in pairs}


def computed(command: str, user: str = "root") -> dict[str, str | None]:
    """Give the same as it is computed; what is dynamic is `?`."""
    start = follow(*command.split(), "gunicorn", user=user, given=GIVEN)
    assert [a.why for a in start.applied if a.parsed is None] == []
    settings = chain.combine(start.applied).settings
    last = {n: places[-1].assignment for n, places in settings.items()}
    return {n: "?" if a.dynamic else a.value for n, a in last.items() if a.dynamic or a.value is not None}


@pytest.mark.parametrize(
    "command",
    [
        "setpriv --nnp",
        "setpriv --reset-env",
        "setpriv --reset-env --reuid=0",
        "setpriv --reset-env --reuid=nobody --regid nogroup --clear-groups --",
        "setpriv --reset-e --ruid 65534",
        "setpriv --reuid=www-data --init-groups --reset-env",
        "setpriv --euid=nobody --clear-groups --reset-env",
        "setpriv --reuid=nobody --clear-groups",
        "setpriv --reset-env env A=2",
    ],
)
def test_what_setpriv_sets(command: str) -> None:
    root()
    assert computed(command) == as_really(f"{command} env")


@pytest.mark.parametrize(
    "command",
    [
        "envuidgid nobody",
        "envuidgid nobody env -i A=2",
        "envuidgid nobody env -u UID",
        "envuidgid nobody setpriv --reset-env",
        "s6-envuidgid nobody",
        "s6-envuidgid games",
        "s6-envuidgid nobody s6-setuidgid nobody",
        "s6-envuidgid nobody s6-applyuidgid -U -z",
        "s6-envuidgid nobody s6-applyuidgid -U",
        "env UID=1 GID=2 GIDLIST=3 s6-setuidgid nobody",
        "env UID=1 GID=2 GIDLIST=3 setuidgid nobody",
        "chpst -U nobody",
        "chpst -U nobody:daemon:users",
        "chpst -U :65534:1",
        "chpst -u nobody",
    ],
)
def test_numbers_of_users(command: str) -> None:
    root()
    assert computed(command) == as_really(f"{command} env")


def test_a_script_does_not_know_them_either() -> None:
    start = follow("envuidgid", "not-there", "sh", "-c", "export A=$UID B=${GID:-0}; exec gunicorn", given={})
    made = chain.combine(start.applied).settings
    assert all(made[name][-1].assignment.dynamic for name in ("A", "B"))


@pytest.mark.parametrize("command", ["s6-envuidgid -u nobody", "s6-envuidgid not-there"])
def test_numbers_that_are_not_known(command: str) -> None:
    assert computed(command) == {**GIVEN, "UID": "?", "GID": "?", "GIDLIST": "?"}


OF_A_SHELL = {"PWD", "OLDPWD", "SHLVL", "_"}


@pytest.mark.parametrize(
    "command",
    [
        "runuser -u nobody --",
        "runuser -u nobody",
        "runuser --user=nobody -g root --",
        "runuser -u root --",
        "runuser -p -u nobody --",
        "runuser -P -u nobody env A=2",
        "runuser nobody -s /bin/sh -c",
        "runuser -s /bin/sh nobody -- -c",
        "runuser -s /bin/bash --session-command",
        "runuser -s /bin/sh root -c",
        "runuser -m nobody -s /bin/sh -c",
        "runuser --preserve -s /bin/sh nobody -c",
    ],
)
def test_what_runuser_sets(command: str) -> None:
    root()
    real = {n: v for n, v in as_really(f"{command} env").items() if n not in OF_A_SHELL}
    found = {n: v for n, v in computed(command).items() if n not in OF_A_SHELL}
    assert found == real


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (
            "runuser -l nobody -s /bin/sh -c gunicorn",
            "dynamic: what the profiles of a login shell set is not known",
        ),
        ("runuser - nobody -c gunicorn", "dynamic: what the profiles of a login shell set is not known"),
        ("su -s /bin/sh nobody -c gunicorn", "dynamic: what PAM sets for su is not known"),
        ("runuser -u nobody -c gunicorn", "dynamic: this use of runuser is not understood"),
        ("runuser -u nobody gunicorn -c x", "dynamic: this use of runuser is not understood"),
        ("runuser not-there -c gunicorn", "dynamic: what is started is not known"),
    ],
)
def test_what_is_open_after_a_login(command: str, why: str) -> None:
    start = follow(*command.split(), user="root", given=GIVEN)
    assert why in [a.why for a in start.applied if a.parsed is None]


def test_a_login_keeps_hardly_anything() -> None:
    root()
    real = as_really("runuser -l root -s /bin/sh -w A -c env")
    start = follow("runuser", "-lwA", "root", "-s/bin/sh", "-c", "gunicorn", user="root", given=GIVEN)
    values = {n: v for n, v in chain.values(start.applied).items() if n != "PATH"}
    assert values == {n: real[n] for n in ("A", "HOME", "LOGNAME", "SHELL", "TERM", "USER")}
    assert start.command == ("gunicorn",)


def test_setpriv_for_somebody_who_is_not_known() -> None:
    unknown = dict.fromkeys(("HOME", "USER", "LOGNAME", "SHELL", "PATH"), "?")
    assert computed("setpriv --reset-env", user="") == {"TERM": "t", **unknown}
    assert computed("setpriv --reset-env --reuid=not-there") == {"TERM": "t", **unknown}


def test_a_file_that_was_not_read_leaves_its_variable_open(env_d: Path) -> None:
    os.mkfifo(env_d / "PIPE")

    start = follow("envdir", str(env_d), "gunicorn", given={"HOME": "/root"})

    gaps = [(a.source.path, a.why, a.only) for a in start.applied if a.parsed is None]
    assert gaps == [(f"{env_d}/PIPE", "it is no regular file", "PIPE")]
    assert chain.values(start.applied) == {"HOME": "/root", "OPEN": "yes", "PIPE": ""}

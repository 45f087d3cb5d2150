"""Login shells of every kind, noise, no python3, sudo, and nothing of the user's on a remote command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from live.harness import need, root_only
from live.servers import Gunicorn
from remote.sshd import Done, Sshd

pytestmark = root_only

COULD_NOT_TELL = 3
SHELLS = {
    "bash": ("/bin/bash", ".bashrc"),
    "dash": ("/bin/dash", ".profile"),
    "zsh": ("/usr/bin/zsh", ".zshenv"),
    "tcsh": ("/usr/bin/tcsh", ".tcshrc"),
    "fish": ("/usr/bin/fish", ".config/fish/config.fish"),
    "rbash": ("/bin/rbash", ".bashrc"),
    "ash": ("/tmp/envcheck-ash", ".profile"),
}
NOISE = "echo welcome; echo 'NONCE BEGIN 5 00000000'\n"


class User:
    """A user of this machine, for the time of a test."""

    def __init__(self, folder: Path, name: str, shell: str) -> None:
        self.name, self.home = f"ec-{name}-{os.getpid() % 10000}", folder / f"home-{name}"
        subprocess.run(
            ["useradd", "-M", "-d", str(self.home), "-s", shell, "-p", "*", self.name],
            check=True,
            capture_output=True,
        )
        self.home.mkdir()
        self.uid = int(subprocess.check_output(["id", "-u", self.name]))
        os.chown(self.home, self.uid, self.uid)

    def write(self, name: str, text: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["userdel", "-f", self.name], check=False, capture_output=True)


@pytest.fixture(scope="module")
def sshd(street: Path) -> Iterator[Sshd]:
    with Sshd(street / "shells") as made:
        yield made


def ps(sshd: Sshd, user: str, *more: str) -> tuple[Done, dict[str, Any]]:
    done = sshd.envcheck("ps", "-f", "json", "-H", f"{user}@box", *more)
    [host] = json.loads(done.out)["hosts"]
    return done, host


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_a_login_shell(sshd: Sshd, street: Path, name: str, transport: str) -> None:
    need("useradd", "tcsh", "fish", "zsh", "busybox")
    shell, rc = SHELLS[name]
    if name == "ash":
        Path(shell).write_text('#!/bin/busybox sh\nexec /bin/busybox ash "$@"\n')
        Path(shell).chmod(0o755)
    with User(street, f"{name}-{transport}", shell) as user:
        user.write(rc, NOISE)
        user.write("json.py", "raise SystemExit('evil json imported')\n")
        user.write("sitecustomize.py", "raise SystemExit('evil site imported')\n")
        done, host = ps(sshd, user.name, "--transport", transport)
    assert host["status"] == "ok", done


@pytest.mark.parametrize(
    ("shell", "status"),
    [("/usr/sbin/nologin", "no-shell"), ("/bin/false", "no-shell"), ("/bin/true", "forced-command")],
)
def test_no_login_shell(sshd: Sshd, street: Path, shell: str, status: str) -> None:
    with User(street, Path(shell).name, shell) as user:
        done, host = ps(sshd, user.name)
    assert host["status"] == status, done
    assert done.code == COULD_NOT_TELL


def test_a_forced_command(street: Path) -> None:
    with Sshd(street / "forced", ForceCommand="echo only this") as sshd:
        done, host = ps(sshd, "root")
    assert host["status"] == "forced-command", done
    assert "only this" in host["gaps"][0]["why"]


def bin_without_python(folder: Path) -> Path:
    """A PATH on which there is a shell and what belongs to it."""
    folder.mkdir()
    for name in (
        *("sh", "bash", "cat", "date", "uname", "id", "getconf", "readlink", "ls", "stat", "head", "grep"),
        *("timeout", "systemctl"),
    ):
        path = shutil.which(name, path="/usr/bin:/bin")
        if path:
            (folder / name).symlink_to(path)
    return folder


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_without_python3(street: Path, bare: Path, transport: str) -> None:
    """The at-exec layer and the files by a shell; of live environments it is said that they are not there."""
    path = bin_without_python(street / f"bin-{transport}")
    with (
        Gunicorn(street / f"shop-{transport}", bins=bare).put(SHOP="old", ODD="a'b $(id)") as server,
        Sshd(street / f"bare-{transport}", SetEnv=f"PATH={path}") as sshd,
    ):
        server.put(SHOP="new")
        spec = ("-s", server.spec())
        target = f"cwd:{server.folder}"
        here = json.loads(sshd.envcheck("check", target, *spec, "-f", "json", "--no-live").out)
        common = ("check", target, *spec, "-f", "json", "-H", "box", "-v", "--transport", transport)
        done = sshd.envcheck(*common)
        there = json.loads(done.out)
    assert "live environments are not read" in done.err, done
    [ours], [theirs] = here["hosts"][0]["apps"], there["hosts"][0]["apps"]
    assert theirs["state"] == ours["state"] == "stale"
    assert [f["live"]["status"] for f in theirs["findings"]] == ["unsupported"] * len(theirs["findings"])
    for finding in (*ours["findings"], *theirs["findings"]):
        finding["at_exec"].pop("value", None)  # its fingerprint is good for one run
    for key in ("variable", "diagnosis", "cause", "at_exec", "pids"):
        assert [f[key] for f in theirs["findings"]] == [f[key] for f in ours["findings"]]
    assert [g["master"]["pid"] for g in theirs["generations"]] == [
        g["master"]["pid"] for g in ours["generations"]
    ]


def test_sudo(sshd: Sshd, street: Path) -> None:
    need("sudo")
    sudoers = Path("/etc/sudoers.d")
    with User(street, "sudo", "/bin/bash") as user:
        done, host = ps(sshd, user.name, "--sudo")
        assert (done.code, host["status"]) == (COULD_NOT_TELL, "sudo-refused"), done
        assert host["gaps"][0]["hint"]
        rules = sudoers / user.name
        try:
            for options in ("", f"Defaults:{user.name} use_pty\n"):
                rules.write_text(f"{options}{user.name} ALL=(root) NOPASSWD: ALL\n")
                done, host = ps(sshd, user.name, "--sudo")
                assert host["status"] == "ok", done
            rules.write_text(f"{user.name} ALL=(root) NOPASSWD: /bin/true\n")
            assert ps(sshd, user.name, "--sudo")[1]["status"] == "sudo-refused"
            rules.write_text(f"Defaults:{user.name} requiretty\n{user.name} ALL=(root) NOPASSWD: ALL\n")
            assert ps(sshd, user.name, "--sudo")[1]["status"] == "sudo-refused"
        finally:
            rules.unlink(missing_ok=True)


@pytest.mark.parametrize(
    "hostile", ["$(touch PWNED)", "`touch PWNED`", "a'b\"c", "a\nb", "x" * 10000, "; touch PWNED"]
)
def test_names_are_inert(sshd: Sshd, hostile: str) -> None:
    """Of targets, variables and paths none is on a command line of the target, or of ours."""
    for words in (("check", hostile), ("why", hostile), ("show", f"file:/{hostile}", "--dialect", "shell")):
        sshd.envcheck(*words, "-H", "box")
    assert not (Path("/root") / "PWNED").exists()
    assert not (sshd.folder / "PWNED").exists()


def test_one_constant_command(street: Path) -> None:
    """What sshd is asked to run is the same whatever the user wants."""
    with Sshd(street / "log", LogLevel="DEBUG1") as sshd:
        sshd.envcheck("check", "cwd:/secret-1", "-H", "box")
        sshd.envcheck("why", "SECRET_2", "-H", "box")
        log = (sshd.folder / "log").read_text()
    commands = {
        line.partition("command: ")[2] for line in log.splitlines() if "Starting session: command" in line
    }
    assert "agent" not in log.lower() or "auth-agent-req" not in log
    assert "secret-1" not in log
    assert "SECRET_2" not in log
    assert commands or "Starting session" in log

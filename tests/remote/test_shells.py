"""Login shells of every kind, noise, no python3, sudo, and nothing of the user's on a remote command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest
from live.harness import OWN_BIN, need, root_only, send, wait_for
from live.servers import Gunicorn
from remote.sshd import Done, Sshd

from envcheck.hosts import Request
from envcheck.hosts.destination import parse
from envcheck.hosts.ssh import Options, remote

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
        self.home.mkdir(exist_ok=True)
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


@pytest.mark.parametrize("name", ["bash", "dash", "zsh", "tcsh"])
def test_a_login_file_that_starts_another_shell(sshd: Sshd, street: Path, name: str) -> None:
    """What it is sent is no command to that one, though `import` is a program on many hosts."""
    with User(street, f"exec-{name}", "/bin/bash") as user:
        user.write(".bashrc", f"PATH={user.home}:$PATH\nexec {SHELLS[name][0]}\n")
        user.write("import", f"#!/bin/sh\n: >{user.home}/imported\n")
        (user.home / "import").chmod(0o755)
        done, host = ps(sshd, user.name, "-v")
        assert "starts another shell" in done.err
        assert not (user.home / "imported").exists()
    if name == "tcsh":
        assert host["status"] == "no-shell", done
    else:
        assert [gap["what"] for gap in host["gaps"]] == ["live environments"], done


@pytest.mark.parametrize("reads", ["read line", "read -t 1 line"])
def test_a_login_file_that_reads_a_line(sshd: Sshd, street: Path, reads: str) -> None:
    with User(street, "reads", "/bin/bash") as user:
        user.write(".bashrc", f"{reads}\n")
        done, host = ps(sshd, user.name)
    assert (host["status"], host["gaps"]) == ("ok", []), done


def test_a_slow_login_shell(sshd: Sshd, street: Path) -> None:
    """It goes on when its time is over: nothing of ours is there yet. What starts after it ends at once."""
    with User(street, "slow", "/bin/bash") as user:
        user.write(".bashrc", "sleep 4\n")
        done, host = ps(sshd, user.name, "--timeout", "2s")
        assert host["status"] == "timed-out", done
        wait_for(lambda: not processes_of(user.uid), "something is left", 6.0)


def processes_of(uid: int) -> list[Path]:
    found: list[Path] = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += [path] * (path.stat().st_uid == uid)
    return found


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


def test_something_holds_the_output(street: Path) -> None:
    """What a login shell leaves in the background does not hide that there is no python3."""
    path = bin_without_python(street / "held-bin")
    (path / "sleep").symlink_to("/bin/sleep")
    with User(street, "held", "/bin/bash") as user, Sshd(street / "held", SetEnv=f"PATH={path}") as made:
        user.write(".bashrc", "sleep 12 & echo $! >>asleep\n")
        done, host = ps(made, user.name, "--timeout", "9s", "-v")
        for pid in (user.home / "asleep").read_text().split():
            send(int(pid), signal.SIGKILL)
    assert "it has no python3" in done.err, done
    assert host["status"] == "ok", done


def bin_with_python(folder: Path) -> Path:
    bin_without_python(folder)
    (folder / "python3").symlink_to("/usr/bin/python3")
    return folder


def bin_of_busybox(folder: Path) -> Path:
    """A PATH on which every program is busybox."""
    need("busybox")
    folder.mkdir()
    for name in subprocess.check_output(["busybox", "--list"], text=True).split():
        (folder / name).symlink_to("/bin/busybox")
    return folder


@pytest.mark.parametrize("programs", [bin_with_python, bin_without_python, bin_of_busybox])
def test_commands_that_hang_leave_time_for_the_rest(
    street: Path, programs: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may take its time as long as there is some, and what else was asked is answered."""
    path = programs(street / f"slow-{programs.__name__}")
    for name, does in {"systemctl": "exec /bin/sleep 30", "getent": "echo root"}.items():
        (path / name).unlink(missing_ok=True)
        (path / name).write_text(f"#!/bin/sh\n{does}\n")
        (path / name).chmod(0o755)
    slow: Request = {"op": "run", "argv": ["systemctl", "show"], "timeout": 5.0}
    fast: Request = {"op": "run", "argv": ["getent", "passwd", "root"], "timeout": 5.0}
    with (
        User(street, "hangs", "/bin/dash") as user,
        Sshd(street / f"slow-{programs.__name__}-sshd", SetEnv=f"PATH={path}") as made,
    ):
        monkeypatch.setenv("PATH", made.env()["PATH"])
        host = remote(parse(f"{user.name}@box"), Options(timeout=9.0))
        try:
            first, *others, last = host.ask([fast, slow, slow, slow, {"op": "host"}])
            again, more = host.ask([slow, {"op": "host"}])
        finally:
            host.close()
    assert (first["status"], first["stdout"]) == ("ok", b"root\n")
    assert [answer["status"] for answer in (*others, again)] == ["timeout"] * 4
    assert last["hostname"] == more["hostname"] == os.uname().nodename
    assert bool(last["python"]) is (programs is bin_with_python)


@pytest.mark.parametrize(
    ("transport", "programs"),
    [("fabric", bin_without_python), ("ssh", bin_of_busybox)],
    ids=["usual programs", "busybox"],
)
def test_without_python3(street: Path, bare: Path, transport: str, programs: Callable[[Path], Path]) -> None:
    """The at-exec layer and the files by a shell; of live environments it is said that they are not there."""
    path = programs(street / f"bin-{transport}")
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
    assert [gap["what"] for gap in there["hosts"][0]["gaps"]] == ["live environments"]
    assert there["hosts"][0]["gaps"][0]["hint"]
    assert here["hosts"][0]["gaps"] == []
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


def test_sudo_is_not_installed(odd: tuple[Sshd, str, Path]) -> None:
    sshd, user, _ = odd
    done, host = ps(sshd, user, "--sudo")
    assert host["status"] == "sudo-refused", done
    assert "not installed" in host["gaps"][0]["why"]


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_a_banner(street: Path, transport: str) -> None:
    folder = street / f"banner-{transport}"
    folder.mkdir()
    (folder / "banner").write_text("Authorised use only\nNONCE BEGIN 5 00000000\n\x1b]0;owned\x07\n" * 40)
    with Sshd(folder / "sshd", Banner=str(folder / "banner"), PrintMotd="yes", PrintLastLog="yes") as sshd:
        done = sshd.envcheck("ps", "-f", "json", "-H", "box", "--transport", transport)
    [host] = json.loads(done.out)["hosts"]
    assert host["status"] == "ok", done
    assert "\x1b" not in done.out + done.err


def test_no_locale_and_no_home(street: Path) -> None:
    """Names are bytes there and here, whatever either end takes for the language."""
    folder = street / "caf\udce9-l\u00e4den"
    with (
        Gunicorn(folder).put(SHOP="old") as server,
        Sshd(street / "locale", SetEnv="LC_ALL=tr_TR.ISO-8859-9") as sshd,
    ):
        command = ["check", str(server.master), "-f", "json", "-H", "box"]
        plain = sshd.run("env", "-u", "HOME", "LC_ALL=C", "LANG=C", f"{OWN_BIN}/envcheck", *command)
    [host] = json.loads(plain.out)["hosts"]
    assert host["status"] == "ok", plain
    assert "caf\\xe9" in host["apps"][0]["name"], plain


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


# What stands in the place of python3, word for word as it answers `python3 -I -S -c ...`, and how it ends.
NO_PYTHON = {
    "python 2": "echo 'Unknown option: -I' >&2; echo 'usage: python3 [option] ... [-c cmd]' >&2; exit 2",
    "a shim of pyenv": "echo 'pyenv: python3: command not found' >&2; exit 127",
    "a wrapper without alternatives": "exit 1",
    "one that prints nonsense": "echo 'BEGIN 5 00000000'; echo END",
    "one without its library": "echo \"ModuleNotFoundError: No module named 'encodings'\" >&2; exit 1",
    "no program": None,
}
# What is said of them.
TOLD = {
    "python 2": "older than 3.6: usage",
    "a shim of pyenv": "no python3: pyenv",
    "one without its library": "No module named 'encodings'",
    "no program": "cannot be started",
}


@pytest.fixture(scope="module")
def odd(street: Path) -> Iterator[tuple[Sshd, str, Path]]:
    """An sshd, and a user of it who finds another python3: where that is."""
    path = bin_without_python(street / "odd-bin")
    with User(street, "odd", "/bin/dash") as user, Sshd(street / "odd", SetEnv=f"PATH={path}") as made:
        yield made, user.name, path / "python3"


@pytest.mark.parametrize("name", NO_PYTHON)
def test_a_python3_that_is_none(odd: tuple[Sshd, str, Path], name: str) -> None:
    sshd, user, program = odd
    text = NO_PYTHON[name]
    program.write_text("\x7fELF\0\0" if text is None else f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    done, host = ps(sshd, user, "-v")
    assert host["status"] == "ok", done
    assert TOLD.get(name, "") in done.err
    assert [gap["what"] for gap in host["gaps"]] == ["live environments"], done
    assert "its shell was asked" in done.err


# Writes down what sshd was asked to run, and who else could read what; then runs it.
RECORDER = """\
#!/bin/sh
{{ printf '%s\\n' "$SSH_ORIGINAL_COMMAND"; }} >>{folder}/asked
env >>{folder}/env
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""


class Recorded:
    """An sshd that writes down every command that it is asked to run."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        folder.mkdir()
        recorder = folder / "recorder"
        recorder.write_text(RECORDER.format(folder=folder))
        recorder.chmod(0o755)
        self.sshd = Sshd(folder / "sshd", ForceCommand=str(recorder), AllowAgentForwarding="yes", **options)

    def asked(self) -> set[str]:
        return set((self.folder / "asked").read_text().splitlines())


PYTHON = (
    "python3 -I -S -c "
    '"import sys;f=sys.stdin.buffer;exec(f.read(int(next(l for l in f if l.strip().isdigit()))))"'
)
OURS = ("cwd:/data-of-ours-1", "DATA_OF_OURS_2", "file:/data-of-ours-3", "/data-of-ours-4/spec.yaml")


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_one_constant_command(street: Path, transport: str) -> None:
    """What sshd is asked to run is the same whatever the user wants; no agent is lent."""
    spec = street / f"data-of-ours-{transport}.yaml"
    spec.write_text(
        "apps: {data-of-ours-5: {match: {cwd: /data-of-ours-6}, env: {DATA_OF_OURS_7: data-of-ours-8}}}"
    )
    made = Recorded(street / f"recorded-{transport}")
    how = ("-H", "box", "--transport", transport)
    runs = [
        ("check", OURS[0]),
        ("check", "-s", str(spec)),
        ("why", OURS[1]),
        ("show", OURS[2], "--dialect", "shell"),
        ("check", OURS[0], "--sudo"),
        ("restart", OURS[0], "--apply", "--yes"),
    ]
    with made.sshd as sshd:
        for words in runs if transport == "fabric" else runs[1::3]:
            sshd.envcheck(*words, *how)
        assert made.asked() == {PYTHON, f"sudo -n -- {PYTHON}"}
    assert "SSH_AUTH_SOCK" not in (made.folder / "env").read_text()


def test_one_constant_command_without_python3(street: Path) -> None:
    made = Recorded(street / "recorded-bare", SetEnv=f"PATH={bin_without_python(street / 'recorded-bin')}")
    with made.sshd as sshd:
        done = sshd.envcheck("show", OURS[2], "--dialect", "shell", "-H", "box")
        assert made.asked() == {PYTHON, "sh"}, done


def command_lines() -> set[bytes]:
    """Give what every user sees of every process."""
    found: set[bytes] = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.add(path.read_bytes())
    return found


def test_nothing_of_a_spec_is_in_any_command_line(street: Path) -> None:
    """Neither here nor there, as long as the probe is at work."""
    with Gunicorn(street / "argv").put(COLOUR="value-of-ours-1") as server, Sshd(street / "ps") as sshd:
        server.rules = {"COLOUR": {"equals": "value-of-ours-1"}, "OTHER": {"equals": "value-of-ours-2"}}
        argv = [f"{OWN_BIN}/envcheck", "check", "-s", server.spec(), "-H", "box", "--wait", "60s"]
        seen: set[bytes] = set()

        def at_work() -> bool:
            seen.update(command_lines())
            return any(b"\0-I\0-S\0-c\0import sys;f=" in line for line in seen)

        with subprocess.Popen(
            argv, env=dict(sshd.env()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            try:
                wait_for(at_work, "the probe is not seen")
                looks = time.monotonic() + 1
                wait_for(lambda: at_work() and time.monotonic() > looks, "time stands still")
                assert running.poll() is None
            finally:
                running.send_signal(signal.SIGINT)
    assert b"envcheck\0check\0" in b"\n".join(seen)
    assert not [line for line in seen if b"value-of-ours" in line]

"""The op that acts: it reaches the process that was meant or none, one at a time, and never hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from probe.support import wait_for

from envcheck.probe import act, lock, procfs

Json = dict[str, Any]


class Plan:
    """One lock, and what is asked under it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ask(self, what: str, **given: object) -> Json:
        return dict(act.act({"do": what, "lock": self.name, **given}))

    def begin(self, *processes: Json, signals: tuple[int, ...] = ()) -> Json:
        return self.ask("begin", processes=list(processes), signals=list(signals))

    def step(self, *argv: str, timeout: float = 10) -> Json:
        return self.ask("step", argv=list(argv), timeout=timeout)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    monkeypatch.setattr(lock, "ROOTS", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = Plan("test-1")
    yield made
    made.ask("end")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def identity(pid: int) -> Json:
    with procfs.Folder(b"/proc/%d" % pid) as folder:
        image = procfs.Image(folder)
    return {"pid": pid, "start": image.stat.start, "image": image.digest()}


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().split()[2]


def test_a_signal_reaches_what_is_held(plan: Plan, sleeper: subprocess.Popen[bytes]) -> None:
    assert plan.begin(identity(sleeper.pid), signals=(sleeper.pid,))["status"] == "ok"

    assert plan.step("kill", "-TERM", str(sleeper.pid))["status"] == "ok"
    wait_for(lambda: state(sleeper.pid) == "Z")
    assert plan.step("kill", "-TERM", str(sleeper.pid))["status"] == "exited"  # not reaped yet
    assert sleeper.wait(10) == -signal.SIGTERM
    assert plan.step("kill", "-TERM", str(sleeper.pid))["status"] == "exited"


def test_nothing_else_is_signalled(plan: Plan, sleeper: subprocess.Popen[bytes]) -> None:
    assert plan.begin()["status"] == "ok"

    assert Plan("test-2").begin(signals=(sleeper.pid,))["status"] == "unknown"
    assert plan.step("kill", "-TERM", str(sleeper.pid))["status"] == "unknown"
    assert sleeper.poll() is None


@pytest.mark.parametrize("change", [{"start": 1}, {"image": "another"}])
def test_another_process_under_the_pid(plan: Plan, sleeper: subprocess.Popen[bytes], change: Json) -> None:
    assert plan.begin(identity(sleeper.pid) | change)["status"] == "changed"

    with pytest.raises(KeyError):
        plan.step("true")


def test_without_pidfd_the_folder_tells(
    plan: Plan, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert plan.begin(identity(sleeper.pid), signals=(sleeper.pid,))["status"] == "ok"

    assert plan.step("kill", "-TERM", str(sleeper.pid))["status"] == "ok"
    sleeper.wait(10)
    assert plan.step("kill", "-TERM", str(sleeper.pid))["status"] == "exited"


def test_a_process_that_has_ended(plan: Plan, sleeper: subprocess.Popen[bytes]) -> None:
    known = identity(sleeper.pid)
    sleeper.kill()
    wait_for(lambda: state(sleeper.pid) == "Z")
    assert plan.begin(known)["status"] == "exited"  # not reaped yet
    sleeper.wait(10)
    assert plan.begin(known)["status"] == "exited"


# --- the lock ---------------------------------------------------------------------------------------------

HOLD = """\
import sys
from envcheck.probe import act, lock
lock.ROOTS = sys.argv[1]
print(act.act({"do": "begin", "lock": "test-1", "processes": [], "signals": []})["status"], flush=True)
sys.stdin.read()
"""


def test_one_at_a_time(plan: Plan, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ok\n"

        assert plan.begin() == {"status": "locked", "detail": str(other.pid)}
        assert Plan("test-2").begin()["status"] == "ok"
        other.kill()  # what is held goes with it
        other.wait(10)
    assert plan.begin()["status"] == "ok"
    assert plan.begin()["status"] == "locked"
    Plan("test-2").ask("end")


def _symlink(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "envcheck").symlink_to("elsewhere")


def _open_to_all(folder: Path) -> None:
    (folder / "envcheck").mkdir()
    (folder / "envcheck").chmod(0o777)


def _symlinked_lock(folder: Path) -> None:
    (folder / "envcheck").mkdir(0o700)
    (folder / "precious").write_text("kept")
    (folder / "envcheck" / "test-1").symlink_to("../precious")


def _linked_lock(folder: Path) -> None:
    (folder / "envcheck").mkdir(0o700)
    (folder / "precious").write_text("kept")
    (folder / "envcheck" / "test-1").hardlink_to(folder / "precious")


def _fifo(folder: Path) -> None:
    (folder / "envcheck").mkdir(0o700)
    os.mkfifo(folder / "envcheck" / "test-1")


@pytest.mark.parametrize("trap", [_symlink, _open_to_all, _symlinked_lock, _linked_lock, _fifo])
def test_traps_in_the_place_of_the_lock(plan: Plan, tmp_path: Path, trap: Callable[[Path], None]) -> None:
    trap(tmp_path)

    assert plan.begin()["status"] == "error"
    if (tmp_path / "precious").exists():
        assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "."])
def test_a_name_that_is_no_name(plan: Plan, name: str) -> None:
    plan.name = name
    assert plan.begin()["status"] == "error"


# --- commands ---------------------------------------------------------------------------------------------


def test_a_command(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET", "of the caller")
    plan.begin()

    done = plan.step("sh", "-c", "pwd; env; echo last; exit 3")

    assert (done["status"], done["code"]) == ("failed", 3)
    assert done["output"].startswith(b"/\n")
    assert done["output"].endswith(b"last\n")
    assert b"AWS_SECRET" not in done["output"]
    assert plan.step("true")["status"] == "ok"
    assert plan.step("no-such-command")["status"] == "missing"
    assert plan.step("sh", "-c", "kill -9 $$")["code"] == -9


def test_only_the_end_of_its_output_is_kept(plan: Plan) -> None:
    plan.begin()
    done = plan.step("sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end")
    assert (done["status"], len(done["output"])) == ("ok", act.TAIL)
    assert done["output"].endswith(b"x\nend\n")


def test_output_without_end(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "MOST", 100000)
    plan.begin()
    assert plan.step("cat", "/dev/zero")["status"] == "oversized"


def test_a_command_that_hangs_ends_with_its_children(plan: Plan) -> None:
    plan.begin()
    started = time.monotonic()
    done = plan.step("sh", "-c", "trap '' TERM; sleep 61 & echo $!; wait; wait", timeout=0.3)
    assert (done["status"], done["code"]) == ("timeout", None)
    assert time.monotonic() - started < 10
    pid = int(done["output"])
    wait_for(lambda: not Path(f"/proc/{pid}/fd/1").exists())


def test_what_is_started_outlives_its_command_and_may_write(plan: Plan, tmp_path: Path) -> None:
    """A server that inherits the output of its starter meets no closed pipe."""
    plan.begin()
    script = f"sleep 0.3; echo more && echo $$ > {tmp_path}/pid; exec sleep 600"
    assert plan.step("setsid", "--fork", "sh", "-c", script)["status"] == "ok"
    plan.ask("end")
    wait_for((tmp_path / "pid").exists)
    wait_for(lambda: (tmp_path / "pid").read_text().endswith("\n"))
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_the_lock_is_not_inherited(plan: Plan, tmp_path: Path) -> None:
    plan.begin()
    plan.step("setsid", "--fork", "sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    wait_for((tmp_path / "pid").exists)
    wait_for(lambda: (tmp_path / "pid").read_text().endswith("\n"))
    plan.ask("end")
    assert plan.begin()["status"] == "ok"
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


ABANDONED = """
import time
from envcheck.probe import acting, lock
acting.IDLE, lock.ROOTS = 1, {root!r}
acting.answer([{{"do": "begin", "lock": "test-2", "processes": [], "signals": []}}])
[done] = acting.answer([{{"do": "step", "lock": "test-2", "argv": ["sleep", "2"], "timeout": 9}}])
print(done["status"], flush=True)
time.sleep(600)
"""


def test_who_hears_nothing_for_long_ends(tmp_path: Path) -> None:
    """But not while a step is being run, however long that takes."""
    code = ABANDONED.format(root=str(tmp_path))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, timeout=30, env=environment
    )

    assert (done.stdout, done.returncode) == (b"ok\n", -signal.SIGALRM), done.stderr

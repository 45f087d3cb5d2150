"""Real processes for the tests of the probe: each is waited for, and killed by its number."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

import envcheck.probe
from envcheck.hosts import unpack
from envcheck.probe import frame

HERE = Path(__file__).parent
PACKAGE = Path(envcheck.probe.__file__).parent
NOBODY = 65534
BASE = {"A": "1", "B": "2", "EMPTY": ""}
ENTRIES = [b"A=1", b"B=2", b"EMPTY="]

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def absent(what: str) -> NoReturn:
    """Skip, or fail where everything is required to be there."""
    if os.environ.get("ENVCHECK_REQUIRE") == "1":
        pytest.fail(f"{what} is required")
    pytest.skip(f"{what} is absent")


def wait_for(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Poll until *condition* holds; its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return value


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


class Nursery:
    """Starts processes and ends all of them."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *argv: str | Path, ready: bool = True, **options: Any) -> int:
        """Start a program; with *ready*, wait until it says so. Its pid."""
        options.setdefault("env", BASE)
        child = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
        )
        self.started.append(child)
        if ready:
            assert child.stdout is not None
            line = child.stdout.readline()
            if line == b"refused\n":
                pytest.skip("the kernel refuses PR_SET_MM_MAP")
            assert line == b"ready\n"
        return child.pid

    def close(self) -> None:
        for child in self.started:
            orphans = children_of(child.pid) if child.poll() is None else []
            child.kill()
            for pid in orphans:  # they hold its output open
                with suppress(ProcessLookupError):  # its input has ended, and it with that
                    os.kill(pid, 9)
            child.communicate()
        self.started.clear()


def private_proc(hidepid: str) -> None:
    """Mount another /proc, for this process alone: what others did to the machine's own must not matter."""
    libc = ctypes.CDLL(None, use_errno=True)
    private, clone_newns = 0x44000, 0x20000  # MS_REC | MS_PRIVATE
    done = [
        libc.unshare(clone_newns),
        libc.mount(None, b"/", None, private, None),
        libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=" + hidepid.encode()),
    ]
    assert done == [0, 0, 0], os.strerror(ctypes.get_errno())


def as_nobody(work: Callable[[], list[dict[str, Any]]], hidepid: str = "0") -> list[dict[str, Any]]:
    """What *work* answers in a fork that has become the user nobody, and sees /proc with *hidepid*."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            private_proc(hidepid)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, frame.encode(work(), "nobody"))
        except BaseException:  # noqa: BLE001 - a fork must not return into pytest
            traceback.print_exc(file=sys.__stderr__)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    return unpack.decode(data, "nobody")


def compiled(folder: Path, name: str, compiler: str, *flags: str) -> Path:
    """Build target.c (or another source named in *flags*)."""
    if not shutil.which(compiler):
        absent(compiler)
    program = folder / name
    if not program.exists():
        source = [] if any(flag.endswith(".c") for flag in flags) else [str(HERE / "target.c")]
        command = [compiler, "-O1", "-w", "-o", str(program), *source, *flags, "-pthread"]
        subprocess.run(command, check=True, capture_output=True)
    return program

"""Files as a process sees them: never one that is outside of its root, whatever its links say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from probe.support import root_only

from envcheck.probe import answer, inside
from envcheck.probe.procfs import Folder, Stat

pytestmark = root_only

SECRET = b"TOKEN=of-the-host\n"
OWN = b"COLOUR=red\n"


class Prisoner:
    """A process in a root of its own, and beside that root what it must not lead to."""

    def __init__(self, place: Path) -> None:
        self.root = place / "root"
        (self.root / "etc" / "app").mkdir(parents=True)
        (self.root / "etc" / "env").write_bytes(OWN)
        (place / "secret").write_bytes(SECRET)
        self.secret = str(place / "secret")
        ready, told = os.pipe()
        held, self.held = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.held)
            os.chroot(self.root)
            os.chdir("/")
            os.write(told, b"x")
            os.read(held, 1)
            os._exit(0)
        os.close(held)
        os.read(ready, 1)
        os.close(ready)
        os.close(told)
        with Folder(b"/proc/%d" % self.pid) as folder:
            self.start = Stat(folder.read(b"stat")).start

    def ask(self, op: str, path: str) -> dict[str, Any]:
        [found] = answer([{"op": op, "patterns": [path], "path": path, "root": [self.pid, self.start]}])
        return dict(found)

    def link(self, name: str, target: str) -> str:
        (self.root / name).symlink_to(target)
        return f"/{name}"

    def end(self) -> None:
        if self.held >= 0:
            os.close(self.held)
            os.waitpid(self.pid, 0)
            self.held = -1


@pytest.fixture(params=["openat2", "walk"])
def prisoner(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Prisoner]:
    """With the kernel's help, and as on a kernel that has none to give."""
    if request.param == "walk":
        monkeypatch.setattr(inside, "openat2", lambda _root, _path: None)
    else:
        monkeypatch.setattr(inside, "walk", lambda _root, _path: pytest.fail("the kernel has no openat2"))
    made = Prisoner(tmp_path)
    yield made
    made.end()


def test_its_own_files(prisoner: Prisoner) -> None:
    found = prisoner.ask("file", "/etc/env")
    info = (prisoner.root / "etc" / "env").stat()
    assert (found["status"], found["content"], found["mtime"]) == ("ok", OWN, -(-info.st_mtime_ns // 1000))
    assert prisoner.ask("file", "/etc")["status"] == "folder"
    assert prisoner.ask("file", "/etc/none")["status"] == "missing"
    assert prisoner.ask("file", "/etc/env/none")["status"] == "missing"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/etc/env", "ok"),  # absolute: in its root
        ("etc/env", "ok"),
        ("../../../../etc/env", "ok"),  # above the root there is the root
        ("etc/app/../env", "ok"),
        ("{secret}", "missing"),
        ("../secret", "missing"),
        ("etc/../../secret", "missing"),
        ("/proc/self/root{secret}", "missing"),
    ],
)
def test_links(prisoner: Prisoner, target: str, status: str) -> None:
    path = prisoner.link("link", target.format(secret=prisoner.secret))
    found = prisoner.ask("file", path)
    assert (found["status"], found["content"]) == (status, OWN if status == "ok" else b"")
    again = prisoner.ask("file", prisoner.link("again", path))
    assert again["status"] == status


def test_a_folder_that_is_a_link(prisoner: Prisoner, tmp_path: Path) -> None:
    """As Kubernetes has them: `NAME -> ..data/NAME`, `..data -> ..2026`."""
    folder = prisoner.root / "etc" / "app"
    (folder / "..2026").mkdir()
    (folder / "..2026" / "COLOUR").write_bytes(b"red\n")
    (folder / "..data").symlink_to("..2026")
    (folder / "COLOUR").symlink_to("..data/COLOUR")
    (folder / "STOLEN").symlink_to(prisoner.secret)
    (folder / "CLIMBED").symlink_to("../../../secret")
    found = prisoner.ask("folder", prisoner.link("app", "/etc/app"))
    assert found["status"] == "ok"
    contents = {name: (entry["status"], entry["content"]) for name, entry in found["entries"].items()}
    assert contents["COLOUR"] == ("ok", b"red\n")
    assert contents["STOLEN"] == contents["CLIMBED"] == ("missing", b"")
    outside = prisoner.ask("folder", prisoner.link("outside", str(tmp_path)))
    assert (outside["status"], outside["entries"]) == ("missing", {})


def test_a_loop_and_a_pipe(prisoner: Prisoner) -> None:
    prisoner.link("a", "b")
    found = prisoner.ask("file", prisoner.link("b", "a"))
    assert (found["status"], found["detail"]) == ("error", "Too many levels of symbolic links")
    os.mkfifo(prisoner.root / "pipe")
    assert prisoner.ask("file", prisoner.link("p", "/pipe"))["status"] == "not-a-file"


def test_globs(prisoner: Prisoner) -> None:
    for name in ("b.conf", "a.conf", ".c.conf"):
        (prisoner.root / "etc" / "app" / name).touch()
    prisoner.link("up", "../..")
    assert prisoner.ask("glob", "/etc/*/*.conf")["paths"] == {
        "/etc/*/*.conf": ["/etc/app/a.conf", "/etc/app/b.conf"]
    }
    assert prisoner.ask("glob", "/up/secre*")["paths"] == {"/up/secre*": []}
    assert prisoner.ask("glob", "/etc/env")["paths"] == {"/etc/env": ["/etc/env"]}


def test_a_process_that_has_ended_or_is_another(prisoner: Prisoner) -> None:
    """Then nothing is known: not that a file is missing."""
    prisoner.start += 1
    assert prisoner.ask("file", "/etc/env")["status"] == "error"
    prisoner.start -= 1
    prisoner.end()
    assert prisoner.ask("file", "/etc/env") == {"status": "error", "detail": inside.GONE}

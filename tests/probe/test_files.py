"""Files and folders of every kind, and commands: nothing hangs, nothing is read without bound."""

from __future__ import annotations

import os
import socket
import stat
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from probe.support import as_nobody, root_only, wait_for

from envcheck.opening import SCRIPT
from envcheck.probe import answer, commands, files


def file(path: Path | str, limit: int = 1048576) -> dict[str, Any]:
    (found,) = answer([{"op": "file", "path": str(path), "limit": limit}])
    return dict(found)


def micro(nanoseconds: int) -> int:
    return -(-nanoseconds // 1000)


def folder(path: Path | str, **options: int) -> dict[str, Any]:
    (found,) = answer([{"op": "folder", "path": str(path), **options}])
    return dict(found)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "caf\u00e9"
    path.write_bytes(b"A=\xff\r\n")
    path.chmod(0o640)
    found, info = file(path), path.stat()
    assert (found["status"], found["content"], found["size"], found["detail"]) == ("ok", b"A=\xff\r\n", 5, "")
    assert (found["mtime"], found["ctime"], found["uid"]) == (
        micro(info.st_mtime_ns),
        micro(info.st_ctime_ns),
        info.st_uid,
    )
    assert stat.S_IMODE(found["mode"]) == 0o640


def test_what_else_than_the_mode_says_who_may(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(b"1")
    assert (file(tmp_path / "A")["acl"], folder(tmp_path)["acl"]) == (b"", b"")
    assert file("/proc/self/status")["acl"] == b""  # there are none
    acl = b"\2\0\0\0" + b"".join(
        struct.pack("<HHI", tag, 4, who)
        for tag, who in ((1, 0xFFFFFFFF), (2, 7), (4, 0xFFFFFFFF), (16, 0xFFFFFFFF), (32, 0xFFFFFFFF))
    )
    for path in (tmp_path / "A", tmp_path):
        os.setxattr(path, files.ACL, acl)
    assert (file(tmp_path / "A")["acl"], folder(tmp_path)["acl"]) == (acl, acl)
    assert folder(tmp_path)["entries"]["A"]["acl"] == acl


def test_some_columns(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_bytes(b"root:x:0:0:root:/root:/bin/bash\n\nshort:x\n\xff:x:7:7::/:/bin/sh")
    (found,) = answer([{"op": "file", "path": str(path), "columns": 3}])
    assert found["content"] == b"root:x:0\n\nshort:x\n\xff:x:7"
    assert found["size"] == path.stat().st_size


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff")).write_bytes(b"x")
    assert file(f"{tmp_path}/\udcff")["content"] == b"x"
    assert folder(tmp_path)["entries"]["\udcff"]["content"] == b"x"
    (found,) = answer([{"op": "glob", "patterns": [f"{tmp_path}/*", "/no such/*"]}])
    assert found == {"status": "ok", "paths": {f"{tmp_path}/*": [f"{tmp_path}/\udcff"], "/no such/*": []}}


def test_what_is_not_a_regular_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        monkeypatch.setattr(os, "open", lambda *_a, **_k: pytest.fail("opened"))
        for name in ("fifo", "socket"):
            assert file(tmp_path / name)["status"] == "not-a-file"
        assert file("/dev/zero")["status"] == "not-a-file"
        found = file(tmp_path)
        assert (found["status"], found["mtime"]) == ("folder", micro(tmp_path.stat().st_mtime_ns))


def test_a_file_that_became_a_fifo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened without blocking, and judged again."""
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "fifo")
    real = os.open
    monkeypatch.setattr(os, "open", lambda _path, *a, **k: real(tmp_path / "fifo", *a, **k))
    assert file(tmp_path / "file")["status"] == "not-a-file"


def test_sizes(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(2 << 30)
    found = file(tmp_path / "sparse")
    assert (found["status"], found["content"], found["size"]) == ("oversized", b"", 2 << 30)
    (tmp_path / "ten").write_bytes(b"x" * 10)
    assert file(tmp_path / "ten", 10)["content"] == b"x" * 10
    assert file(tmp_path / "ten", 9)["status"] == "oversized"
    assert file("/proc/self/status")["content"].startswith(b"Name:")  # says 0 bytes
    assert (file("/proc/self/status", 5)["status"], file("/proc/self/status", 5)["content"]) == (
        "oversized",
        b"",
    )


@pytest.mark.parametrize(
    ("path", "status"), [("/no such", "missing"), ("/etc/passwd/x", "missing"), ("a\0b", "error")]
)
def test_what_is_not_there(path: str, status: str) -> None:
    assert file(path)["status"] == folder(path)["status"] == status
    assert file(path)["detail"]


def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    entries = folder(tmp_path)["entries"]
    assert (entries["loop"]["status"], entries["dangling"]["status"]) == ("error", "missing")


@root_only
def test_unreadable() -> None:
    place = Path("/tmp") / f"envcheck-{os.getpid()}"  # below pytest's folder nobody could see nothing
    place.mkdir(mode=0o755)
    try:
        (place / "secret").write_bytes(b"x")
        (place / "secret").chmod(0o600)
        requests = [
            {"op": "file", "path": f"{place}/secret"},
            {"op": "folder", "path": str(place)},
            {"op": "folder", "path": "/root"},
        ]
        one, both, closed = as_nobody(lambda: answer(requests))
        assert (one["status"], one["content"], one["detail"]) == ("denied", b"", "Permission denied")
        assert one["ctime"] == micro((place / "secret").stat().st_ctime_ns)
        assert (both["status"], both["entries"]["secret"]["status"]) == ("ok", "denied")
        assert closed["status"] == "denied"
    finally:
        (place / "secret").unlink()
        place.rmdir()


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "NAME").write_bytes(b"value\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "long").write_bytes(b"x" * 11)
    os.mkfifo(tmp_path / "fifo")
    found = folder(tmp_path, limit=10)
    statuses = {name: entry["status"] for name, entry in found["entries"].items()}
    assert statuses == {"NAME": "ok", "sub": "folder", "long": "oversized", "fifo": "not-a-file"}
    assert found["entries"]["NAME"]["content"] == b"value\n"
    assert (found["mtime"], found["ctime"]) == (
        micro(tmp_path.stat().st_mtime_ns),
        micro(tmp_path.stat().st_ctime_ns),
    )
    found = folder(tmp_path, most=3)
    assert (found["status"], found["entries"]) == ("oversized", {})
    assert folder(tmp_path / "NAME")["status"] == folder(tmp_path / "fifo")["status"] == "not-a-folder"


def test_a_folder_of_large_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TOGETHER", 15)
    for name in "ab":
        (tmp_path / name).write_bytes(b"x" * 10)
    assert (folder(tmp_path)["status"], folder(tmp_path)["entries"]) == ("oversized", {})


def run(*argv: str, timeout: float = 10, limit: int = 4194304) -> dict[str, Any]:
    return dict(commands.Command(list(argv), timeout).answer(limit))


def test_a_command() -> None:
    found = run("sh", "-c", "cat; echo $LC_ALL; echo oops >&2; exit 3")
    assert found == {"status": "ok", "code": 3, "stdout": b"C\n", "stderr": b"oops\n", "detail": ""}
    assert run("sh", "-c", "kill -9 $$")["code"] == -9
    assert run("no such command")["status"] == "missing"
    assert run("/etc/passwd")["status"] == "denied"
    assert len(run("head", "-c", "1000000", "/dev/zero")["stdout"]) == 1000000


READING = [
    ("sudo", "-n", "-l"),
    ("systemctl", "show", "-p", "MainPID", "--", "shop.service"),
    ("systemctl", "--user", "cat", "shop.service"),
    ("env", "XDG_RUNTIME_DIR=/run/user/7", "systemctl", "--user", "show", "x"),
    ("env", "XDG_RUNTIME_DIR=/run/user/7", "sh", "-c", SCRIPT, "envcheck", "--user", "x.service"),
    ("sh", "-c", SCRIPT, "envcheck", "--system", "x.service", "y; reboot"),
    ("podman", "inspect", "--format", "{{json .Config.Env}}", "shop"),
    ("podman", "--root", "/srv/c", "--runtime=runc", "inspect", "shop"),
]
CHANGING = [
    ("sudo", "-n", "-l", "-U", "root"),
    ("sudo", "-l"),
    ("sudo", "-n", "reboot"),
    ("sudo", "-n", "-l", "reboot"),
    (),
    ("kill", "-TERM", "1"),
    ("systemctl", "restart", "shop.service"),
    ("systemctl", "--user", "stop", "show"),
    ("systemctl", "-p", "show", "restart", "shop.service"),
    ("systemctl", "--system"),
    ("/tmp/systemctl", "show"),
    ("podman", "--root", "inspect", "rm", "shop"),
    ("podman", "exec", "shop", "inspect"),
    ("sh", "-c", SCRIPT + "; reboot", "envcheck", "--system", "x"),
    ("sh", "-c", SCRIPT.replace("MainPID", "$(reboot)"), "envcheck", "--system", "x"),
    ("sh", "-c", SCRIPT, "envcheck", "--root=/elsewhere", "x"),
    ("env", "LD_PRELOAD=/tmp/x.so", "systemctl", "show"),
    ("env", "sh", "-c", "reboot"),
]


@pytest.mark.parametrize("argv", READING)
def test_a_command_that_only_reads(argv: tuple[str, ...]) -> None:
    assert commands.reads(list(argv))


@pytest.mark.parametrize("argv", CHANGING)
def test_any_other_is_not_run(argv: tuple[str, ...]) -> None:
    (found,) = answer([{"op": "run", "argv": list(argv), "timeout": 9}])
    assert (found["status"], found["code"], found["stdout"]) == ("denied", None, b"")


def test_a_command_that_takes_too_long_ends_with_its_children() -> None:
    started = time.monotonic()
    found = run("sh", "-c", "sleep 61 & echo $!; wait", timeout=0.3)
    assert (found["status"], found["code"]) == ("timeout", None)
    assert time.monotonic() - started < 5
    wait_for(lambda: not Path(f"/proc/{int(found['stdout'])}/fd/1").exists())


def test_a_command_that_leaves_a_child_behind_does_not_wait_for_it() -> None:
    started = time.monotonic()
    found = run("sh", "-c", "sleep 62 & echo $!")
    assert (found["status"], found["code"]) == ("ok", 0)
    assert time.monotonic() - started < 5
    wait_for(lambda: not Path(f"/proc/{int(found['stdout'])}/fd/1").exists())


def test_a_command_without_end_is_cut() -> None:
    found = run("cat", "/dev/zero", limit=100000)
    assert (found["status"], len(found["stdout"])) == ("oversized", 100000)

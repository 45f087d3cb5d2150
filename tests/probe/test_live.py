"""The live environment, read from the memory of real programs."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probe.support import (
    BASE,
    ENTRIES,
    HERE,
    NOBODY,
    Nursery,
    absent,
    as_nobody,
    children_of,
    compiled,
    root_only,
    state,
    wait_for,
)

from envcheck.probe import answer, facts, host, live, locate
from envcheck.probe.memory import Garbage, Memory

Program = Callable[[str], Path]
Read = Callable[..., dict[str, Any]]
CHANGES = ("set", "NEW=n", "set", "A=changed", "unset", "B", "put", "PUT=p")
CHANGED = [b"A=changed", b"EMPTY=", b"NEW=n", b"PUT=p"]
LIVE = [
    "pie",
    "fixed",
    "copy",
    "sysv",
    "stripped",
    "static",
    "static-pie",
    "musl",
    "musl-copy",
    "musl-static",
]


def entries(facts: dict[str, Any]) -> list[bytes]:
    assert facts["live"]["status"] == "ok", facts["live"]
    return list(facts["live"]["entries"])


@pytest.mark.parametrize("kind", LIVE)
def test_every_change_is_seen(kind: str, program: Program, nursery: Nursery, read: Read) -> None:
    facts = read(nursery.start(program(kind), *CHANGES))
    assert sorted(entries(facts)) == CHANGED
    assert facts["live"]["how"] == ("symtab" if "static" in kind else "r_debug")
    assert facts["environ"]["status"] == "ok"
    assert sorted(facts["environ"]["data"][:-1].split(b"\0")) == ENTRIES


def test_the_copy_programs_really_have_a_copy_relocation(program: Program) -> None:
    for kind, expected in (("copy", True), ("sysv", True), ("pie", False)):
        relocations = subprocess.run(
            ["readelf", "-rW", program(kind)], capture_output=True, check=True
        ).stdout
        found = any(b"_COPY" in line and b"environ" in line for line in relocations.splitlines())
        assert found is expected
    sections = subprocess.run(["readelf", "-SW", program("sysv")], capture_output=True, check=True).stdout
    assert b".gnu.hash" not in sections


@pytest.mark.parametrize(
    ("kind", "linker"),
    [
        ("pie", "/lib64/ld-linux-x86-64.so.2"),
        ("copy", "/lib64/ld-linux-x86-64.so.2"),
        ("musl", "/lib/ld-musl-x86_64.so.1"),
        ("musl-copy", "/lib/ld-musl-x86_64.so.1"),
    ],
)
def test_the_linker_run_by_hand(
    kind: str, linker: str, program: Program, nursery: Nursery, read: Read
) -> None:
    if not Path(linker).exists():
        absent(linker)
    assert sorted(entries(read(nursery.start(linker, program(kind), *CHANGES)))) == CHANGED


def test_i386_static(tmp_path: Path, nursery: Nursery, read: Read) -> None:
    flags = ("-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", str(HERE / "bare32.c"))
    try:
        pid = nursery.start(compiled(tmp_path, "bare32", "gcc", *flags))
    except (OSError, subprocess.CalledProcessError):
        absent("i386")
    assert sorted(entries(read(pid))) == ENTRIES


def test_clearenv_is_a_real_emptiness(program: Program, nursery: Nursery, read: Read) -> None:
    pid = nursery.start(program("pie"), "fork", "0", "clear", "fork", "20")
    started = time.monotonic()
    assert entries(read(pid)) == []
    workers = answer([{"op": "process", "pids": children_of(pid), "live": True}])[0]["processes"]
    assert [worker["live"]["status"] for worker in workers] == ["ok"] * 20
    # Patience is spent on the master; its forks are known to have started.
    assert time.monotonic() - started < 20 * facts.PATIENCE / 2


def test_workers_share_image_and_location(
    program: Program, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = nursery.start(program("pie"), "set", "NEW=n", "fork", "50")
    other = nursery.start(program("pie"))
    searches: list[Path] = []
    real = locate.locate

    def counted(*words: Any) -> locate.Location:
        searches.append(words[0])
        return real(*words)

    monkeypatch.setattr(locate, "locate", counted)
    pids = [pid, *children_of(pid)]
    read = answer([{"op": "process", "pids": [*pids, other], "live": True}])[0]["processes"]
    assert all(sorted(entries(facts)) == [*ENTRIES, b"NEW=n"] for facts in read[:-1])
    images = {facts["image"] for facts in read[:-1]}
    assert len(images) == 1
    assert "" not in images
    assert read[-1]["image"] not in images
    assert len(searches) == 2


def test_stripped_static_is_no_symbol(program: Program, nursery: Nursery, read: Read) -> None:
    facts = read(nursery.start(program("static-stripped")))
    assert facts["live"]["status"] == "no_symbol"
    assert facts["environ"]["status"] == "ok"


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox"])
def test_shells_are_unsupported(shell: str, nursery: Nursery, read: Read) -> None:
    path = shutil.which(shell) or absent(shell)
    words = [str(path), *(["sh"] if shell == "busybox" else []), "-c", "export X=1; echo ready; read x"]
    facts = read(nursery.start(*words))
    assert facts["live"]["status"] == "unsupported"
    assert shell in facts["live"]["detail"]


@pytest.mark.parametrize("kind", ["pie", "static"])
def test_a_deleted_executable(
    kind: str, program: Program, tmp_path: Path, nursery: Nursery, read: Read
) -> None:
    copy = Path(shutil.copy(program(kind), tmp_path / "copy"))
    pid = nursery.start(copy, *CHANGES)
    copy.unlink()
    facts = read(pid)
    assert sorted(entries(facts)) == CHANGED
    assert facts["exe"].endswith(b" (deleted)")


def test_a_deleted_libc(program: Program, tmp_path: Path, nursery: Nursery, read: Read) -> None:
    libc = Path(shutil.copy("/lib/x86_64-linux-gnu/libc.so.6", tmp_path / "libc.so.6"))
    pid = nursery.start(program("pie"), *CHANGES, env={**BASE, "LD_LIBRARY_PATH": str(tmp_path)})
    libc.unlink()
    assert f"{libc} (deleted)" in Path(f"/proc/{pid}/maps").read_text()
    assert sorted(entries(read(pid))) == sorted([*CHANGED, b"LD_LIBRARY_PATH=" + bytes(tmp_path)])


@root_only
def test_in_a_chroot(program: Program, tmp_path: Path, nursery: Nursery, read: Read) -> None:
    shutil.copy(program("static"), tmp_path / "inside")
    facts = read(nursery.start("/usr/sbin/chroot", tmp_path, "/inside", *CHANGES))
    assert sorted(entries(facts)) == CHANGED
    assert facts["root"] == bytes(tmp_path)


@root_only
def test_in_another_mount_namespace(program: Program, tmp_path: Path, nursery: Nursery, read: Read) -> None:
    script = 'mount -t tmpfs tmpfs "$1" && cp "$2" "$1/hidden" && d=$1 && shift 2 && exec "$d/hidden" "$@"'
    pid = nursery.start(
        "/usr/bin/unshare", "-m", "/bin/sh", "-c", script, "sh", tmp_path, program("copy"), *CHANGES
    )
    assert not (tmp_path / "hidden").exists()
    found = [entry for entry in entries(read(pid)) if not entry.startswith((b"PWD=", b"OLDPWD=", b"_="))]
    assert sorted(found) == CHANGED


def test_growing_and_shrinking_never_shows_a_variable_twice(
    program: Program, nursery: Nursery, read: Read
) -> None:
    pid = nursery.start(program("pie"), "grow")
    good = 0
    for _ in range(40):
        reading = read(pid)["live"]
        assert reading["status"] in ("ok", "unstable", "error")
        found = reading["entries"]
        assert len(set(found)) == len(found)
        if reading["status"] == "ok":
            assert set(ENTRIES) <= set(found)
            good += 1
    assert good


def test_an_exec_loop_is_right_or_says_so(program: Program, nursery: Nursery, read: Read) -> None:
    pid = nursery.start(program("pie"), "again", ready=False)
    wait_for(lambda: b"SECOND" in Path(f"/proc/{pid}/environ").read_bytes())
    settled = 0
    for index in range(300):
        reading = read(pid, live=index % 40 == 0)
        assert reading["status"] in ("ok", "replaced")
        blocks = [reading["live"]["entries"]]
        if reading["status"] == "ok":
            assert reading["environ"]["status"] == "ok"
            blocks.append(reading["environ"]["data"][:-1].split(b"\0"))
            settled += 1
        for block in filter(None, blocks):
            first, second = (entry.partition(b"=")[2] for entry in block)
            assert first == second
    assert settled


@pytest.mark.parametrize("kind", ["pie", "copy", "musl"])
def test_a_starting_program_is_never_wrong(kind: str, program: Program, read: Read) -> None:
    path = program(kind)
    with Path(os.devnull).open("wb") as sink:
        for _ in range(100):
            pid = os.posix_spawn(path, ["x"], BASE, file_actions=[(os.POSIX_SPAWN_DUP2, sink.fileno(), 1)])
            try:
                facts = read(pid)
            finally:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            assert sorted(entries(facts)) == ENTRIES
            assert facts["environ"]["data"] == b"A=1\0B=2\0EMPTY=\0"


def test_a_stopped_process_is_read_and_stays_stopped(program: Program, nursery: Nursery, read: Read) -> None:
    pid = nursery.start(program("pie"), *CHANGES)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: state(pid) == "T")
    assert sorted(entries(read(pid))) == CHANGED
    assert state(pid) == "T"


def test_a_wiped_environ_and_its_live_values(nursery: Nursery, read: Read) -> None:
    code = (
        "import os, setproctitle; setproctitle.setproctitle('x'); os.putenv('PUT', 'p');"
        "print('ready', flush=True); input()"
    )
    facts = read(nursery.start(sys.executable, "-c", code))
    assert facts["environ"]["status"] == "ok"
    assert len(facts["environ"]["data"]) == facts["environ"]["expected"] > 0
    assert not facts["environ"]["data"].strip(b"\0")
    assert {*ENTRIES, b"PUT=p"} <= set(entries(facts))


def test_a_long_ruby_title_and_its_live_values(nursery: Nursery, read: Read) -> None:
    ruby = shutil.which("ruby") or absent("ruby")
    code = '$0 = "x" * 3000; ENV["NEW"] = "n"; puts "ready"; $stdout.flush; gets'
    facts = read(nursery.start(str(ruby), "-e", code))
    assert not facts["environ"]["data"].replace(b"\0", b"").replace(b"x", b"")
    assert {*ENTRIES, b"NEW=n"} <= set(entries(facts))


@root_only
def test_setuid_without_exec_is_denied_to_its_own_user(
    program: Program, nursery: Nursery, read: Read
) -> None:
    pid = nursery.start(program("pie"), "setuid")
    assert sorted(entries(read(pid))) == ENTRIES  # root may
    (reply,) = as_nobody(lambda: answer([{"op": "process", "pids": [pid], "live": True}]))
    (facts,) = reply["processes"]
    assert facts["environ"]["status"] == "denied"
    assert "without an exec" in facts["environ"]["detail"]
    assert facts["environ"]["expected"] == -1
    assert facts["live"]["status"] == "denied"
    assert facts["image"] == ""
    assert facts["exe"] is None
    assert facts["cmdline"].endswith(b"setuid\0")


@root_only
def test_other_users_are_denied_and_own_processes_are_not(program: Program, nursery: Nursery) -> None:
    theirs = nursery.start(program("pie"))
    own = nursery.start(program("pie"), user=NOBODY, group=NOBODY, cwd="/")
    (reply,) = as_nobody(lambda: answer([{"op": "process", "pids": [theirs, own], "live": True}]))
    denied, mine = reply["processes"]
    assert (denied["environ"]["status"], denied["live"]["status"]) == ("denied", "denied")
    assert "without an exec" not in denied["environ"]["detail"]
    assert sorted(entries(mine)) == ENTRIES


def test_yama_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "yama", lambda: 1)
    refused = live._refused(PermissionError(13, "x"), "ok")  # noqa: SLF001
    assert refused["status"] == "denied"
    assert "ptrace_scope is 1" in refused["detail"]
    assert "Yama" not in live._refused(PermissionError(13, "x"), "denied")["detail"]  # noqa: SLF001


def test_addresses_out_of_range_are_garbage() -> None:
    with Path("/proc/self/mem").open("rb", 0) as file:
        memory = Memory(file.fileno())
        for address in (0, 1 << 62, 1 << 63, (1 << 64) - 8, 8192):
            with pytest.raises(Garbage):
                memory.pointer(address)


class Own:
    """A block of C strings of this very process."""

    def __init__(self, *strings: bytes) -> None:
        self.buffers = [ctypes.create_string_buffer(string, 64) for string in strings]
        addresses = [ctypes.addressof(buffer) for buffer in self.buffers]
        self.array = (ctypes.c_uint64 * (len(addresses) + 1))(*addresses, 0)
        self.pointer = ctypes.c_uint64(ctypes.addressof(self.array))

    def read(self, kin: live.Block | None = None) -> live.Block:
        with Path("/proc/self/mem").open("rb", 0) as file:
            return live.stable(Memory(file.fileno()), ctypes.addressof(self.pointer), kin)


def test_what_kin_had_is_not_taken_for_what_is_there() -> None:
    own = Own(b"A=1", b"B=2", b"LAST=3")
    kin = own.read()
    assert kin.entries == [b"A=1", b"B=2", b"LAST=3"]
    assert own.read(kin) is kin
    own.buffers[1].value = b"B=3"  # in its place
    assert own.read(kin).entries == [b"A=1", b"B=3", b"LAST=3"]
    own.buffers[1].value = b"B=22"  # longer, the rest as it was
    assert own.read(kin).entries == [b"A=1", b"B=22", b"LAST=3"]
    own.buffers[1].value = b"B="
    assert own.read(kin).entries == [b"A=1", b"B=", b"LAST=3"]
    own.array[1] = own.array[2]
    assert own.read(kin).entries == [b"A=1", b"LAST=3"]
    own.array[0] = 8192  # not mapped
    with pytest.raises(Garbage):
        own.read(kin)


def test_one_long_string_that_many_slots_mean() -> None:
    own = Own(b"A=1")
    own.buffers[0] = ctypes.create_string_buffer(b"A=" + b"x" * 1000000)
    address = ctypes.addressof(own.buffers[0])
    own.array = (ctypes.c_uint64 * 1001)(*(address + i % 2 for i in range(1000)), 0)
    own.pointer.value = ctypes.addressof(own.array)
    with pytest.raises(Garbage, match="more than"):
        own.read()

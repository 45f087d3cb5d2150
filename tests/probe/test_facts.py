"""What is said of a process, whatever happens to it; and the environment at exec, byte for byte."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probe.support import Nursery, as_nobody, root_only, state, wait_for

from envcheck.probe import answer, block, facts
from envcheck.probe.host import hidepid
from envcheck.probe.procfs import Folder, Image, Stat

Program = Callable[[str], Path]
Read = Callable[..., dict[str, Any]]


def test_a_zombie(nursery: Nursery, read: Read) -> None:
    pid = nursery.start("/bin/true", ready=False)
    wait_for(lambda: state(pid) == "Z")
    facts = read(pid)
    assert facts["status"] == facts["environ"]["status"] == "zombie"
    assert facts["live"]["status"] == "exited"
    assert facts["stat"].startswith(b"%d (true) Z" % pid)


def test_a_leader_that_its_threads_outlive(program: Program, nursery: Nursery, read: Read) -> None:
    pid = nursery.start(program("pie"), "set", "NEW=n", "outlive")
    wait_for(lambda: state(pid) == "Z")
    facts = read(pid)
    assert facts["status"] == "ok"
    assert facts["environ"]["data"] == b"A=1\0B=2\0EMPTY=\0"
    assert b"NEW=n" in facts["live"]["entries"]
    assert facts["exe"] == bytes(program("pie"))


PF_KTHREAD = 0x200000


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _flags(pid: int) -> int:
    """The flags of a process (proc(5), stat field 9); 0 for one that has ended meanwhile."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[6])
    except OSError:
        return 0


def test_a_kernel_thread(read: Read) -> None:
    kernel = [pid for pid in _pids() if _flags(pid) & PF_KTHREAD]
    if not kernel:
        pytest.skip("a container shows no kernel threads")
    facts = read(kernel[0])
    assert facts["status"] == facts["environ"]["status"] == "kthread"
    assert facts["live"]["status"] == "unsupported"


def test_a_thread_id_is_no_process(read: Read) -> None:
    held = threading.Event()
    thread = threading.Thread(target=held.wait)
    thread.start()
    try:
        facts = read(thread.native_id or 0)
    finally:
        held.set()
        thread.join()
    assert facts["status"] == "thread"
    assert facts["environ"]["status"] == facts["live"]["status"] == "error"


def test_a_process_that_is_not_there(read: Read) -> None:
    facts = read(2**22 + 1)
    assert facts["status"] == facts["environ"]["status"] == facts["live"]["status"] == "exited"
    assert read(2**22 + 1, live=False)["live"]["status"] == "skipped"


def test_a_held_folder_never_shows_another_process(program: Program, nursery: Nursery) -> None:
    pid = nursery.start(program("pie"))
    with Folder(b"/proc/%d" % pid) as folder:
        nursery.close()
        found = block.read(folder)
        assert found["status"] == "exited"
        assert found["data"] == b""
        with pytest.raises(ProcessLookupError):
            folder.read(b"stat")


def test_it_exits_between_two_reads(
    program: Program, nursery: Nursery, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = nursery.start(program("pie"))

    monkeypatch.setattr(facts, "_describe", lambda *_: nursery.close())
    found = read(pid)
    assert found["status"] == found["environ"]["status"] == found["live"]["status"] == "exited"
    assert found["stat"]


def test_a_process_that_always_execs_is_replaced(
    program: Program, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = nursery.start(program("pie"))
    times: list[int] = []

    class Restless(Image):
        def __init__(self, folder: Folder, stat: Stat | None = None) -> None:
            super().__init__(folder, stat)
            times.append(1)
            self.key = (b"%d" % len(times), 0, 0, 0)

    monkeypatch.setattr(facts, "Image", Restless)
    assert facts.facts(pid, live=False)["status"] == "replaced"
    assert len(times) == 2 * (1 + facts.REREADS)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 131072, 2096144])
def test_sizes_are_exact(size: int, program: Program, nursery: Nursery, read: Read) -> None:
    env, left, index = {}, size, 0
    while left:
        take = min(left, 131072)
        if 0 < left - take < 10:
            take -= 10
        env[f"V{index:02d}"] = "x" * (take - 5)
        left, index = left - take, index + 1
    # The path of the program counts against the limit too.
    pid = nursery.start("x", executable=str(program("pie")), env=env)
    found = read(pid)["environ"]
    wanted = b"".join(f"{name}={value}\0".encode() for name, value in env.items())
    assert len(wanted) == size
    assert (found["status"], found["expected"], found["data"] == wanted) == ("ok", size, True)


def test_a_hundred_thousand_variables(program: Program, nursery: Nursery, read: Read) -> None:
    env = {f"V{index}": "value" for index in range(100000)}
    limits = (64 * 1048576, resource.getrlimit(resource.RLIMIT_STACK)[1])
    pid = nursery.start(
        program("pie"), env=env, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, limits)
    )
    durations = []
    for _ in range(5):
        started = time.perf_counter()
        found = read(pid, live=False)
        durations.append(time.perf_counter() - started)
        assert found["environ"]["data"].count(b"\0") == 100000
    assert min(durations) < 0.1
    assert len(read(pid)["live"]["entries"]) == 100000


def test_an_environment_that_is_really_empty(program: Program, nursery: Nursery, read: Read) -> None:
    facts = read(nursery.start(program("pie"), env={}))
    assert facts["environ"] == {"status": "ok", "data": b"", "expected": 0, "detail": ""}
    assert (facts["live"]["status"], facts["live"]["entries"]) == ("ok", [])


def test_strange_entries_come_back_as_they_are(program: Program, nursery: Nursery, read: Read) -> None:
    wanted = [b"A=1", b"A=2", b"NOEQUALS", b"", b"=C:=x", b"BAD\xff=\xfe", b"CR=a\r\nb\rc", b"LAST=1"]
    facts = read(nursery.start(program("pie"), "nasty"))
    assert facts["environ"]["data"] == b"".join(entry + b"\0" for entry in wanted)
    assert facts["live"]["entries"] == wanted


def test_a_forged_gigabyte_is_not_read(program: Program, nursery: Nursery) -> None:
    pid = nursery.start(program("pie"), "huge")
    code = (
        "from envcheck.probe import answer;"
        f"one = answer([{{'op': 'process', 'pids': [{pid}], 'live': True}}])[0]['processes'][0];"
        "print(one['environ']['status'], len(one['environ']['data']), one['live']['status'],"
        " [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
    )
    words = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=Path(__file__).parents[2]
    ).stdout
    status, size, live, peak = words.split()
    assert (status, size, live) == (b"oversized", b"0", b"ok")
    assert int(peak) < 64 * 1024  # KiB


def test_a_block_without_its_second_page(program: Program, nursery: Nursery, read: Read) -> None:
    found = read(nursery.start(program("pie"), "half"))["environ"]
    assert found["status"] == "truncated"
    assert found["expected"] == 6000
    assert found["data"] == b"A=1\0" + b"x" * (4096 - 1004)


def test_every_file_of_a_process(nursery: Nursery, read: Read, tmp_path: Path) -> None:
    with socket.socket() as listener, (tmp_path / "log").open("wb") as log:
        inode = os.fstat(listener.fileno()).st_ino
        pid = nursery.start(
            "/usr/bin/sleep", "60", ready=False, cwd=tmp_path, pass_fds=[listener.fileno()], stderr=log
        )
        facts = read(pid)
    assert facts["cmdline"] == b"/usr/bin/sleep\x0060\0"
    assert facts["cwd"] == bytes(tmp_path)
    assert facts["root"] == b"/"
    assert facts["exe"].endswith(b"/sleep")
    assert facts["sockets"] == [inode]
    assert facts["stdout"].startswith(b"pipe:[")
    assert b"Tgid:\t%d\n" % pid in facts["proc_status"]
    assert b":" in facts["cgroup"]


def test_a_name_with_parentheses() -> None:
    stat = Stat(b"7 (a) S 1 (b) R 5 " + b" ".join(b"%d" % number for number in range(5, 53)))
    assert (stat.state, stat.parent) == (b"R", 5)


def test_a_refusal_of_one_request_spares_the_others() -> None:
    broken, fine = answer([{"op": "process"}, {"op": "which", "names": ["sh", "no such"]}])
    assert broken["status"] == "error"
    assert fine["paths"]["sh"].endswith("/sh")
    assert fine["paths"]["no such"] is None
    assert answer([{}, {"op": "?"}]) == [{"status": "error", "detail": "unknown op"}] * 2


def test_the_host() -> None:
    (host,) = answer([{"op": "host"}])
    btime = next(
        int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if "btime" in line
    )
    assert abs(host["boot"] - btime) < 2
    assert abs(host["now"] - time.time()) < 5
    assert host["hz"] == os.sysconf("SC_CLK_TCK")
    assert host["uid"] == os.geteuid()
    assert f"CapEff:\t{host['capabilities']}\n" in Path("/proc/self/status").read_text()
    assert host["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert host["python"] == ".".join(map(str, sys.version_info[:3]))


def test_hidepid_of_the_last_mount() -> None:
    plain = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    hidden = "30 22 0:22 / /proc rw,nosuid shared:5 - proc proc rw,gid=4,hidepid=invisible\n"
    assert hidepid(plain) == ""
    assert hidepid(plain + hidden) == "invisible"
    assert hidepid(hidden.replace(" /proc ", " /elsewhere/proc ")) == ""


@root_only
def test_hidden_processes(program: Program, nursery: Nursery) -> None:
    pid = nursery.start(program("pie"))
    requests: list[dict[str, Any]] = [{"op": "process", "pids": [pid], "live": True}, {"op": "host"}]
    for option, status in (("1", "hidden"), ("2", "exited")):
        reply, host = as_nobody(lambda: answer(requests), option)
        assert reply["processes"][0]["status"] == status
        assert host["hidepid"] in (option, {"1": "noaccess", "2": "invisible"}[option])

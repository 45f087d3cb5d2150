"""Which processes are found, and what looking for them costs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probe.support import Nursery, as_nobody, children_of, root_only, wait_for

from envcheck.probe import answer, census, scan

# The master's children: one that runs Python under another command line, one that does not.
MASTER = """
import subprocess, sys
a = subprocess.Popen([sys.executable, "-c", "print('x', flush=True); input()"], stdout=subprocess.PIPE,
                     stdin=subprocess.PIPE)
a.stdout.read(1)
b = subprocess.Popen(["/usr/bin/sleep", "60"])
print("ready", flush=True); input()
"""


def find(word: str, *, live: bool = False) -> dict[str, Any]:
    (found,) = answer([{"op": "scan", "interpreters": ["/python"], "words": [word], "live": live}])
    assert found["status"] == "ok"
    return dict(found)


@pytest.mark.parametrize("with_children", [True, False])
def test_candidates_workers_and_ancestors(
    nursery: Nursery, monkeypatch: pytest.MonkeyPatch, *, with_children: bool
) -> None:
    word = f"uni\u00e9corn-{os.getpid()}"
    master = nursery.start(sys.executable, "-c", MASTER, word)
    nursery.start("/bin/sh", "-c", "echo ready; read x", word)  # the word, but no interpreter
    if not with_children:  # a kernel without /proc/PID/task/PID/children
        monkeypatch.setattr(scan, "children", lambda _pid: None)
    found = find(word)
    worker = next(
        pid for pid in children_of(master) if b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    assert [one["pid"] for one in found["processes"]] == sorted([master, worker])
    assert {one["live"]["status"] for one in found["processes"]} == {"skipped"}
    above = [one["pid"] for one in found["ancestors"]]
    assert {1, os.getpid()} <= set(above)
    assert len(above) == len(set(above))
    assert found["seen"] > len(above)
    assert scan.candidates(["/python"], [word])[0][0] == master
    ((pid, cmdline, environ),) = scan.environments(["/python"], [word])
    assert pid == master
    assert word.encode() in cmdline
    assert environ == Path(f"/proc/{master}/environ").read_bytes() != b""
    assert find(word, live=True)["processes"][0]["live"]["status"] == "ok"


def test_no_child_of_many_is_left_out(program: Callable[[str], Path], nursery: Nursery) -> None:
    master = nursery.start(program("pie"), "fork", "1200")  # more than /proc tells in one read
    found = scan.children(master)
    assert found is not None
    assert len(set(found)) == 1200
    assert {Path(f"/proc/{pid}/exe").readlink() for pid in found} == {program("pie")}


@root_only
def test_a_process_that_may_not_be_read_is_still_found(nursery: Nursery) -> None:
    word = f"denied-{os.getpid()}"
    pid = nursery.start("/bin/sh", "-c", "echo ready; read x", word)
    request = {"op": "scan", "interpreters": ["/python"], "words": [word], "live": True}
    (found,) = as_nobody(lambda: answer([request]))
    assert [one["pid"] for one in found["processes"]] == [pid]
    assert found["processes"][0]["environ"]["status"] == "denied"


def test_a_long_command_line_is_read_whole(nursery: Nursery) -> None:
    word = f"at-the-end-{os.getpid()}"
    pid = nursery.start(sys.executable, "-c", "print('ready', flush=True); input()", "x" * 60000, word)
    assert [one["pid"] for one in find(word)["processes"]] == [pid]


def test_the_vanished_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = scan.Walk(["/python"], ["x"])
    walk.consider("4194305")
    assert (walk.found, walk.vanished) == ([], 1)
    walk.found, walk.seen = [(4194305, b"x")], 1
    monkeypatch.setattr(scan.Walk, "go", lambda _self: walk)
    found = census.scan(["/python"], ["x"], live=True)
    assert (found["processes"], found["vanished"]) == ([], 2)


def test_no_proc_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def listdir(_path: str) -> list[str]:
        raise FileNotFoundError(2, "x")

    monkeypatch.setattr(os, "listdir", listdir)
    (found,) = answer([{"op": "scan", "interpreters": ["/python"], "words": ["x"], "live": True}])
    assert found == {"status": "error", "detail": "/proc: No such file or directory"}
    monkeypatch.setattr(os, "listdir", lambda _path: [])
    (found,) = answer([{"op": "scan", "interpreters": ["/python"], "words": ["x"], "live": True}])
    assert found["status"] == "error"


def test_the_scan_imports_nothing_but_os(sent: Path) -> None:
    code = (
        f"import os, sys; before = set(sys.modules); sys.path.insert(0, {str(sent)!r});"
        "from elsewhere import scan; scan.candidates(['/python'], ['x']);"
        "print(sorted(set(sys.modules) - before))"
    )
    output = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True).stdout
    assert output == b"['elsewhere', 'elsewhere.scan']\n"


def test_one_system_call_for_each_other_process(sent: Path, nursery: Nursery, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is absent")
    sleepers = {nursery.start("/usr/bin/sleep", "60", ready=False) for _ in range(100)}
    wait_for(lambda: all(Path(f"/proc/{pid}/exe").readlink().name == "sleep" for pid in sleepers))
    log = tmp_path / "log"
    code = (
        f"import sys; sys.path.insert(0, {str(sent)!r});"
        "from elsewhere import scan; scan.candidates(['/ruby'], ['x'])"
    )
    subprocess.run(
        [strace, "-o", log, sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True
    )
    calls = [int(pid) for pid in re.findall(r'^\w+\(.*"/proc/(\d+)/', log.read_text(), re.MULTILINE)]
    assert all(calls.count(pid) == 1 for pid in sleepers)
    lines = log.read_text().splitlines()
    first = next(index for index, line in enumerate(lines) if '"/proc"' in line)
    last = max(index for index, line in enumerate(lines) if '"/proc/' in line)
    assert (last - first) / len(calls) <= 1.2


def test_files_beside_the_processes(nursery: Nursery, tmp_path: Path) -> None:
    word = f"unicorn-{os.getpid()}"
    (tmp_path / "odd\udcff").mkdir()
    (tmp_path / "odd\udcff" / "there.py").write_text("workers = 2")
    code = "import os, sys; os.chdir(sys.argv[2] + '/odd\\udcff'); print('ready', flush=True); input()"
    nursery.start(sys.executable, "-c", code, word, str(tmp_path))
    request = {"op": "scan", "interpreters": ["/python"], "words": [word], "live": False}

    (found,) = answer([{**request, "beside": ["there.py", "none.py"]}])

    here = f"{tmp_path}/odd\udcff"
    told = {path: (one["status"], one["content"]) for path, one in found["beside"].items()}
    assert told == {f"{here}/there.py": ("ok", b"workers = 2"), f"{here}/none.py": ("missing", b"")}
    assert find(word)["beside"] == {}

"""The probe as it travels: frames, the loop behind a pipe, and every interpreter it must run under."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probe.support import PACKAGE, Nursery, wait_for
from probe.test_bombs import shielded

from envcheck.hosts import unpack
from envcheck.hosts.unpack import decode
from envcheck.probe import answer, commands, frame, serve
from envcheck.probe.frame import FrameError, encode

SERVE = (
    "import os, sys; sys.path.insert(0, {!r}); from elsewhere import commands, serve;"
    "commands.reads = lambda argv: True;"  # any command: which ones it runs is tested elsewhere
    "os._exit(serve.main(sys.stdin.buffer, sys.stdout.buffer))"  # as `arrive` does
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = st.sampled_from(["b", "n", "d", ""]) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@given(st.lists(VALUES), st.binary(), st.binary())
@settings(deadline=None)
def test_round_trip(answers: list[Any], before: bytes, after: bytes) -> None:
    assert decode(before + encode(answers, "0nonce0") + after, "0nonce0") == answers


def kind(data: bytes, nonce: str = "N1") -> str:
    with pytest.raises(FrameError) as caught:
        decode(data, nonce)
    return caught.value.kind


def test_every_truncation_is_told() -> None:
    data = encode([{"status": "ok", "content": b"x\0y"}], "N1")
    body = data.index(b"\n") + 1
    for length in range(len(data)):
        expected = "missing" if length < len(b"N1 BEGIN ") else "truncated"
        assert kind(data[:length]) == expected, length
        assert kind(b"motd\n" + data[:length]) == expected
    assert body < len(data)
    assert kind(data, "other") == "missing"


def test_every_damaged_byte_is_told() -> None:
    data = encode([{"content": b"x\0y"}], "N1")
    for index in range(len(data)):
        broken = data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
        assert kind(broken) in ("missing", "truncated", "damaged")


@pytest.mark.parametrize("size", [b"-1", b"x", b"99999999999", b"9" * 70])
def test_a_hostile_header(size: bytes) -> None:
    assert kind(b"N1 BEGIN " + size + b" 00000000\nx\nN1 END\n") == "damaged"


def test_a_hostile_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def framed(document: bytes) -> bytes:
        body = shielded(zlib.compress(document))
        return b"N1 BEGIN %d %08x\n%b\nN1 END\n" % (len(body), zlib.crc32(body), body)

    assert decode(framed(b"[[],[]]"), "N1") == []
    for document in (
        b'[[],[{"c":[[],[]]}]]',
        b'[[],[{"c":[["a"],[1]]}]]',
        b'[[],[{"c":[["a"],[[1],[2]]]}]]',
        b'[[],[{"c":[[["a"]],[[1]]]}]]',
        b'[[],[{"i":["1"]}]]',
        b'[[],[{"i":[true]}]]',
        b'[[],[{"m":[["a"],[1,2]]}]]',
        b'[[],[{"m":[["a"],1]}]]',
        b'[[],[{"n":0}]]',
        b"",
        b"[]",
        b"{}",
        b"[[],{}]",
        b'[[],[{"b":0}]]',
        b"[[1],[]]",
        b'[{"a":"b"},[]]',
        b'[["\\u0100"],[]]',
        b"[" * 100000,
    ):
        assert kind(framed(document)) == "damaged"
    monkeypatch.setattr(frame, "MOST", 1000)
    monkeypatch.setattr(unpack, "MOST", 1000)
    assert kind(framed(b"[[],[" + b" " * 2000 + b"]]")) == "damaged"
    with pytest.raises(FrameError, match="oversized"):
        encode([os.urandom(2000)], "N1")


def test_equal_bytes_travel_once() -> None:
    block = os.urandom(5000)
    assert len(encode([{"environ": block}] * 50, "N1")) < 2 * len(encode([{"environ": block}], "N1"))


def test_a_terminal_between() -> None:
    data = encode([{"content": b"x"}], "N1").replace(b"\n", b"\r\n")
    assert decode(b"Last login: never\r\n" + data + b"logout\r\n", "N1") == [{"content": b"x"}]


def request(requests: list[dict[str, Any]], nonce: str = "N1") -> bytes:
    document = json.dumps({"nonce": nonce, "requests": requests}).encode()
    return b"%d\n" % len(document) + document


class Probe:
    """A served probe, talked to through pipes."""

    def __init__(self, python: str, folder: Path) -> None:
        words = [python, "-I", "-S", "-c", SERVE.format(str(folder))]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": "/usr/bin:/bin"}
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr

    def send(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def ask(self, requests: list[dict[str, Any]], nonce: str = "N1") -> list[Any]:
        self.send(request(requests, nonce))
        return decode(b"".join(self.stdout.readline() for _ in range(3)), nonce)

    def end(self) -> tuple[int, bytes]:
        """Its exit status and what it said on standard error."""
        if not self.stdin.closed:
            self.stdin.close()
        code = self.process.wait(timeout=10)
        said = self.stderr.read()
        self.stdout.close()
        self.stderr.close()
        return code, said


def test_it_answers_until_its_input_ends(sent: Path) -> None:
    probe = Probe(sys.executable, sent)
    assert probe.ask([{"op": "which", "names": []}]) == [{"status": "ok", "paths": {}}]
    assert probe.ask([], "N2") == []
    assert f"Max core file size        {0:<21}" in Path(f"/proc/{probe.process.pid}/limits").read_text()
    assert probe.end() == (0, b"")


@pytest.mark.parametrize("data", [b"x\n", b"99999999999999\n", b"2\n{}", b"2\n[]", b"1\n{", b"-1\n"])
def test_a_bad_request_ends_it(data: bytes, sent: Path) -> None:
    probe = Probe(sys.executable, sent)
    probe.send(data)
    assert probe.process.wait(timeout=10) == 2
    assert probe.end() == (2, b"")


def test_a_request_that_is_cut_ends_it(sent: Path) -> None:
    probe = Probe(sys.executable, sent)
    probe.send(b"100\n{")
    assert probe.end() == (0, b"")


def test_no_orphans(sent: Path, tmp_path: Path) -> None:
    """When its input closes during work it ends at once, and so does the command it runs."""
    probe = Probe(sys.executable, sent)
    script = f"echo $$ > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/pid; exec sleep 63"
    probe.send(request([{"op": "run", "argv": ["sh", "-c", script], "timeout": 60}]))
    wait_for((tmp_path / "pid").exists)
    assert probe.end() == (0, b"")
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not Path(f"/proc/{pid}/fd/0").exists())


def test_nobody_reads_its_answer(sent: Path) -> None:
    probe = Probe(sys.executable, sent)
    probe.stdout.close()
    probe.send(request([{"op": "run", "argv": ["head", "-c", "300000", "/dev/urandom"], "timeout": 9}]))
    assert probe.process.wait(timeout=10) == 0
    assert probe.end() == (0, b"")


def test_an_answer_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "MOST", 200)
    document = json.dumps({"nonce": "N1", "requests": [{"op": "file", "path": "/etc/services"}]}).encode()
    [told] = decode(serve.reply(document, answer), "N1")
    assert told == {"status": "error", "detail": "the answer is oversized"}


def interpreter(version: str) -> str | None:
    found = sorted(Path.home().glob(f".pyenv/versions/*/bin/python{version}"))
    if found:
        return str(found[0])
    other = shutil.which(f"python{version}")
    return other if other and "shims" not in other else None


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_every_python_gives_the_same(  # noqa: PLR0917
    version: str,
    program: Callable[[str], Path],
    nursery: Nursery,
    sent: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "reads", lambda _: True)
    python = interpreter(version)
    if not python:
        pytest.skip(f"no python{version}")
    Path(os.fsdecode(bytes(tmp_path) + b"/\xc3\xa9\xff")).write_bytes(b"A=\xff\n")
    pid = nursery.start(program("copy"), "set", "NEW=n", "put", "BAD=\udcff", "fork", "3")
    static = nursery.start(program("static"), "clear")
    word = f"gunicorn-{os.getpid()}-{version}"
    nursery.start(sys.executable, "-c", "print('ready', flush=True); input()", word)
    requests: list[dict[str, Any]] = [
        {"op": "process", "pids": [pid, static, 2**22 + 1], "live": True},
        {"op": "folder", "path": str(tmp_path)},
        {"op": "file", "path": f"{tmp_path}/\u00e9\udcff"},
        {"op": "glob", "patterns": [f"{tmp_path}/*"]},
        {"op": "run", "argv": ["sh", "-c", "echo x; exit 4"], "timeout": 9},
        {"op": "scan", "interpreters": ["/python"], "words": [word], "live": True},
        {"op": "host"},
    ]
    probe = Probe(python, sent)
    theirs = probe.ask(requests)
    assert probe.end() == (0, b"")
    ours = answer(requests)
    host, own = theirs.pop(), ours.pop()
    assert host["python"].startswith(version + ".")
    assert abs(host["boot"] - own["boot"]) < 2
    assert host.keys() == own.keys()
    for found in (theirs[0], theirs[-1], ours[0], ours[-1]):  # these belong to the moment
        found.update(seen=0, vanished=0, ancestors=[one["pid"] for one in found["ancestors"]])
        for one in found["processes"]:
            fields = one["stat"].split()
            one["stat"] = fields[:9] + fields[21:22]
            one["proc_status"] = one["proc_status"].split(b"\n")[:3]
    assert theirs == ours
    assert b"BAD=\xff" in ours[0]["processes"][0]["live"]["entries"]
    assert ours[-1]["processes"][0]["live"]["status"] == "ok"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: str(path.name))
def test_the_source_is_fit_to_travel(path: Path) -> None:
    """Python 3.6 syntax, the standard library, imports from its own package by dots alone."""
    source = path.read_text("ascii")
    assert len(source.splitlines()) <= 300
    for node in ast.walk(ast.parse(source, feature_version=(3, 6))):
        if isinstance(node, ast.Import):
            assert all(name.name.partition(".")[0] in sys.stdlib_module_names for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.module or "").partition(".")[0] in sys.stdlib_module_names
            assert node.module not in ("__future__", "dataclasses")
        elif isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 45

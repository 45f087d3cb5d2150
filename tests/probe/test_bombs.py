"""What the worst answers that a hostile end can send cost: memory and time, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest

from envcheck.hosts.unpack import decode
from envcheck.probe import frame
from envcheck.probe.frame import FrameError, encode

MIB = 150
SECONDS = 5.0  # of processor time, on a slow machine too; a host has 30 by default
MANY = frame.VALUES - 20
CODE = """
import resource, sys
from envcheck.hosts import unpack
from envcheck.probe import frame
data = sys.stdin.buffer.read()
try:
    unpack.decode(data, "N1")
    told = "ok"
except frame.FrameError as error:
    told = error.kind
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as status:
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
print(told, int(peak) // 1024, used.ru_utime + used.ru_stime)
"""


def shielded(body: bytes) -> bytes:
    for byte, instead in frame.SHIELDS:
        body = body.replace(byte, instead)
    return body


def framed(document: bytes) -> bytes:
    body = shielded(zlib.compress(document, 1))
    return b"N1 BEGIN %d %08x\n%b\nN1 END\n" % (len(body), zlib.crc32(body), body)


def many(piece: bytes, marks: int) -> bytes:
    return b"[[],[" + b",".join([piece] * (MANY // marks)) + b"]]"


ALLOWED: dict[str, Callable[[], bytes]] = {
    "lists": lambda: many(b"[]", 2),
    "lists of one": lambda: many(b"[[300]]", 3),
    "dicts": lambda: many(b'{"a":1}', 3),
    "names": lambda: b"[[],[{" + b",".join(b'"%06d":"%06d"' % (i, i) for i in range(MANY // 2)) + b"}]]",
    "table": lambda: b"[[" + b",".join(b'"%06d"' % i for i in range(MANY)) + b"],[]]",
    "strings": lambda: b'[["' + b"ab\\u0000" * MANY + b'"],[{"n":0}]]',
    "one list, meant often": lambda: (
        b'[["' + b"\\u0000" * (MANY // 2) + b'"],[' + b",".join([b'{"n":0}'] * (MANY // 8)) + b"]]"
    ),
    "columns": lambda: COLUMNS % (b",".join([b"0"] * (MANY // 6)), b",".join([b"0"] * (MANY // 6))),
    "columns of one": lambda: b'[[],[{"c":[["a"],[{"i":[%b]}]]}]]' % b",".join([b"0"] * (MANY // 4)),
    "named": lambda: (
        b'[[],[{"m":[[%b],{"c":[["a"],[{"i":[%b]}]]}]}]]'
        % (b",".join(b'"%06d"' % i for i in range(MANY // 6)), b",".join([b"0"] * (MANY // 6)))
    ),
    "wide": lambda: b'[[],["\\ud83d\\ude00' + b"a" * (frame.MOST - 100) + b'"]]',
}
COLUMNS: bytes = b'[[],[{"c":[["a","b"],[[%b],{"i":[%b]}]]}]]'
REFUSED: dict[str, Callable[[], bytes]] = {
    "too many lists": lambda: b"[[],[" + b"[]," * 22000000 + b"[]]]",
    "too many in little room": lambda: b"[[],[" + b"[]," * 1000000 + b"[]]]",
    "one column, meant often": lambda: (
        b'[["' + b"\\u0000" * 500000 + b'"],[' + b",".join([b'{"c":[["a"],[{"n":0}]]}'] * 50000) + b"]]"
    ),
    "many columns of one list": lambda: (
        b'[["'
        + b"\\u0000" * 100000
        + b'"],[{"c":[[%b],[%b]]}]]'
        % (b",".join(b'"%d"' % i for i in range(50000)), b",".join([b'{"n":0}'] * 50000))
    ),
    "rows of other rows": lambda: COLUMNS % (b"0,0", b"0"),
    "large numbers": lambda: b'[[],[{"i":[%b,0,0]}]]' % (b"9" * 4000),
    "sums that grow": lambda: b'[[],[{"i":[%b]}]]' % b",".join([b"9" * 18] * 500000),
    "too deep": lambda: b"[[]," + b"[" * 100 + b"]" * 101,
    "much too deep": lambda: b"[[]," + b"[" * 1000000,
    "too long": lambda: b'[[],["' + b" " * 67108000 + b'"]]',
}


@pytest.mark.parametrize(
    ("told", "document"),
    [
        *(pytest.param("ok", make, id=name) for name, make in ALLOWED.items()),
        *(pytest.param("damaged", make, id=name) for name, make in REFUSED.items()),
    ],
)
def test_the_worst_answers(told: str, document: Callable[[], bytes]) -> None:
    command = [sys.executable, "-c", CODE]
    output = subprocess.run(command, input=framed(document()), stdout=subprocess.PIPE, check=True).stdout
    kind, mebibytes, seconds = output.decode().split()
    assert kind == told
    assert int(mebibytes) < MIB
    assert float(seconds) < SECONDS


def process(number: int, shared: int) -> dict[str, object]:
    """What the probe tells of one of many workers; those of a master share its environment."""
    entries = [b"NAME_%d=%b" % (i, b"v" * 40) for i in range(30)] + [b"MASTER=%d" % shared]
    environ = {"status": "ok", "data": b"\0".join(entries) + b"\0", "expected": 1500, "detail": ""}
    texts = ("stat", "proc_status", "cmdline", "exe", "cwd", "root", "mount", "cgroup", "stdout", "stderr")
    return {
        "pid": number,
        "status": "ok",
        **{text: b"%d of %d, %b" % (number if i < 2 else 0, i, b"x" * 120) for i, text in enumerate(texts)},
        "sockets": [number, number + 1, number + 2],
        "image": f"{number:032x}",
        "environ": environ,
        "live": {"status": "ok", "entries": [*entries, b"LIVE=1"], "detail": "", "how": "debug"},
    }


def test_ten_thousand_processes_travel() -> None:
    processes = [process(number, number // 8) for number in range(10000)]
    sent = [{"status": "ok", "processes": processes}]
    assert decode(encode(sent, "N1"), "N1") == sent


def test_what_a_client_would_refuse_is_not_sent() -> None:
    with pytest.raises(FrameError, match="oversized"):
        encode([[0] * frame.VALUES], "N1")

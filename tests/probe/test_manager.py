"""Units asked of their manager: the bytes of D-Bus, and who listens there but is none.

What a real manager says is held against systemctl in tests/live/test_systemd_asked.py.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.opening import OF_USER
from envcheck.probe import commands, dbus, manager
from envcheck.supervisors.systemd.loaded import properties, words

ABSENT = b"org.freedesktop.DBus.Error.UnknownProperty"

Peer = Callable[[socket.socket], None]


def reply(serial: int, signature: str, body: bytes, kind: int = dbus.REPLY, order: str = "<") -> bytes:
    """Give what a manager would send."""
    number = struct.Struct(order + "I").pack
    fields = b""
    if kind == dbus.ERROR:
        fields = bytes((dbus.ERROR_NAME, 1)) + b"s\0" + number(len(ABSENT)) + ABSENT + b"\0"
        fields += b"\0" * (-len(fields) % 8)
    fields += bytes((dbus.REPLY_SERIAL, 1)) + b"u\0" + number(serial)
    text = signature.encode()
    fields += bytes((dbus.SIGNATURE, 1)) + b"g\0" + bytes((len(text),)) + text + b"\0"
    mark = b"l" if order == "<" else b"B"
    head = mark + bytes((kind, 0, 1)) + number(len(body)) + number(9) + number(len(fields)) + fields
    return head + b"\0" * (-len(head) % 8) + body


BODIES = [
    ("s", struct.pack("<I", 3) + b"a b\0", "a b"),
    ("b", struct.pack("<I", 1), True),
    ("t", struct.pack("<Q", 2**40), 2**40),
    ("as", struct.pack("<I", 0), []),
    ("as", struct.pack("<II", 14, 2) + b"xy\0\0" + struct.pack("<I", 1) + b"\xff\0", ["xy", "\udcff"]),
    ("ay", struct.pack("<I", 2) + b"\x01\x02", [1, 2]),
    ("v", b"\x01s\0\0" + struct.pack("<I", 1) + b"x\0", "x"),
    ("a(sb)", struct.pack("<III", 12, 0, 1) + b"/\0\0\0" + struct.pack("<I", 1), [("/", True)]),
]


@pytest.mark.parametrize(("signature", "body", "expected"), BODIES)
def test_values(signature: str, body: bytes, expected: Any) -> None:
    assert dbus.reply(reply(7, signature, body)) == (7, expected)


@pytest.mark.parametrize("signature", ["a()", "a(a())", "a{}", "", "(", "a", "z"])
def test_a_signature_of_nothing_has_an_end(signature: str) -> None:
    """Whoever listens where a manager is expected may be anybody."""
    body = struct.pack("<III", 8, 0, 0) * 4
    try:
        dbus.reply(reply(7, signature, body))
    except dbus.Fault:
        return
    assert signature in ("", "a(a())")


def test_the_other_order_of_bytes() -> None:
    assert dbus.reply(reply(7, "u", struct.pack(">I", 5), order=">")) == (7, 5)


def test_what_answers_no_call() -> None:
    assert dbus.reply(reply(7, "s", BODIES[0][1], kind=4)) == (None, None)


def test_an_error_that_is_called_by_a_number() -> None:
    number = struct.Struct("<I").pack
    values = {dbus.ERROR_NAME: 7, dbus.REPLY_SERIAL: 3}
    fields = b"".join(bytes((field, 1)) + b"u\0" + number(value) for field, value in values.items())
    head = b"l" + bytes((dbus.ERROR, 0, 1)) + number(0) + number(9) + number(len(fields)) + fields

    serial, refusal = dbus.reply(head)

    assert serial == 3
    with pytest.raises(dbus.Fault):
        manager.block(["Id"], [refusal])


@given(st.binary(max_size=80))
def test_any_bytes_are_a_value_or_a_fault(data: bytes) -> None:
    try:
        length = dbus.size(data, 0)
        if 0 < length <= len(data):
            dbus.reply(data)
    except dbus.Fault:
        return


@given(st.integers(0, len(BODIES) - 1), st.integers(0, 200), st.integers(0, 255))
def test_one_wrong_byte(number: int, at: int, byte: int) -> None:
    signature, body, _ = BODIES[number]
    data = bytearray(reply(7, signature, body))
    data[at % len(data)] = byte
    try:
        dbus.reply(bytes(data))
    except dbus.Fault:
        return


@given(st.lists(st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]))))
def test_what_is_quoted_can_be_read(texts: list[str]) -> None:
    printed = " ".join(manager.quoted(text) for text in texts)

    assert words(printed) == [text.encode() for text in texts]
    assert "\n" not in printed


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [
        (0, "0"),
        (90_000_000, "1min 30s"),
        (1_500_000, "1.500000s"),
        (86_400_000_000, "1d"),
        (manager.NEVER, "infinity"),
    ],
)
def test_spans_are_told_as_systemd_does(microseconds: int, expected: str) -> None:
    assert manager.block(["TimeoutStopUSec"], [microseconds]) == f"TimeoutStopUSec={expected}\n"


def test_the_object_of_a_unit() -> None:
    assert manager.label("shop@1.service") == "shop_401_2eservice"
    assert manager.label("1") == "_31"


# --- who listens there -----------------------------------------------------------------------------


@contextmanager
def listening(folder: Path, peer: Peer) -> Iterator[str]:
    """Give the runtime folder in which *peer* stands for the manager of a user."""
    (folder / "systemd").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "systemd/private"))
        server.listen()

        def serve() -> None:
            accepted, _ = server.accept()
            with accepted:
                peer(accepted)

        thread = threading.Thread(target=serve)
        thread.start()
        yield str(folder)
        thread.join(10)
        assert not thread.is_alive()


def asked(runtime: str, timeout: float = 5.0) -> dict[str, Any]:
    argv = ["env", f"XDG_RUNTIME_DIR={runtime}", *OF_USER, "shop.service"]
    return dict(commands.run(argv, timeout, 100000))


def calls(said: bytes) -> int:
    """Count the calls that have arrived whole, after the greeting."""
    data = said.partition(b"BEGIN\r\n")[2]
    count = at = 0
    while (length := dbus.size(data, at)) and at + length <= len(data):
        count, at = count + 1, at + length
    return count


def good(accepted: socket.socket) -> None:
    shown = commands.shows([*OF_USER, "shop.service"])
    assert shown is not None
    wanted = [*shown.of_manager, *shown.of_unit]
    said = b""
    while calls(said) < len(wanted):
        said += accepted.recv(65536)
    accepted.sendall(b"OK 1234\r\n")
    for serial, name in enumerate(wanted, 1):
        value = struct.pack("<I", len(name)) + name.encode() + b"\0"
        kind = dbus.ERROR if name in manager.PRINTED else dbus.REPLY
        accepted.sendall(reply(serial + 1000, "s", b"", kind=4) + reply(serial, "s", value, kind))
    accepted.recv(1)


def test_a_manager(tmp_path: Path) -> None:
    with listening(tmp_path, good) as runtime:
        found = asked(runtime)

    assert (found["status"], found["code"]) == ("ok", 0)
    blocks = [properties(block) for block in found["stdout"].split(b"\n\n")]
    assert [block[name] for block, name in zip(blocks, ("Version", "Id"), strict=True)] == [
        ("Version",),
        ("Id",),
    ]


def hangs(accepted: socket.socket) -> None:
    while accepted.recv(65536):
        continue


def test_a_manager_that_says_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    with listening(tmp_path, hangs) as runtime:
        found = asked(runtime, timeout=0.3)

    assert found["status"] == "timeout"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"REJECTED EXTERNAL\r\n",
        b"OK 1\r\n" + b"\0" * 400,
        b"l" * 200000,
    ],
)
def test_who_is_no_manager_is_not_believed(
    tmp_path: Path, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is asked then, as if nobody listened."""

    def nonsense(accepted: socket.socket) -> None:
        accepted.recv(65536)
        accepted.sendall(said)

    def command(argv: list[str], _timeout: float) -> Any:
        started.append(argv)
        return manager

    started: list[list[str]] = []
    monkeypatch.setattr(commands, "Command", command)
    monkeypatch.setattr(
        manager, "answer", lambda _limit: {"status": "ok", "stdout": b"it ran"}, raising=False
    )
    with listening(tmp_path, nonsense) as runtime:
        assert asked(runtime)["stdout"] == b"it ran"
    assert len(started) == 1

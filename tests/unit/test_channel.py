"""What is kept of an answer while it comes: little before it begins, and no more than it says."""

from __future__ import annotations

import pytest

from envcheck import environ
from envcheck.errors import HostError
from envcheck.hosts import unpack
from envcheck.hosts.channel import KEPT, NOISE, Heard
from envcheck.probe import frame

NONCE = "0123456789abcdef" * 2
FRAME = frame.encode([{"status": "ok", "data": b"x" * 5000}], NONCE)  # pyright: ignore[reportUnknownMemberType]


def heard(data: bytes, piece: int) -> Heard:
    one = Heard(NONCE.encode())
    for start in range(0, len(data), piece):
        if one.whole:
            break
        one.add(data[start : start + piece])
    return one


@pytest.mark.parametrize("piece", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("noise", [b"", b"Welcome\r\n", NONCE.encode() + b" BEGI\n", b"y" * 100000])
def test_an_answer_in_pieces(piece: int, noise: bytes) -> None:
    one = heard(noise + FRAME + b"bye", piece)

    assert one.whole
    assert unpack.decode(bytes(one.data), NONCE)[0]["data"] == b"x" * 5000
    assert len(one.data) <= len(FRAME) + 3


def test_with_the_carriage_returns_of_a_terminal() -> None:
    one = heard(FRAME.replace(b"\n", b"\r\n"), 1)

    assert one.whole


def test_a_flood_before_the_frame() -> None:
    one = Heard(NONCE.encode())
    for _ in range(NOISE // 65536):
        one.add(b"\0" * 65536)
        assert len(one.data) <= KEPT
    with pytest.raises(HostError) as caught:
        one.add(b"\0" * 65536)

    assert caught.value.status == "oversized"


def test_a_flood_within_the_frame() -> None:
    one = heard(NONCE.encode() + b" BEGIN 4000 00000000\n" + b"A" * 1000000, 1000)

    assert one.whole
    assert len(one.data) < 6000
    with pytest.raises(frame.FrameError, match="damaged"):
        unpack.decode(bytes(one.data), NONCE)


@pytest.mark.parametrize("line", [b"x" * 100, b"-5 00000000\n", b"99999999 00000000\n", b"\n", b"1e9 0\n"])
def test_a_frame_that_begins_as_none_does(line: bytes) -> None:
    one = heard(NONCE.encode() + b" BEGIN " + line + b"A" * 1000, 50)

    assert one.whole
    with pytest.raises(frame.FrameError, match="damaged"):
        unpack.decode(bytes(one.data), NONCE)


def test_equal_environments_are_kept_once() -> None:
    block = b"A=1\0B=2\0A=3\0"
    one, other = environ.at_exec(block), environ.live([b"A=1", b"B=2", b"A=3"])

    assert one.variables is other.variables
    assert one.anomalies == other.anomalies == ("A stands 2 times: the first counts",)
    assert environ.live([]).variables == {}
    assert environ.live([b""]).anomalies == ("empty entry at 0",)

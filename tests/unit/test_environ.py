"""Blocks as they were seen: sound, odd, and written over by process titles."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck import environ

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/proc_environ.json").read_text())["cases"]


@pytest.mark.parametrize("case", VECTORS, ids=[c["id"] for c in VECTORS])
def test_recorded_block(case: dict[str, Any]) -> None:
    data = base64.b64decode(case["raw_b64"])

    reading = environ.at_exec(data, "ok" if data else "empty")

    assert reading.status == case["state"].split(":")[0]
    if reading.usable and "entries_latin1" in case:
        expected = {n.encode("latin1"): v.encode("latin1") for n, v in case["entries_latin1"]}
        found = {n.encode(errors="surrogateescape"): v for n, v in reading.variables.items()}
        assert {n: v.encode(errors="surrogateescape") for n, v in found.items()} == expected


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"", "ok", id="really empty"),
        pytest.param(b"\0" * 200, "clobbered", id="setproctitle, all NUL"),
        pytest.param(b"\0" * 300 + b"GUNICORN_FD=5\0", "partial", id="setproctitle after a pop"),
        pytest.param(b"g.ru" + b"\0" * 150, "clobbered", id="the tail of a Ruby title"),
        pytest.param(b" -e X=1 config.ru" + b"\0" * 90, "clobbered", id="a title with an equals sign"),
        pytest.param(b"        \0L_EXEC=A\0", "partial", id="uWSGI pads with blanks"),
        pytest.param(b"A=1\0B=2", "truncated", id="no NUL at the end"),
        pytest.param(b"A=1\0\0B=2\0", "ok", id="an empty entry is legal"),
        pytest.param(b"NOEQ\0A=1\0", "ok", id="an entry without equals sign is legal"),
        pytest.param(b"A=1\0\0", "ok", id="an empty last entry is legal"),
    ],
)
def test_state(data: bytes, status: str) -> None:
    assert environ.at_exec(data).status == status


def test_a_title_that_runs_over_the_block_is_damage_whatever_the_bytes_look_like() -> None:
    assert environ.at_exec(b"A=1\0B=2\0", spilled=True).status == "partial"


@pytest.mark.parametrize("status", ["denied", "exited", "zombie", "oversized", "hidden", "error"])
def test_what_was_not_read_is_not_usable(status: str) -> None:
    assert not environ.at_exec(b"", status).usable
    assert environ.at_exec(b"A=1\0", status).variables == {}


def test_getenv_takes_the_first_of_duplicates() -> None:
    reading = environ.at_exec(b"A=first\0A=second\0")

    assert reading.variables == {"A": "first"}
    assert reading.anomalies == ("A stands 2 times: the first counts",)


def test_carriage_returns_and_newlines_are_kept() -> None:
    assert environ.at_exec(b"A=x\r\ny\0B=1\rz\0").variables == {"A": "x\r\ny", "B": "1\rz"}


def test_a_reading_does_not_tell_values_in_its_repr() -> None:
    assert "hunter" not in repr(environ.at_exec(b"A=hunter\0"))


NAMES = st.binary(min_size=1).filter(lambda b: b"=" not in b and b"\0" not in b and b.strip(b" "))
VALUES = st.binary(min_size=1).filter(lambda b: b"\0" not in b)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_every_byte_survives(variables: dict[bytes, bytes]) -> None:
    block = b"".join(n + b"=" + v + b"\0" for n, v in variables.items())

    found = environ.at_exec(block).variables

    encoded = {
        n.encode(errors="surrogateescape"): v.encode(errors="surrogateescape") for n, v in found.items()
    }
    assert encoded == variables


@given(st.binary())
def test_no_block_raises(data: bytes) -> None:
    environ.at_exec(data)

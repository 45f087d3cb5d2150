"""The report of a remote host is the report made on it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from live.servers import Gunicorn
from remote.sshd import Sshd

FINGERPRINT = re.compile(r"\b[0-9a-f]{16}\b")
COMMANDS = (
    ("check", "-f", "json"),
    ("check",),
    ("ps", "-f", "json"),
    ("show", "-f", "json"),
    ("why", "SHOP", "-f", "json"),
)


def plain(text: str) -> Any:
    """Without what differs by nature: fingerprints of one run, and where lines break after a host's name."""
    return FINGERPRINT.sub("", text).split()


@pytest.fixture(scope="module")
def shop(street: Path) -> Any:
    with Gunicorn(street / "shop").put(SHOP="old") as server:
        server.put(SHOP="new", ADDED="1")
        server.spec()
        yield server


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_equal(box: Sshd, shop: Gunicorn, command: tuple[str, ...], transport: str) -> None:
    target = f"cwd:{shop.folder}"
    spec = () if command[0] == "ps" else ("-s", str(shop.folder / "spec.yaml"))
    here = box.envcheck(*command, target, *spec)
    there = box.envcheck(*command, target, *spec, "-H", "box", "--transport", transport)
    assert here.out
    assert (there.code, plain(there.out.replace('"box"', '"localhost"').removeprefix("box: "))) == (
        here.code,
        plain(here.out),
    ), there
    if "json" in command and command[0] == "check":
        assert json.loads(there.out)["hosts"][0]["name"] == "box"

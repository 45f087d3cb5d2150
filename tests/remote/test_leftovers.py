"""After an interrupt, or the end of the client, nothing is left on the target; nor when a host hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from live.harness import OWN_BIN, send, wait_for
from remote import hostile
from remote.sshd import Sshd


def children(pid: int) -> set[int]:
    """All processes below one."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("latin-1").rpartition(")")[2].split()
            except OSError:
                continue
            if stat[0] not in "ZX":
                parents[int(entry.name)] = int(stat[1])
    found: set[int] = set()
    while more := {p for p, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
@pytest.mark.parametrize("transport", ["fabric", "ssh"])
@pytest.mark.parametrize("sudo", [(), ("--sudo",)], ids=["plain", "sudo"])
def test_the_client_ends(street: Path, number: signal.Signals, transport: str, sudo: tuple[str, ...]) -> None:
    """While the probe looks for more than it will ever find."""
    name = f"left-{number.name}-{transport}-{len(sudo)}"
    with Sshd(street / name / "sshd") as sshd:
        code = (
            "import sys; from envcheck.hosts.ssh import Options, Transport, remote;"
            "from envcheck.hosts.destination import parse;"
            f"host = remote(parse('box'), Options(sudo={bool(sudo)}, transport=Transport('{transport}')));"
            "host.ask([{'op': 'glob', 'patterns': ['/proc/*/*/*/*/*', '/*/*/*/*/*/*']}])"
        )
        client = subprocess.Popen(
            [f"{OWN_BIN}/python", "-c", code], env=dict(sshd.env()), stderr=subprocess.DEVNULL
        )
        try:
            wait_for(lambda: any(_is_busy(pid) for pid in children(sshd.pid)), "the probe does not start")
            client.send_signal(number)
            began = time.monotonic()
            client.wait(5)
            assert time.monotonic() - began < 1
            wait_for(lambda: not children(sshd.pid), "something is left", 2.0)
        finally:
            send(client.pid, signal.SIGKILL)
            client.wait()


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_the_command_ends_before_it_has_asked(street: Path, transport: str) -> None:
    """The connection is begun before the spec is read."""
    with Sshd(street / f"unasked-{transport}" / "sshd") as sshd:
        done = sshd.envcheck("check", "-H", "box", "--transport", transport, "-s", "/nowhere")

        assert done.code == 2
        assert "/nowhere" in done.err
        wait_for(lambda: not children(sshd.pid), "something is left", 5.0)


def _is_busy(pid: int) -> bool:
    """Whether it is a python that has computed for a while: it does more than start."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink().name
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return False
    return program.startswith("python3") and int(stat[11]) + int(stat[12]) > 30


def _has_more(listener: hostile.Listener, before: int) -> bool:
    return len(listener.open) > before


def test_the_command_line_is_interrupted(street: Path) -> None:
    client = Sshd(street / "interrupted")
    with hostile.Listener(hostile.silent) as listener:
        client.port = listener.port
        client.configure()
        for transport in ("fabric", "ssh"):
            before = len(listener.open)
            running = subprocess.Popen(
                [
                    f"{OWN_BIN}/envcheck",
                    "check",
                    "-H",
                    "box",
                    "--transport",
                    transport,
                    "--connect-timeout",
                    "20s",
                ],
                env=dict(client.env()),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            wait_for(partial(_has_more, listener, before), "no connection")
            os.kill(running.pid, signal.SIGINT)
            began = time.monotonic()
            out, err = running.communicate(timeout=10)
            assert time.monotonic() - began < 1
            assert running.returncode == 130
            assert b"Traceback" not in out + err

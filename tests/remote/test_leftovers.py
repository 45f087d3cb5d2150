"""After an interrupt, or the end of the client, nothing is left on the target; nor when a host hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from live.harness import OWN_BIN, SYSTEM_PATH, send, wait_for
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


def asking(sshd: Sshd, options: str) -> subprocess.Popen[bytes]:
    """Start a client that asks for more than the probe will ever find."""
    code = (
        "import sys; from envcheck.hosts.ssh import Options, Transport, remote;"
        "from envcheck.hosts.destination import parse;"
        f"host = remote(parse('box'), Options({options}));"
        "host.ask([{'op': 'glob', 'patterns': ['/proc/*/*/*/*/*', '/*/*/*/*/*/*']}])"
    )
    return subprocess.Popen(
        [f"{OWN_BIN}/python", "-c", code], env=dict(sshd.env()), stderr=subprocess.DEVNULL
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
@pytest.mark.parametrize("transport", ["fabric", "ssh"])
@pytest.mark.parametrize("sudo", [(), ("--sudo",)], ids=["plain", "sudo"])
def test_the_client_ends(street: Path, number: signal.Signals, transport: str, sudo: tuple[str, ...]) -> None:
    """While the probe is at work."""
    name = f"left-{number.name}-{transport}-{len(sudo)}"
    with Sshd(street / name / "sshd") as sshd:
        client = asking(sshd, f"sudo={bool(sudo)}, transport=Transport('{transport}')")
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


@pytest.mark.parametrize("phase", ["auth", "answer"])
def test_the_client_is_killed_while_the_host_hangs(street: Path, phase: str) -> None:
    """A host that neither reads nor says anything does not keep the ssh that was started for it."""
    with Sshd(street / f"frozen-{phase}") as sshd, ExitStack() as stack:
        if phase == "auth":
            over = threading.Event()
            stack.callback(over.set)
            handler = hostile.ssh_server(sshd.folder / "host", phase, over)
            listener = stack.enter_context(hostile.Listener(handler))
            sshd.know(f"[127.0.0.1]:{listener.port}", "host")
            sshd.port = listener.port
            sshd.configure()
            far = partial(_has_more, listener, 0)
        else:
            far = partial(_runs_python, sshd)
        client = asking(sshd, "transport=Transport.SSH, timeout=3.0")
        try:
            wait_for(far, "it is not reached")
            for pid in children(sshd.pid):
                stack.callback(send, pid, signal.SIGKILL)
                send(pid, signal.SIGSTOP)
            near = children(client.pid)
            assert near
        finally:
            send(client.pid, signal.SIGKILL)
            client.wait()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in near), "ssh lives on", 6.0)


def test_a_host_hangs_behind_another(street: Path) -> None:
    """What ssh has started to go through the other one ends with it, though that one is well."""
    with Sshd(street / "way", names="jump") as jump, hostile.Listener(hostile.banner_only) as listener:
        far = f"Host far\n  HostName 127.0.0.1\n  Port {listener.port}\n  User root\n  ProxyJump jump"
        jump.client = [far]
        jump.configure()
        options = ("--timeout", "2s", "--connect-timeout", "2s")
        done = jump.envcheck("check", "-H", "far", "--transport", "ssh", *options)

        assert done.code == 3, done
        wait_for(lambda: not children(jump.pid), "the way through is still open", 5.0)


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
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return False
    return _is_python(pid) and int(stat[11]) + int(stat[12]) > 30


def _is_python(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.startswith("python3")
    except OSError:
        return False


def _runs_python(sshd: Sshd) -> bool:
    return any(map(_is_python, children(sshd.pid)))


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


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Sshd]:
    """A host with two names whose python3 does nothing."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexec /usr/bin/python3 -c 'import signal; signal.pause()'\n")
    python.chmod(0o755)
    with Sshd(tmp_path / "sshd", names="box other", SetEnv=f"PATH={tmp_path}:{SYSTEM_PATH}") as sshd:
        yield sshd


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
@pytest.mark.parametrize("impatient", [False, True])
def test_it_is_interrupted_while_its_first_question_hangs(
    hanging: Sshd, transport: str, *, impatient: bool
) -> None:
    """It was put before the command line was read: what was opened for it is closed all the same."""
    argv = [f"{OWN_BIN}/envcheck", "check", "-H", "box", "--transport", transport]
    with ExitStack() as stack:
        client = subprocess.Popen(
            argv, env=dict(hanging.env()), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        stack.callback(send, client.pid, signal.SIGKILL)
        wait_for(partial(_runs_python, hanging), "it is not reached")
        for pid in children(hanging.pid):
            stack.callback(send, pid, signal.SIGKILL)
            send(pid, signal.SIGSTOP)
        near = children(client.pid)
        assert bool(near) is (transport == "ssh")

        began = time.monotonic()
        client.send_signal(signal.SIGINT)
        while impatient and client.poll() is None:
            client.send_signal(signal.SIGINT)  # as a terminal does while ^C is held down

        assert b"Traceback" not in client.communicate()[1]
        assert (client.returncode, time.monotonic() - began < 2) == (130, True)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in near), "ssh lives on", 2.0)


def test_nothing_is_left_of_many_hosts_that_hang(hanging: Sshd) -> None:
    options = ("--transport", "ssh", "--timeout", "2s")
    done = hanging.envcheck("check", "-H", "box", "-H", "other", *options)

    assert done.code == 3, done
    config = str(hanging.folder / "config").encode()
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if config in _content(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

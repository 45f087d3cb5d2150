"""Whatever a remote end does, and wherever it hangs: a named state of that host, in time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.harness import OWN_BIN, wait_for
from remote import hostile
from remote.sshd import Done, Sshd

from envcheck.errors import HostError
from envcheck.hosts import sockets
from envcheck.hosts.destination import parse
from envcheck.hosts.local import Local
from envcheck.hosts.ssh import Options, Transport, remote
from envcheck.probe import frame

COULD_NOT_TELL = 3
TRANSPORTS = ("fabric", "ssh")


@pytest.fixture(scope="module")
def client(street: Path) -> Sshd:
    """The files of a user, with no sshd."""
    made = Sshd(street / "client")
    made.configure()
    return made


# Run a command, and tell its peak of memory in KiB as the last word on standard error.
PEAK = """
import resource, subprocess, sys
subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def know(client: Sshd, port: int) -> None:
    client.port = port
    client.know(f"[127.0.0.1]:{port}", "host")
    client.configure()


def check(client: Sshd, port: int, transport: str, *more: str) -> tuple[Done, dict[str, Any]]:
    know(client, port)
    done = client.envcheck(
        *("check", "-f", "json", "-H", "box", "--transport", transport),
        *("--connect-timeout", "1s", "--timeout", "2s", *more),
    )
    assert done.code == COULD_NOT_TELL, done
    [host] = json.loads(done.out)["hosts"]
    assert host["name"] == "box"
    assert host["gaps"][0]["what"], host
    return done, host


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("handle", "status"),
    [
        (hostile.silent, {"unreachable"}),
        (hostile.banner_only, {"unreachable"}),
        (hostile.dripping, {"unreachable", "throttled"}),
        (hostile.garbage, {"throttled", "unreachable"}),
        (hostile.closing, {"throttled", "unreachable"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_before_the_key_exchange(
    client: Sshd, handle: hostile.Handler, status: set[str], transport: str
) -> None:
    with hostile.Listener(handle) as listener:
        done, host = check(client, listener.port, transport)
    assert host["status"] in status | {"timed-out"}, host
    assert done.seconds < 5, done


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        (hostile.garbage, "HTTP/1.1 400 Bad Request"),
        (hostile.web, "HTTP/1.1 400 \x1b[31mBad Request"),
        (hostile.endless_line, "x" * 80),
        (hostile.endless_lines, "what is it?"),
        (hostile.dripping, "xxx"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_speaks_no_ssh(client: Sshd, handle: hostile.Handler, said: str) -> None:
    with hostile.Listener(handle) as listener:
        done, host = check(client, listener.port, "fabric", "--timeout", "8s")
    assert host["status"] == "unreachable", host
    assert host["gaps"][0]["why"].startswith(f"it answers, but not with SSH: {said}"), host
    assert done.seconds < 5, done


def test_a_sshd_that_is_too_busy_for_a_banner(client: Sshd) -> None:
    with hostile.Listener(hostile.busy) as listener:
        # It is asked twice; on a busy machine that may take longer than the others have.
        _, host = check(client, listener.port, "fabric", "--connect-timeout", "10s", "--timeout", "20s")
    assert host["status"] == "throttled", host


def truncated(channel: Any) -> None:
    nonce = _nonce(channel)
    channel.sendall(nonce + b" BEGIN 4000 00000000\nAAAA")
    channel.close()


def ended(channel: Any) -> None:
    """The command has ended in the midst of its answer; something holds its output."""
    channel.sendall(_nonce(channel) + b" BEGIN 4000 00000000\nAAAA")
    channel.send_exit_status(1)


def half(channel: Any) -> None:
    """It begins, and hangs."""
    channel.sendall(_nonce(channel) + b" BEGIN 4000 00000000\nAAAA")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("phase", ["auth", "channel", "exec", "half an answer"])
def test_a_hang(client: Sshd, phase: str, transport: str) -> None:
    over = threading.Event()
    act = half if phase == "half an answer" else None
    with hostile.Listener(hostile.ssh_server(client.folder / "host", phase, over, act)) as listener:
        done, host = check(client, listener.port, transport)
        over.set()
    assert host["status"] == "timed-out", host
    assert 2 <= done.seconds < 4.5, done  # two seconds, one of grace, and the start of the program


def damaged(channel: Any) -> None:
    nonce = _nonce(channel)
    channel.sendall(nonce + b" BEGIN 4 00000000\nAAAA\n" + nonce + b" END\n")


def nonsense(channel: Any) -> None:
    """A frame that is whole, and answers nothing."""
    nonce = _nonce(channel).decode()
    answers: list[Any] = [{"status": "ok", "processes": [{"pid": "x"}], "now": "never"}] * 6
    channel.sendall(frame.encode(answers, nonce))  # pyright: ignore[reportUnknownMemberType]


def flood(channel: Any) -> None:
    while True:
        channel.sendall(b"y\n" * 16384)


def flood_of_errors(channel: Any) -> None:
    while True:
        channel.sendall_stderr(b"y\n" * 16384)


def vanished(channel: Any) -> None:
    channel.close()


def silenced(channel: Any) -> None:
    """Its output has ended, and the command goes on."""
    _nonce(channel)
    channel.shutdown_write()


def hostile_text(channel: Any) -> None:
    channel.sendall_stderr(b"\x1b]0;owned\x07\x1b[31mred\xe2\x80\xae\n")
    channel.send_exit_status(7)
    channel.close()


def _nonce(channel: Any) -> bytes:
    data = b""
    while b'"nonce": "' not in data:
        piece: bytes = channel.recv(65536)
        if not piece:  # who asked has gone, or asks a shell
            raise EOFError
        data += piece
    rest: bytes = data.partition(b'"nonce": "')[2]
    return rest[:32]


@pytest.mark.parametrize("status", [3, None], ids=["it fails", "without a status"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer_that_is_the_last_one(
    client: Sshd, transport: str, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has come whole is used, however the command ends; the next question is told to have no answer."""

    def once(channel: Any) -> None:
        nonce = _nonce(channel).decode()
        channel.sendall(frame.encode(Local().ask([{"op": "host"}]), nonce))  # pyright: ignore[reportUnknownMemberType]
        if status is not None:
            channel.send_exit_status(status)
        channel.close()

    over = threading.Event()
    with hostile.Listener(hostile.ssh_server(client.folder / "host", "", over, once)) as listener:
        know(client, listener.port)
        monkeypatch.setenv("PATH", client.env()["PATH"])
        host = remote(parse("box"), Options(transport=Transport(transport), connect=5, timeout=9))
        try:
            [seen] = host.ask([{"op": "host"}])
            with pytest.raises(HostError) as caught:
                host.ask([{"op": "host"}])
        finally:
            host.close()
            over.set()
    assert seen["hostname"] == os.uname().nodename
    assert caught.value.status in {"no-answer", "closed"}


def test_a_connection_that_is_lost_while_it_is_written_to(
    street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written fails before anybody has read that it is over."""
    made: list[socket.socket] = []

    def connect(*where: Any) -> sockets.QuickSocket:
        made.append(found := real(*where))
        return found

    real = sockets.connect
    monkeypatch.setattr(sockets, "connect", connect)
    with Sshd(street / "lost") as sshd:
        monkeypatch.setenv("PATH", sshd.env()["PATH"])
        host = remote(parse("box"), Options())
        try:
            host.ask([{"op": "host"}])
            made[0].shutdown(socket.SHUT_WR)
            with pytest.raises(HostError) as caught:
                host.ask([{"op": "host"}])
        finally:
            host.close()
    assert caught.value.status == "no-answer"


@pytest.mark.parametrize(
    ("transport", "released"), [("ssh", False), ("fabric", True)], ids=["it stays so", "it is over soon"]
)
def test_too_many_connect_at_once(street: Path, transport: str, released: bool) -> None:  # noqa: FBT001
    """sshd drops who comes while another one has not logged in; it is asked once more."""
    with Sshd(street / f"busy-{transport}-{released}", MaxStartups="1:100:1") as sshd:
        log = sshd.folder / "log"
        waiting = socket.create_connection(("127.0.0.1", sshd.port))
        assert waiting.recv(4) == b"SSH-"
        argv = [f"{OWN_BIN}/envcheck", "ps", "-f", "json", "-H", "box", "--transport", transport]
        with subprocess.Popen(argv, env=dict(sshd.env()), stdout=subprocess.PIPE, text=True) as asking:
            if released:
                wait_for(lambda: "MaxStartups throttling" in log.read_text(), "nobody is dropped")
                waiting.close()
            out, _ = asking.communicate(timeout=30)
        waiting.close()
    [host] = json.loads(out)["hosts"]
    assert host["status"] == ("ok" if released else "throttled"), host


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_further_session(street: Path, transport: str) -> None:
    with Sshd(street / f"sessions-{transport}", MaxSessions="0") as sshd:
        done = sshd.envcheck("ps", "-f", "json", "-H", "box", "--transport", transport)
    [host] = json.loads(done.out)["hosts"]
    assert host["status"] == "throttled", done


def test_the_command_has_ended_and_its_output_has_not(client: Sshd) -> None:
    over = threading.Event()
    with hostile.Listener(hostile.ssh_server(client.folder / "host", "", over, ended)) as listener:
        done, host = check(client, listener.port, "fabric", "--timeout", "20s")
        over.set()
    assert host["status"] == "truncated", host
    assert done.seconds < 8, done


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("act", "status"),
    [
        (truncated, "truncated"),
        (damaged, "damaged"),
        (nonsense, "damaged"),
        (flood, "oversized"),
        (flood_of_errors, "oversized"),
        (vanished, "no-answer"),
        (silenced, "no-answer"),
        (hostile_text, "no-answer"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_answer(client: Sshd, act: Callable[[Any], None], status: str, transport: str) -> None:
    over = threading.Event()
    with hostile.Listener(hostile.ssh_server(client.folder / "host", "", over, act)) as listener:
        done, host = check(client, listener.port, transport, "--timeout", "20s")
        over.set()
    assert host["status"] == status, host
    assert not {"\x1b", "\u202e"} & set(done.out + done.err)


def test_a_flood_takes_no_memory(client: Sshd) -> None:
    over = threading.Event()
    with hostile.Listener(hostile.ssh_server(client.folder / "host", "", over, flood)) as listener:
        know(client, listener.port)
        command = (f"{OWN_BIN}/envcheck", "check", "-H", "box", "--transport", "fabric", "--timeout", "20s")
        done = client.run(sys.executable, "-c", PEAK, *command)
        over.set()
    assert "oversized" in done.out
    assert int(done.err.split()[-1]) < 150 * 1024, done


def test_many_floods_take_no_memory(street: Path) -> None:
    room = {"MaxStartups": "100", "ForceCommand": "cat /dev/zero"}
    with Sshd(street / "floods", names="h*", **room) as sshd:
        (sshd.folder / "hosts").write_text("h[1:20]\n")
        command = (f"{OWN_BIN}/envcheck", "check", "--hosts-file", "hosts", "--transport", "fabric", "-v")
        done = sshd.run(sys.executable, "-c", PEAK, *command)
    assert done.err.count("more than 1048576 bytes came, and no answer among them") == 20
    assert int(done.err.split()[-1]) < 100 * 1024, done


def test_nobody_listens(client: Sshd) -> None:
    with hostile.Listener(hostile.silent) as listener:
        port = listener.port
    for transport in TRANSPORTS:
        done, host = check(client, port, transport)
        assert host["status"] == "unreachable", host
        assert done.seconds < 3


def test_no_such_name(client: Sshd) -> None:
    for transport in TRANSPORTS:
        done = client.envcheck(
            "check", "-H", "no-such-host.invalid", "--transport", transport, "--timeout", "8s"
        )
        assert done.code == COULD_NOT_TELL
        assert done.out.startswith("no-such-host.invalid: COULD NOT TELL: unreachable"), done
        assert done.out.splitlines()[-1].startswith("do: "), done


def test_failures_leave_nothing(client: Sshd) -> None:
    """In one process: no thread, no socket."""
    client.make_key("other")
    with Sshd(client.folder / "unknown") as sshd:
        host = remote(
            parse(f"root@127.0.0.1:{sshd.port}"), Options(transport=Transport.FABRIC, connect=5, timeout=9)
        )
        threads, sockets = set(threading.enumerate()), _sockets()
        for _ in range(5):
            with pytest.raises(HostError) as caught:
                host.ask([{"op": "host"}])
            assert caught.value.status == "host-key-unknown"
            host.close()
        wait_for(lambda: set(threading.enumerate()) <= threads, "threads are left")
        assert _sockets() <= sockets


def _sockets() -> set[str]:
    names = os.listdir("/proc/self/fd")  # noqa: PTH208
    found = {os.readlink(f"/proc/self/fd/{n}") for n in names if os.path.islink(f"/proc/self/fd/{n}")}  # noqa: PTH114, PTH115
    return {link for link in found if link.startswith("socket:")}

"""What a user's ssh is told to do, done by both transports: agents, jumps, aliases, certificates, masters."""

from __future__ import annotations

import base64
import json
import os
import pty
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa
from live.harness import free_port, need, send, wait_for
from remote.sshd import Done, Sshd

from envcheck.hosts import openssh

COULD_NOT_TELL = 3
TRANSPORTS = ("fabric", "ssh")


def ps(sshd: Sshd, transport: str, host: str = "box", **env: str) -> tuple[Done, dict[str, Any]]:
    done = sshd.envcheck("ps", "-f", "json", "-v", "-H", host, "--transport", transport, **env)
    [found] = json.loads(done.out)["hosts"]
    return done, found


@contextmanager
def agent(folder: Path, key: Path) -> Generator[str]:
    """Run an agent that holds a key; give its socket."""
    need("ssh-agent", "ssh-add")
    sock = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        wait_for(sock.exists, "ssh-agent does not start")
        env = {**os.environ, "SSH_AUTH_SOCK": str(sock)}
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env=env, capture_output=True)
        yield str(sock)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def agent_of(sshd: Sshd) -> Generator[str]:
    """Run an agent that holds the user's key, whatever rights its file has."""
    copy = sshd.folder / "copy"
    copy.write_bytes((sshd.folder / "user").read_bytes())
    copy.chmod(0o600)
    with agent(sshd.folder, copy) as sock:
        yield sock


def hop(sshd: Sshd, name: str) -> list[str]:
    """Lines by which the configuration of another one's user knows this sshd."""
    return [
        f"Host {name}",
        f"  HostName 127.0.0.1\n  Port {sshd.port}\n  User root",
        f"  IdentityFile {sshd.folder / 'user'}\n  IdentitiesOnly yes",
        f"  UserKnownHostsFile {sshd.known_hosts}\n  GlobalKnownHostsFile /dev/null",
    ]


AGENTS = {
    "named by its public half": (("user.pub",), ()),
    "named as the public half": (("half.pub",), ("Host box", "  IdentityFile {}/half.pub")),
    "not named": ((), ("IdentitiesOnly no",)),
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("how", AGENTS)
def test_a_key_that_only_the_agent_has(street: Path, how: str, transport: str) -> None:
    kept, lines = AGENTS[how]
    folder = street / f"{transport}-{how.replace(' ', '-')}"
    with Sshd(folder, client=[line.format(folder) for line in lines]) as sshd:
        with agent(folder, folder / "user") as sock:
            (folder / "half.pub").write_text((folder / "user.pub").read_text())
            for name in {"user", "user.pub", "half.pub"} - set(kept):
                (folder / name).unlink()
            done, host = ps(sshd, transport, SSH_AUTH_SOCK=sock)
            assert host["status"] == "ok", done
        done, host = ps(sshd, transport, SSH_AUTH_SOCK=sock)  # it is gone
        assert host["status"] == "denied", done


# As ssh does before 8.7.
OLDER = """\
#!/bin/sh
for word; do case "$word" in ForkAfterAuthentication=*|SessionType=*|StdinNull=*)
    echo "command-line: line 0: Bad configuration option: $word" >&2; exit 255;;
esac; done
case " $* " in
    *" -G "*) {bin}/real "$@" | grep -ve ^forkafterauthentication -e ^sessiontype -e ^stdinnull;;
    *) exec {bin}/real "$@";;
esac
"""


def test_an_older_ssh_is_told_nothing_that_it_does_not_know(street: Path) -> None:
    with Sshd(street / "older") as sshd:
        folder = sshd.folder / "bin"
        (folder / "ssh").rename(folder / "real")
        (folder / "ssh").write_text(OLDER.format(bin=folder))
        (folder / "ssh").chmod(0o755)
        done, host = ps(sshd, "ssh")
        assert host["status"] == "ok", done


def test_a_key_that_others_may_read(street: Path) -> None:
    """Ssh does not use it, whoever else would be let in by it."""
    with Sshd(street / "open-key") as sshd:
        key = sshd.folder / "user"
        key.chmod(0o640)
        for transport in TRANSPORTS:
            assert ps(sshd, transport)[1]["status"] == "denied"
        _, host = ps(sshd, "fabric")
        [gap] = host["gaps"]
        assert gap["why"].endswith(f"no key is there to offer; {key} was left out: others may read it")
        assert gap["hint"] == f"chmod 600 {key}"
        with agent_of(sshd) as sock:
            assert ps(sshd, "fabric", SSH_AUTH_SOCK=sock)[1]["status"] == "ok"
        key.chmod(0o600)
        assert ps(sshd, "fabric")[1]["status"] == "ok"


def test_a_key_with_a_passphrase(street: Path) -> None:
    with Sshd(street / "passphrase") as sshd:
        key = sshd.folder / "user"
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "passphrase", "-f", key], check=True)
        _, host = ps(sshd, "fabric")
    [gap] = host["gaps"]
    assert host["status"] == "denied"
    assert gap["why"].endswith(f"no key is there to offer; {key} was left out: it has a passphrase")
    assert gap["hint"] == f"ssh-add {key}"


def test_an_old_key_beside_the_right_one(street: Path) -> None:
    """That its type is old is nobody's question here."""
    folder = street / "old-key"
    form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    with Sshd(folder, client=["Host box", f"  IdentityFile {folder}/old"]) as sshd:
        with warnings.catch_warnings(action="ignore"):
            (folder / "old").write_bytes(dsa.generate_private_key(1024).private_bytes(*form))  # noqa: S505 - no other
        (folder / "old").chmod(0o600)
        done, host = ps(sshd, "fabric")
    assert host["status"] == "ok", done
    assert "Warning" not in done.err


def fido(path: Path) -> None:
    """Write a private key that is in a token: no more of it than its type has to be true."""
    words = (b"none", b"none", b"", b"sk-ssh-ed25519@openssh.com")
    body = b"openssh-key-v1\0" + b"".join(len(word).to_bytes(4, "big") + word for word in words)
    text = base64.encodebytes(body).decode()
    path.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n")


def test_keys_that_only_ssh_can_use(street: Path) -> None:
    folder = street / "foreign-keys"
    with Sshd(folder) as sshd:
        key = folder / "user"
        _, host = ps(sshd, "auto")
        assert host["status"] == "ok"
        key.unlink()
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-m", "PKCS8", "-N", "", "-f", key], check=True)
        (folder / "authorized_keys").write_text(sshd.public("user"))
        done, host = ps(sshd, "auto")
        assert host["status"] == "ok", done
        assert f"by ssh: {key} is in PKCS#8" in done.err
        fido(key)
        done, _ = ps(sshd, "auto")
        assert f"by ssh: {key} is a FIDO key" in done.err


@pytest.mark.parametrize(
    ("transport", "why"),
    [("fabric", "it hung up after 3 keys"), ("ssh", "Too many authentication failures")],
)
def test_more_keys_than_the_host_listens_to(street: Path, transport: str, why: str) -> None:
    folder = street / f"many-keys-{transport}"
    keys = [f"  IdentityFile {folder / f'key{number}'}" for number in range(5)]
    with Sshd(folder, client=["Host box", *keys], MaxAuthTries="3") as sshd:
        for number in range(5):
            sshd.make_key(f"key{number}")
        _, host = ps(sshd, transport)
    [gap] = host["gaps"]
    assert (host["status"], gap["what"]) == ("denied", "authenticating")
    assert gap["why"].endswith(why)
    assert "IdentitiesOnly" in gap["hint"]


@pytest.fixture(scope="module")
def jump(site: Path) -> Iterator[Sshd]:
    with Sshd(site / "jump", LogLevel="DEBUG1") as sshd:
        yield sshd


# What ProxyJump says -> the jumps that come of it.
JUMPS = {"one": 1, "one,two": 2, "three": 2, "three,one": 3}


def passed(jump: Sshd) -> int:
    return (jump.folder / "log").read_text().count("server_request_direct_tcpip")


@pytest.mark.parametrize("transport", ["auto", *TRANSPORTS])
@pytest.mark.parametrize(("name", "count"), JUMPS.items())
def test_through_another_host(street: Path, jump: Sshd, name: str, count: int, transport: str) -> None:
    """Two jumps are one host here, that is gone through twice."""
    client = [*hop(jump, "one two three"), "Host three", "  ProxyJump two", "Host box", f"  ProxyJump {name}"]
    with Sshd(street / f"inner-{transport}-{name}", client=client) as sshd:
        before = passed(jump)
        done, host = ps(sshd, transport)
    assert host["status"] == "ok", done
    assert passed(jump) - before == count
    assert ("box: by fabric" in done.err) == (transport != "ssh")


def test_where_the_way_through_another_host_ends(street: Path, jump: Sshd) -> None:
    """The jump host is dead, cannot connect to the next one, or does not want to: each is told."""
    dead = free_port()
    with Sshd(street / "no-way", AllowTcpForwarding="no") as strict:
        client = [
            f"Host dead\n  HostName 127.0.0.1\n  Port {dead}",
            *hop(jump, "good"),
            *hop(strict, "strict"),
            "Host by-dead\n  ProxyJump dead",
            f"Host to-dead\n  ProxyJump good\n  Port {dead}",
            "Host by-strict\n  ProxyJump strict",
        ]
        sshd = Sshd(street / "behind", client=client, names="by-dead to-dead by-strict")
        sshd.configure()
        told = {name: ps(sshd, "fabric", name)[1] for name in ("by-dead", "to-dead", "by-strict")}
    assert {host["status"] for host in told.values()} == {"unreachable"}
    assert {name: host["gaps"][0]["why"] for name, host in told.items()} == {
        "by-dead": f"the jump host dead: port {dead} of 127.0.0.1: Connection refused",
        "to-dead": f"the jump host good cannot connect to port {dead} of 127.0.0.1",
        "by-strict": "the jump host strict does not let us through to it",
    }


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_in_parts_and_under_conditions(street: Path, transport: str) -> None:
    """What is included, what holds if a command says so, no jump after all; and an agent that is not lent."""
    folder = street / f"parts-{transport}"
    folder.mkdir()
    (folder / "included").write_text("Host box\n  ProxyJump none\n  ForwardAgent ask\n")
    client = [
        f"Include {folder}/included",
        'Match originalhost box exec "true"\n  ConnectionAttempts 2',
        'Match originalhost box exec "false"\n  Port 1',
        "Host box\n  ProxyJump nowhere.invalid",
    ]
    lent = {"ForceCommand": f'env >{folder}/env; exec sh -c "$SSH_ORIGINAL_COMMAND"'}
    with (
        Sshd(folder / "sshd", client=client, **lent) as sshd,
        agent(folder, folder / "sshd" / "user") as sock,
    ):
        done, host = ps(sshd, transport, SSH_AUTH_SOCK=sock)
    assert host["status"] == "ok", done
    assert "SSH_AUTH_SOCK" not in (folder / "env").read_text()


def test_a_condition_that_hangs(street: Path) -> None:
    """Of what ssh runs for it nothing is left."""
    sshd = Sshd(street / "condition")
    sshd.client = (f'Match exec "echo $$ >{sshd.folder}/pid-of-it; exec sleep 1000"', "  User nobody")
    sshd.configure()
    done = sshd.envcheck("ps", "-H", "box", "--timeout", "2")
    pid = (sshd.folder / "pid-of-it").read_text().strip()
    try:
        assert done.code == COULD_NOT_TELL
        assert "ssh -G takes too long" in done.err
        assert done.seconds < 4
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the condition lives on", 2.0)
    finally:
        send(int(pid), signal.SIGKILL)


@pytest.mark.parametrize("keyword", ["UserKnownHostsFile", "IdentityFile"])
def test_a_pipe_to_which_nobody_writes(street: Path, keyword: str) -> None:
    sshd = Sshd(street / f"pipe-{keyword}")
    pipe = sshd.folder / "pipe"
    os.mkfifo(pipe)
    sshd.client = ("Host box", f"  {keyword} {pipe}")
    with sshd:
        _, found = ps(sshd, "fabric")
    assert found["status"] == ("ok" if keyword == "IdentityFile" else "host-key-unknown")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_jumps_in_a_circle(street: Path, transport: str) -> None:
    client = ["Host one", "  ProxyJump two", "Host two", "  ProxyJump one", "Host box", "  ProxyJump one"]
    sshd = Sshd(street / f"circle-{transport}", client=client)
    sshd.configure()
    done, host = ps(sshd, transport)
    assert host["status"] == "bad-configuration", done


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_by_ip_version_6(street: Path, transport: str) -> None:
    with Sshd(street / f"six-{transport}", client=["Host ::1", "  HostName ::1"], names="*") as sshd:
        sshd.stop()
        sshd.options["ListenAddress"] = "::1"
        sshd.start()
        sshd.know(f"[::1]:{sshd.port}", "host")
        done, host = ps(sshd, transport, f"root@[::1]:{sshd.port}")
        assert host["status"] == "ok", done
        sshd.known_hosts.write_text("")
        done, host = ps(sshd, transport, f"[::1]:{sshd.port}")
        assert host["status"] == "host-key-unknown", done


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_alias(street: Path, transport: str) -> None:
    """Its key is known by another name, whatever the port."""
    with Sshd(street / f"alias-{transport}", client=["Host box", "  HostKeyAlias shop.example"]) as sshd:
        done, host = ps(sshd, transport)
        assert host["status"] == "host-key-unknown", done
        sshd.know("shop.example", "host")
        done, host = ps(sshd, transport)
        assert host["status"] == "ok", done
        sshd.make_key("other")
        sshd.know("shop.example", "other")
        done, host = ps(sshd, transport)
        assert host["status"] == "host-key-changed", done


def test_a_live_master_is_used(street: Path) -> None:
    folder = street / "master"
    with Sshd(folder, client=[f"ControlPath {folder}/control"]) as sshd:
        ssh = str(folder / "bin/ssh")
        assert "by fabric" in ps(sshd, "auto")[0].err
        subprocess.run([ssh, "-M", "-N", "-f", "box"], check=True, capture_output=True)
        try:
            before = (folder / "log").read_text().count("Accepted publickey")
            done, host = ps(sshd, "auto")
            after = (folder / "log").read_text().count("Accepted publickey")
        finally:
            subprocess.run([ssh, "-O", "exit", "box"], check=True, capture_output=True)
    assert host["status"] == "ok", done
    assert "box: by ssh: a ControlMaster is alive" in done.err
    assert after == before


@pytest.mark.parametrize("named", [False, True], ids=["beside the key", "named"])
def test_a_certificate_of_the_user(street: Path, named: bool) -> None:  # noqa: FBT001
    folder = street / f"certificate-{named}"
    file = "elsewhere.pub" if named else "user-cert.pub"
    client = [f"CertificateFile {folder}/{file}"] if named else []
    trusted = {"AuthorizedKeysFile": "none", "TrustedUserCAKeys": f"{folder}/ca.pub"}
    with Sshd(folder, client=client, **trusted) as sshd:
        sshd.make_key("ca")
        done, host = ps(sshd, "auto")
        assert host["status"] == "denied", done
        sign = ["ssh-keygen", "-q", "-s", "ca", "-I", "somebody", "-n", "root", "user.pub"]
        subprocess.run(sign, check=True, cwd=folder, capture_output=True)
        (folder / "user-cert.pub").rename(folder / file)
        done, host = ps(sshd, "auto")
    assert host["status"] == "ok", done
    why = "the configuration sets certificatefile" if named else "has a certificate"
    assert "box: by ssh: " in done.err
    assert why in done.err


def test_a_command_to_connect_by(street: Path, jump: Sshd) -> None:
    folder = street / "command"
    client = ["Host box", f"  ProxyCommand {jump.folder}/bin/ssh -W %h:%p box"]
    with Sshd(folder, client=client) as sshd:
        before = passed(jump)
        done, host = ps(sshd, "auto")
    assert host["status"] == "ok", done
    assert "box: by ssh: the configuration sets proxycommand" in done.err
    assert passed(jump) == before + 1


NO_WAY = {"no-such-program %h %p": "no-such-program: not found", "sh -c 'echo \033[31mno >&2'": "\033[31mno"}


@pytest.mark.parametrize("command", NO_WAY)
def test_a_command_that_does_not_connect(street: Path, command: str) -> None:
    """What it says is told, not what ssh makes of its end."""
    sshd = Sshd(street / f"no-command-{len(command)}", client=["Host box", f"  ProxyCommand {command}"])
    sshd.configure()
    done, host = ps(sshd, "auto")
    [gap] = host["gaps"]
    assert host["status"] == "unreachable", done
    assert gap["why"].startswith("ssh gave up: ")
    assert gap["why"].endswith(NO_WAY[command])
    assert "ProxyCommand" in gap["hint"]
    assert "\033" not in done.err + sshd.envcheck("ps", "-H", "box").out


LAX = {"no": "host-key-changed", "off": "host-key-unknown", "accept-new": "host-key-unknown"}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("word", LAX)
@pytest.mark.parametrize("which", ["target", "jump"])
def test_never_laxer_than_strict(street: Path, jump: Sshd, which: str, word: str, transport: str) -> None:
    """Neither of the host, nor of those on the way; and nothing is added to the known keys."""
    known = street / f"known-{which}-{word}-{transport}"
    lax = [f"StrictHostKeyChecking {word}"]
    if which == "jump":
        lax += ["Host one", f"  UserKnownHostsFile {known}"]
    client = [*lax, *hop(jump, "one"), "Host box", "  ProxyJump one"]
    with Sshd(street / f"lax-{which}-{word}-{transport}", client=client) as sshd:
        sshd.make_key("other")
        wrong = sshd.public("other") if LAX[word] == "host-key-changed" else ""
        port = jump.port if which == "jump" else sshd.port
        content = f"[127.0.0.1]:{port} {wrong}\n" if wrong else ""
        path = known if which == "jump" else sshd.known_hosts
        path.write_text(content)
        done, host = ps(sshd, transport)
        assert path.read_text() == content
    assert host["status"] == LAX[word], done


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_host_that_is_reached_by_this_one_is_as_unknown(street: Path, transport: str) -> None:
    """As one behind a tunnel is: ssh can be told to take any key from there."""
    lax = ["NoHostAuthenticationForLocalhost yes"]
    with Sshd(street / f"localhost-{transport}", client=lax) as sshd:
        sshd.known_hosts.write_text("")
        done, host = ps(sshd, transport)
    assert host["status"] == "host-key-unknown", done


@pytest.mark.parametrize(
    "setting", ["SessionType none", "SessionType subsystem", "ForkAfterAuthentication yes"]
)
@pytest.mark.parametrize("more", ["RemoteCommand uptime", "StdinNull yes"])
def test_a_host_that_is_configured_to_run_nothing(street: Path, setting: str, more: str) -> None:
    """As those are that serve as tunnels, or for files alone."""
    folder = street / f"session-{setting}-{more}".replace(" ", "-")
    with Sshd(folder, client=["Host box", f"  {setting}", f"  {more}"]) as sshd:
        for transport in TRANSPORTS:
            done, host = ps(sshd, transport)
            assert host["status"] == "ok", done


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_files_with_blanks_in_their_names_and_of_a_named_user(street: Path, transport: str) -> None:
    sshd = Sshd(street / f"names-{transport}")
    user = pwd.getpwuid(os.getuid())
    where = os.path.relpath(sshd.folder, Path(user.pw_dir).resolve())
    keys, key = f'{sshd.folder}/nothing "{sshd.folder}/known here"', f"~{user.pw_name}/{where}/moved"
    sshd.client = ("Host box", f"  UserKnownHostsFile {keys}\n  IdentityFile {key}")
    with sshd:
        (sshd.folder / "user").rename(sshd.folder / "moved")
        sshd.known_hosts.rename(sshd.folder / "known here")
        done, host = ps(sshd, transport)
    assert host["status"] == "ok", done


def test_a_name_whose_address_has_another_key() -> None:
    """It is told as a key that has changed, not as one that nobody knows."""
    said = """\
Warning: the ED25519 host key for 'web-1' differs from the key for the IP address '192.0.2.2'
Offending key for IP in /etc/ssh/known keys:2
Matching host key in /root/.ssh/known_hosts:1
Exiting, you have requested strict checking.
Host key verification failed.
"""
    named, offending = re.search(openssh.NAMED, said), re.search(openssh.OFFENDING, said)
    assert named is not None
    assert offending is not None
    key = openssh.LookedUp(named[1], (offending[1],))
    error = openssh.explain(255, said, lambda: key)
    assert error is not None
    assert error.status == "host-key-changed"
    assert error.hint == "ssh-keygen -l -F 192.0.2.2 -f '/etc/ssh/known keys' shows the key it had"


def on_a_terminal(sshd: Sshd, arguments: Sequence[str]) -> tuple[int, str, float]:
    """Run envcheck where it could ask; give exit status, output and seconds."""
    began = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(sshd.folder)
        program = os.fspath(Path(sshd.env()["PATH"].split(":")[1]) / "envcheck")
        os.execve(program, [program, *arguments], dict(sshd.env()))  # noqa: S606
    said = b""
    while time.monotonic() - began < 20:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            said += os.read(terminal, 65536)
        except OSError:
            break
    else:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), said.decode("utf-8", "replace"), time.monotonic() - began


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("which", ["target", "jump"])
def test_a_password_is_not_asked_for(street: Path, which: str, transport: str) -> None:
    only = {"PubkeyAuthentication": "no", "PasswordAuthentication": "yes", "PermitRootLogin": "yes"}
    folder = street / f"password-{which}-{transport}"
    with Sshd(folder, **only) as asking:
        sshd = asking
        if which == "jump":
            sshd = Sshd(folder / "inner", client=[*hop(asking, "one"), "Host box", "  ProxyJump one"])
            sshd.configure()
        code, said, seconds = on_a_terminal(sshd, ["check", "-H", "box", "--transport", transport])
    assert code == COULD_NOT_TELL, said
    assert "box: COULD NOT TELL: denied" in said.splitlines()[0], said
    assert "password" in said  # it says what the host takes
    assert "password:" not in said
    assert seconds < 10


LAXER = {
    "RevokedHostKeys {}/host.pub": "host-key-revoked",
    "KexAlgorithms diffie-hellman-group14-sha1": "closed",
    "PreferredAuthentications gssapi-with-mic": "denied",
    "PreferredAuthentications gssapi-with-mic,publickey": "ok",
    "CheckHostIP yes": "ok",  # it does not look at the address where that is of this machine
}


@pytest.mark.parametrize("line", LAXER)
def test_what_only_ssh_refuses_is_left_to_it(street: Path, line: str) -> None:
    sshd = Sshd(street / f"laxer-{list(LAXER).index(line)}", KexAlgorithms="curve25519-sha256")
    sshd.client = ("Host box", f"  {line.format(sshd.folder)}")
    with sshd:
        done, found = ps(sshd, "auto")
    assert found["status"] == LAXER[line], done
    assert "by ssh: the configuration sets" in done.err


@pytest.mark.parametrize("name", ["%d/{}/moved", "${ENVCHECK_KEYS}/moved", "%d/{}/keys/%n"])
def test_names_of_keys_that_have_to_be_expanded(street: Path, name: str) -> None:
    sshd = Sshd(street / f"expanded-{sum(map(ord, name))}")
    home = Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    where = os.path.relpath(sshd.folder, home)
    sshd.client = ("Host box", f"  IdentityFile {name.replace('{}', where)}")
    with sshd:
        (sshd.folder / "keys").mkdir()
        shutil.copy(sshd.folder / "user", sshd.folder / "keys" / "box")
        (sshd.folder / "user").rename(sshd.folder / "moved")
        done, found = ps(sshd, "auto", ENVCHECK_KEYS=str(sshd.folder))
    assert found["status"] == "ok", done
    assert "has to be expanded" in done.err


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_agent_that_never_answers(street: Path, transport: str) -> None:
    with (
        Sshd(street / f"silent-{transport}") as sshd,
        socket.socket(socket.AF_UNIX) as deaf,
    ):
        path = street / f"deaf-{transport}"
        deaf.bind(str(path))
        deaf.listen()
        began = time.monotonic()
        argv = ("ps", "-f", "json", "-H", "box", "--transport", transport, "--timeout", "3s")
        done = sshd.envcheck(*argv, SSH_AUTH_SOCK=str(path))
        assert time.monotonic() - began < 8
    [found] = json.loads(done.out)["hosts"]
    assert found["status"] == "timed-out", done

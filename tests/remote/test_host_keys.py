"""Host keys: as strict as OpenSSH, which is asked as well."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remote.sshd import Sshd

from envcheck.hosts import known_hosts

COULD_NOT_TELL = 3


@pytest.fixture(scope="module")
def sshd(street: Path) -> Iterator[Sshd]:
    with Sshd(street / "keys") as made:
        made.make_key("other")
        made.make_key("ecdsa", "ecdsa")
        yield made


def lines(sshd: Sshd) -> dict[str, tuple[str, str]]:
    """Name -> the file, and what is to be said of the host."""
    port, right, wrong = sshd.port, sshd.public("host"), sshd.public("other")
    plain = f"[127.0.0.1]:{port}"
    return {
        "plain": (f"{plain} {right}", "ok"),
        "other key": (f"{plain} {wrong}", "host-key-changed"),
        "no entry": ("", "host-key-unknown"),
        "hashed": (_hashed(sshd, f"{plain} {right}"), "ok"),
        "hashed other": (_hashed(sshd, f"{plain} {wrong}"), "host-key-changed"),
        "wildcard": (f"[127.0.*.1]:{port} {right}", "ok"),
        "question mark": (f"[127.0.0.?]:{port} {right}", "ok"),
        "star": (f"* {right}", "ok"),
        "negated": (f"*,!{plain},!127.0.0.1 {right}", "host-key-unknown"),
        "negated with its port": (f"*,!{plain} {right}", "ok"),
        "negated without a port": (f"!127.0.0.1,{plain} {right}", "ok"),
        "without a port": (f"127.0.0.1 {right}", "ok"),
        "other without a port": (f"127.0.0.1 {wrong}", "host-key-unknown"),
        "other with a port, right without": (f"{plain} {wrong}\n127.0.0.1 {right}", "host-key-changed"),
        "another port": (f"[127.0.0.1]:{port + 1} {right}", "host-key-unknown"),
        "two of a type, the second": (f"{plain} {wrong}\n{plain} {right}", "ok"),
        "two of a type, the first": (f"{plain} {right}\n{plain} {wrong}", "ok"),
        "another type": (f"{plain} {sshd.public('ecdsa')}", "host-key-unknown"),
        "another type first": (f"{plain} {sshd.public('ecdsa')}\n{plain} {right}", "ok"),
        "revoked": (f"{plain} {right}\n@revoked * {right}", "host-key-revoked"),
        "revoked for another host": (f"{plain} {right}\n@revoked elsewhere {right}", "ok"),
        "another key revoked": (f"{plain} {right}\n@revoked * {wrong}", "ok"),
        "list": (f"web-1,{plain},web-2 {right}", "ok"),
        "upper case": (f"WEB-1,{plain.upper()} {right}", "ok"),
        "comment": (f"# {plain} {wrong}\n{plain} {right} somebody@somewhere", "ok"),
        "commented out": (f"#{plain} {right}", "host-key-unknown"),
        "unknown marker": (f"@nonsense {plain} {right}", "host-key-unknown"),
        "bad lines": (f"{plain}\n\x00\n@revoked\n{plain} ssh-ed25519 !!!\n{plain} {right}", "ok"),
        "cut key": (f"{plain} {right[:-8]}\n{plain} {right}", "ok"),
        "as Windows ends lines": (f"{plain} {right}\r", "ok"),
        "a return ends no line": (f"# old\r{plain} {right}", "host-key-unknown"),
        "a return in the key": (f"{plain} {right[:30]}\r{right[30:]}", "ok"),
        "a form feed is no blank": (f"{plain}\f{right}", "host-key-unknown"),
        "another name of any bytes": (f"{plain},m\udcfcnster {right}", "ok"),
        "revoked beside such a name": (
            f"{plain} {right}\n@revoked *,m\udcfcnster {right}",
            "host-key-revoked",
        ),
        "revoked with a return in it": (
            f"{plain} {right}\n@revoked * {right[:30]}\r{right[30:]}",
            "host-key-revoked",
        ),
    }


NAMES = [
    *("plain", "other key", "no entry", "hashed", "hashed other", "wildcard", "question mark", "star"),
    *("negated", "negated with its port", "negated without a port", "without a port", "other without a port"),
    *("other with a port, right without", "another port", "two of a type, the second"),
    *("two of a type, the first", "another type", "another type first", "revoked"),
    *("revoked for another host", "another key revoked", "list", "upper case", "comment"),
    *("commented out", "unknown marker", "bad lines", "cut key", "as Windows ends lines"),
    *("a return ends no line", "a return in the key", "a form feed is no blank"),
    *("another name of any bytes", "revoked beside such a name", "revoked with a return in it"),
]


def _hashed(sshd: Sshd, line: str) -> str:
    path = sshd.folder / "hashing"
    path.write_text(line + "\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    return path.read_text()


def status(sshd: Sshd, transport: str) -> str:
    done = sshd.envcheck("ps", "-f", "json", "-H", "box", "--transport", transport)
    return str(json.loads(done.out)["hosts"][0]["status"])


@pytest.mark.parametrize("name", NAMES)
def test_as_openssh(sshd: Sshd, name: str) -> None:
    assert set(NAMES) == set(lines(sshd))
    content, expected = lines(sshd)[name]
    sshd.known_hosts.write_bytes(content.encode(errors="surrogateescape") + b"\n\xff\xfe bytes\n")
    real = subprocess.run(
        [str(sshd.folder / "bin/ssh"), "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "box", "true"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (real.returncode == 0) == (expected == "ok"), real.stderr
    assert status(sshd, "fabric") == expected
    if name in ("plain", "other key", "no entry", "revoked"):
        assert status(sshd, "ssh") == expected


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_the_refusal_names_a_command_that_shows_why(sshd: Sshd, transport: str) -> None:
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {sshd.public('other')}\n")
    done = sshd.envcheck("check", "-H", "box", "--transport", transport)
    assert done.code == COULD_NOT_TELL
    shown = " ".join(done.out.split())
    command = shown.partition("do: ")[2].partition(" shows")[0]
    assert command.endswith(f" -f {sshd.known_hosts}")
    said = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(sshd.folder / "other.pub")], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    assert fingerprint in said.stdout


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
def test_an_unknown_key_is_looked_for_in_the_file_of_the_configuration(sshd: Sshd, transport: str) -> None:
    sshd.known_hosts.write_text("")
    done = sshd.envcheck("check", "-H", "box", "--transport", transport)
    shown = " ".join(done.out.split()).partition("do: ")[2]
    command = f"ssh-keygen -l -F '[127.0.0.1]:{sshd.port}' -f {sshd.known_hosts} finds nothing"
    assert shown.startswith(command), done.out


@pytest.mark.parametrize("transport", ["fabric", "ssh"])
@pytest.mark.parametrize("file", ["none", "/dev/null"])
def test_where_ssh_keeps_no_keys_connecting_once_does_not_help(
    street: Path, transport: str, file: str
) -> None:
    folder = street / f"forgetful-{transport}-{file.rpartition('/')[2]}"
    with Sshd(folder, client=[f"UserKnownHostsFile {file}"]) as sshd:
        done = sshd.envcheck("check", "-H", "box", "--transport", transport)
    assert "UserKnownHostsFile names no file" in " ".join(done.out.split()), done


def test_a_certificate_authority_is_for_ssh(sshd: Sshd) -> None:
    """The host shows no certificate here: ssh says so, and -v who was asked."""
    sshd.known_hosts.write_text(f"@cert-authority * {sshd.public('other')}\n")
    done = sshd.envcheck("ps", "-f", "json", "-H", "box", "-v")
    assert "by ssh: the host's key is vouched for by a certificate authority" in done.err
    assert '"host-key-unknown"' in done.out


def test_a_host_certificate(street: Path) -> None:
    with Sshd(street / "certified", HostCertificate=str(street / "certified" / "host-cert.pub")) as sshd:
        sshd.stop()
        sshd.make_key("ca")
        subprocess.run(
            ["ssh-keygen", "-q", "-s", "ca", "-h", "-I", "box", "-n", "127.0.0.1", "host.pub"],
            check=True,
            cwd=sshd.folder,
            capture_output=True,
        )
        sshd.start()
        sshd.known_hosts.write_text(f"@cert-authority * {sshd.public('ca')}\n")
        assert status(sshd, "auto") == "ok"


@given(st.binary())
def test_nothing_raises(content: bytes) -> None:
    list(known_hosts.read(content, "known_hosts"))


@given(st.text("*?!,[]|1a.:=/+", max_size=30))
def test_no_pattern_raises(names: str) -> None:
    entry = known_hosts.Entry("", names, "ssh-ed25519", b"", "known_hosts:1")
    known_hosts.judge([entry], "a", 2222, b"key")

"""One question to ssh for many hosts gives what a question about each gives; ssh itself is the oracle."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from live.harness import need, wait_for

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination, parse
from envcheck.hosts.resolve import Resolved, resolve
from envcheck.hosts.sharing import Sharing

HOSTS = ("web-1", "web-2", "WEB-3", "db-1", "db-2", "gw", "root@web-1:2222", "other", "10.0.0.7", "[::1]:22")
CONFIGURATIONS = {
    "patterns": "Host web-* !web-2\n  User deploy\nHost=db-?\n  Port 2200\n  IdentityFile ~/.ssh/db\n",
    "one address for all": "Host web-* db-1\n  HostName 192.0.2.1\n  HostKeyAlias front\n",
    "the address is the name of one": "Host web-1 web-2\n  HostName web-1\n",
    "jumps": "Host * !gw\n  ProxyJump gw\nHost gw\n  User root\n  ControlPath none\n",
    "tokens": "Host web-*\n  HostName %h.example.com\nHost *\n  ControlPath /run/%r@%h:%p\n",
    "match": "Match host web-*\n  User deploy\nMatch all\n  Port 2201\n",
    "match all": 'Host "db-1" # the first\n  User first\nMatch all\n  Port 2201\n',
    "include": "Host web-*\n  Include included\nHost *\n  Port 2203\n",
}


def _ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, first: str) -> Path:
    """Put an ssh before the real one that notes its calls; *first* is what its script does first."""
    calls, wrapper = folder / "calls", folder / "ssh"
    wrapper.write_text(f'#!/bin/sh\n{first}\necho >>{calls}\nexec /usr/bin/ssh -F {folder / "config"} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return calls


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_as_ssh_says_of_each(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("ssh")
    (tmp_path / "included").write_text("User included\n")
    text = CONFIGURATIONS[name].replace("Include included", f"Include {tmp_path / 'included'}")
    (tmp_path / "config").write_text(text)
    calls = _ssh(tmp_path, monkeypatch, "")
    sharing = Sharing()
    each = [resolve(parse(host), Deadline(30, 5)) for host in HOSTS]
    calls.unlink()

    shared = [sharing.resolve(parse(host), Deadline(30, 5)) for host in HOSTS]

    assert shared == each
    asked = len(calls.read_text().splitlines())
    assert asked == len(HOSTS) if name in ("tokens", "match") else asked < len(HOSTS)


PATTERNS = (
    "*",
    "web-*",
    "web-?",
    "!web-2",
    "db-1",
    "?b-1",
    "w*1",
    "!*-2",
    '"db-*"',
    "WEB-3",
    "10.0.0.*",
    "gw",
)
HOST = ("Host {}", "host {}", "HOST={}", "  Host = {}", "Host\t{} # a comment")
SETTINGS = (
    *("User deploy", "user = root", "Port 2200", 'IdentityFile "~/.ssh/a key"', "IdentitiesOnly yes"),
    *("HostName 192.0.2.1", "HostName web-1", "HostName DB-2", "Hostname=%h", "HostName %h.example.com"),
    *("HostKeyAlias front", "ProxyJump gw", "ProxyJump none", "ProxyCommand nc %h %p", "AddressFamily inet"),
    *("IdentityFile ~/.ssh/%h", "CanonicalizeHostname no", "UserKnownHostsFile /nowhere/%n", "Tag some"),
    *("Match all", "Match host web-*", "Match originalhost db-1 user root", 'Match exec "test %h = gw"'),
)


@pytest.mark.parametrize("seed", range(24))
def test_as_ssh_says_of_each_whatever_is_configured(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("ssh")
    chance = random.Random(seed)  # noqa: S311 - the same each time
    lines: list[str] = []
    for _ in range(chance.randint(1, 5)):
        patterns = " ".join(chance.sample(PATTERNS, chance.randint(1, 3)))
        lines.append(chance.choice(HOST).format(patterns))
        # What cannot be shared at all is rare, or nothing would be.
        known = SETTINGS if chance.random() < 0.1 else SETTINGS[:8]
        lines += [f"  {setting}" for setting in chance.sample(known, chance.randint(1, 3))]
    (tmp_path / "config").write_text("\n".join(lines) + "\n")
    _ssh(tmp_path, monkeypatch, "")
    hosts = chance.sample(HOSTS, len(HOSTS))
    sharing = Sharing()

    def said(ask: Callable[[Destination, Deadline], Resolved]) -> list[object]:
        found: list[object] = []
        for host in hosts:
            try:
                found.append(ask(parse(host), Deadline(30, 5)))
            except HostError as error:
                found.append(str(error))
        return found

    assert said(sharing.resolve) == said(resolve), lines


def test_a_question_that_hangs_holds_no_other_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("ssh")
    (tmp_path / "config").write_text("Host *\n  User deploy\n")
    asked = tmp_path / "asked"
    _ssh(tmp_path, monkeypatch, f'case "$*" in *slow*) touch {asked}; sleep 8;; esac')
    sharing = Sharing()

    def hang() -> None:
        with suppress(HostError):
            sharing.resolve(parse("slow"), Deadline(4, 4))

    thread = threading.Thread(target=hang)
    thread.start()
    wait_for(asked.exists, "ssh is not asked")

    assert sharing.resolve(parse("web-1"), Deadline(3, 3)).user == "deploy"
    assert thread.is_alive()
    thread.join()

"""What a user may run by sudo: read from what sudo 1.9.13 has printed for real sudoers."""

from __future__ import annotations

import pytest

from envcheck.judge import sudo
from envcheck.model import Output

HEAD = """Matching Defaults entries for deploy on vm:
    env_reset, mail_badpass, secure_path=/usr/local/sbin\\:/usr/sbin, use_pty{more}

User deploy may run the following commands on vm:
"""
SHOP = "/usr/bin/systemctl restart shop.service, /usr/bin/systemctl daemon-reload"
ENTRIES = f"""    (root) NOPASSWD: {SHOP}, !/usr/bin/systemctl restart ssh.service
    (root) /usr/bin/sv restart /srv/a b, NOPASSWD: /bin/kill -HUP [0-9]*, PASSWD: /bin/kill -TERM *
    (www-data : adm) SETENV: NOPASSWD: /usr/bin/env "", /opt/x/, /usr/bin/a\\,b\\:c, /usr/bin/sv ^up (a|b)$
    (ALL) sha224:d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f /usr/bin/ls
    (ALL, !root) NOPASSWD: NOEXEC: /usr/bin/env
"""


def listed(entries: str, more: str = "") -> sudo.Rules:
    return sudo.rules(Output("ok", 0, (HEAD.format(more=more) + entries).encode()))


def run(words: str, user: str = "root", entries: str = ENTRIES) -> str:
    """Give the command, with a question mark where a password is asked for; "": it is not covered."""
    found = sudo.command(listed(entries), words.split(), user)
    return " ".join(found.argv) + " ?" * found.password if found else ""


@pytest.mark.parametrize(
    ("words", "user", "found"),
    [
        ("systemctl restart shop.service", "root", "sudo /usr/bin/systemctl restart shop.service"),
        ("systemctl daemon-reload", "root", "sudo /usr/bin/systemctl daemon-reload"),
        ("systemctl restart ssh.service", "root", ""),
        ("systemctl restart shop", "root", ""),
        ("systemctl restart shop.service now", "root", ""),
        ("/opt/own/systemctl restart shop.service", "root", ""),
        ("systemctl restart shop.service", "www-data", ""),
        ("sv restart /srv/a b", "root", "sudo /usr/bin/sv restart /srv/a b ?"),
        ("kill -HUP 71", "root", "sudo /bin/kill -HUP 71"),
        ("kill -HUP x", "root", ""),
        ("kill -TERM 71", "root", "sudo /bin/kill -TERM 71 ?"),
        ("/opt/x/restart all", "www-data", "sudo -u www-data /opt/x/restart all"),
        ("/opt/x/y/restart all", "www-data", ""),
        ("/usr/bin/a,b:c", "www-data", "sudo -u www-data /usr/bin/a,b:c"),
        ("env", "www-data", ""),  # the last entry that matches has a limit
        ("env A=1", "root", ""),
        ("sv up a", "www-data", ""),  # a regular expression is not judged
        ("ls /root", "root", "sudo /usr/bin/ls /root ?"),
    ],
)
def test_a_command(words: str, user: str, found: str) -> None:
    assert run(words, user) == found


ALL = "    (ALL : ALL) NOPASSWD: ALL"


@pytest.mark.parametrize(
    ("words", "entries", "found"),
    [
        ("systemctl restart a.service", f"{ALL}\n", "sudo systemctl restart a.service"),
        ("systemctl restart a.service", f"{ALL}, !/usr/bin/systemctl\n", ""),
        ("/opt/systemctl restart a", f"{ALL}, !/usr/bin/systemctl\n", ""),
        ("systemctl stop a", f"{ALL}, !/usr/bin/systemctl ^stop$\n", ""),
        ("systemctl restart a", f"{ALL}, !/usr/bin/s*\n", ""),
        ("systemctl restart a", f"    (root) !ALL\n{ALL}\n", "sudo systemctl restart a"),
        (
            "systemctl restart a",
            "    (root) NOPASSWD: /usr/bin/systemctl * [!b-z]\n",
            "sudo /usr/bin/systemctl restart a",
        ),
        ("systemctl restart b", "    (root) NOPASSWD: /usr/bin/systemctl * [!b-z]\n", ""),
        ("systemctl restart a", "    (root) NOPASSWD: sudoedit /etc/foo, list\n", ""),
        ("systemctl restart a", "    (root) NOTAFTER=20300101Z NOPASSWD: ALL\n", ""),
        ("sv up /srv/a", "    (root) NOPASSWD: /usr/*/sv up \\/srv\\/?\n", "sudo sv up /srv/a"),
    ],
)
def test_the_last_entry_decides(words: str, entries: str, found: str) -> None:
    assert run(words, entries=entries) == found


def test_no_password_at_all() -> None:
    known = listed("    (root) ALL\n", more=", !authenticate")
    assert sudo.command(known, ["reboot"]) == sudo.Run(("sudo", "reboot"), password=False)


@pytest.mark.parametrize(
    ("output", "known"),
    [
        (None, True),
        (Output("missing"), True),
        (Output("ok", 1, b"User nobody is not allowed to run sudo on vm.\n"), True),
        (Output("ok", 1, b"", b"Sorry, user nobody may not run sudo on vm.\n"), True),
        (Output("ok", 1, b"", b"sudo: a password is required\n"), False),
        (Output("timeout"), False),
        (Output("ok", 1, b"", b"sudo: /etc/sudoers.d is world writable\n"), False),
    ],
)
def test_what_cannot_be_told_is_unknown(output: Output | None, *, known: bool) -> None:
    assert sudo.rules(output) == sudo.Rules((), known)

"""The programs that may stand between a supervisor and a server, and their options.

From coreutils 9.1, util-linux 2.38, daemontools 0.76, runit 2.1.2, s6 2.11 and dpkg 1.21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

# Where the chain ends: the server, its herder, or the interpreter that runs it.
SERVERS = re.compile(r"g?unicorn(3|_rails|_django|_paster|-[\d.]+)?|\w*herder(\.py)?")
INTERPRETERS = re.compile(r"(python|ruby|jruby|pypy|node|perl)[\d.]*")
# What keeps servers running itself: it is told what these would be started with, and no more.
SUPERVISING = frozenset(
    {
        "supervisord",
        "circusd",
        "honcho",
        "foreman",
        "runsvdir",
        "runsv",
        "svscan",
        "supervise",
        "s6-svscan",
        "s6-supervise",
    }
)
SHELLS = frozenset({"sh", "dash", "bash", "ksh", "ash"})
SHEBANG = re.compile(rb"#![ \t]*(?:\S*/env[ \t]+(?:-S[ \t]+)?)?(?:\S*/)?(sh|dash|bash|ksh|ash)(?:[ \t]|$)")
FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Plain(NamedTuple):
    """A program that leaves the environment alone."""

    valued: str = ""  # one-letter options that take the next word
    words: int = 0  # that stand before the command
    long: frozenset[str] = frozenset()  # long options that take the next word


PLAIN: Mapping[str, Plain] = {
    "exec": Plain(),
    "command": Plain(),
    "nohup": Plain(),
    "setsid": Plain(),
    "nice": Plain("n", long=frozenset({"--adjustment"})),
    "ionice": Plain("cn", long=frozenset({"--class", "--classdata"})),
    "chrt": Plain("TPD", 1),
    "taskset": Plain("", 1),
    "timeout": Plain("ks", 1, frozenset({"--kill-after", "--signal"})),
    "softlimit": Plain("acdflmoprst"),
    "s6-softlimit": Plain("acdflmoprst"),
    "setlock": Plain("", 1),
    "pgrphack": Plain(),
    "fghack": Plain(),
    "tini": Plain("pe"),
    "dumb-init": Plain("r"),
}

SUDO = Plain("ugpCrtTUhD")

CHPST_VALUED = "uUbe/nlLmdopfct"
# Options of start-stop-daemon that take the next word, and the long forms of those that are used here.
_DAEMON_OPTIONS = (
    "-p -x -a -n -u -g -s -R -k -c -r -d -N -P -I -O --pidfile --exec --startas --name --user "
    "--group --signal --retry --umask --chuid --chroot --chdir --nicelevel --procsched "
    "--iosched --output --pid --ppid"
)
DAEMON_VALUED = frozenset(_DAEMON_OPTIONS.split())
DAEMON_LONG = {"-x": "--exec", "-a": "--startas", "-d": "--chdir", "-c": "--chuid"}


def skip(program: Plain, words: list[str]) -> list[str] | None:
    """Give the command behind the options and words of a program; None: there is none."""
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        letter = word.removeprefix("-")
        if word in program.long or (len(letter) == 1 and letter in program.valued):
            words = words[1:]
    return words[program.words :] if len(words) > program.words else None


def daemon(words: list[str]) -> dict[str, str] | None:
    """Read the options of start-stop-daemon, up to `--`, which stays in *words*."""
    given: dict[str, str] = {}
    while words and words[0] != "--":
        word = words.pop(0)
        name, sign, value = word.partition("=")
        if name in DAEMON_VALUED and not sign:
            if not words:
                return None
            value = words.pop(0)
        given[DAEMON_LONG.get(name, name)] = value
    return given


def letters(words: list[str], valued: str) -> list[tuple[str, str]] | None:
    """Take one-letter options, joined or not, off the front of *words*; None: a value is missing."""
    found: list[tuple[str, str]] = []
    while words and words[0].startswith("-") and words[0] != "-":
        rest = words.pop(0)[1:]
        if rest == "-":
            break
        while rest:
            letter, rest = rest[0], rest[1:]
            value = ""
            if letter in valued:
                if not rest and not words:
                    return None
                value, rest = rest or words.pop(0), ""
            found.append((letter, value))
    return found


def ends(name: str) -> bool:
    """Tell whether a chain ends with this program."""
    return bool(SERVERS.fullmatch(name) or INTERPRETERS.fullmatch(name)) or name in SUPERVISING

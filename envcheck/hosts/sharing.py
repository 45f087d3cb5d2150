"""One `ssh -G` for all hosts that the configuration of ssh treats alike: it costs as much as a connection.

`ssh -v -G` names the files that it reads. Two hosts are alike where the same `Host` lines of them match, and
nothing else in them depends on the host. Source: ssh_config(5), PATTERNS and TOKENS.
"""

import re
import shlex
import threading
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import cache
from typing import NamedTuple

from envcheck.hosts import resolve as asking
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination
from envcheck.hosts.paths import content
from envcheck.hosts.resolve import Resolved

READ = re.compile(rb"^debug1: Reading configuration data (.+?)\r?$", re.MULTILINE)
LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
TOKEN = re.compile(r"%[^%diluL]")  # that are not the same for all hosts
ALWAYS = ("all", "final all", "canonical all")
# Commands are not looked at: a host that needs one is left to ssh itself.
COMMANDS = ("proxycommand", "localcommand", "remotecommand", "knownhostscommand")

PATIENCE = 1.0  # seconds that one host waits for what is asked about others

Patterns = tuple[str, ...]


class Lines(NamedTuple):
    """What of the configuration tells hosts apart."""

    patterns: tuple[Patterns, ...]  # of each Host line
    addresses: frozenset[str]  # that it gives to hosts


class Sharing:
    """Resolves hosts, each kind of them once. For threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = False
        self.lines: Lines | None = None  # None: every host has to be asked about
        self.known: dict[object, tuple[str, Resolved]] = {}

    def resolve(self, destination: Destination, deadline: Deadline) -> Resolved:
        """Do as `resolve.resolve` does.

        Raises:
            HostError: As that.
        """
        if not self.lock.acquire(timeout=min(PATIENCE, deadline.connecting())):
            return asking.resolve(destination, deadline)  # the question about another one hangs
        try:
            if not self.asked:
                self.asked = True
                return self._first(destination, deadline)
            kind = None if self.lines is None else _kind(destination, self.lines)
            if kind is not None and kind not in self.known:
                self.known[kind] = destination.host.lower(), asking.ask(destination, deadline)
        finally:
            self.lock.release()
        if kind is not None and (found := self._like(destination, *self.known[kind])):
            return asking.checked(found)
        return asking.resolve(destination, deadline)

    def _first(self, destination: Destination, deadline: Deadline) -> Resolved:
        said, found = asking.listen(destination, deadline)
        paths = [path.decode("utf-8", "surrogateescape") for path in READ.findall(said)]
        self.lines = host_lines(content(path) for path in paths) if paths else None
        if self.lines is not None:
            self.known[_kind(destination, self.lines)] = destination.host.lower(), found
        return asking.checked(found)

    def _like(self, destination: Destination, name: str, found: Resolved) -> Resolved | None:
        """Say of a host what is known of another one of its kind, *name*; None: that does not tell."""
        if found.host != name:
            return found  # an address that all of them have
        host = destination.host.lower()
        # It may be called by its own name because the configuration gives that to all of its kind.
        sure = host == name or (self.lines is not None and name not in self.lines.addresses)
        return found._replace(host=host) if sure else None


def host_lines(contents: Iterable[bytes]) -> Lines | None:
    """Give what the Host lines say; None where more than those tells hosts apart."""
    found: list[Patterns] = []
    addresses: set[str] = set()
    try:
        for keyword, value in _settings(contents):
            if keyword == "host":
                found.append(tuple(shlex.split(value, comments=True)))
            elif keyword == "hostname":
                addresses.add(value.strip('"').lower())
            if _tells_apart(keyword, value):
                return None
    except ValueError:
        return None
    return Lines(tuple(found), frozenset(addresses))


def _tells_apart(keyword: str, value: str) -> bool:
    if keyword == "match":
        return " ".join(value.lower().split()) not in ALWAYS
    if keyword == "canonicalizehostname":
        return value.lower() not in ("no", "false")
    return keyword not in COMMANDS and TOKEN.search(value) is not None


def _settings(contents: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for text in contents:
        for line in text.decode("utf-8", "surrogateescape").splitlines():
            match = LINE.match(line)
            if match:
                yield match[1].lower(), match[2].strip()


def _kind(destination: Destination, lines: Lines) -> object:
    matches = tuple(_matches(destination.host, patterns) for patterns in lines.patterns)
    return destination.user, destination.port, matches


def _matches(host: str, patterns: Patterns) -> bool:
    """Tell whether one pattern matches, and none that is negated."""
    hits = [
        pattern.startswith("!") for pattern in patterns if _pattern(pattern.removeprefix("!")).fullmatch(host)
    ]
    return bool(hits) and not any(hits)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # `*` and `?` alone are special.
    return re.compile(translate(pattern.replace("[", "[[]")))

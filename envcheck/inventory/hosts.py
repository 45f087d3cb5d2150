"""Groups as they were read -> hosts with all that holds for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envcheck.inventory.address import NO_PORT, is_host, is_user, port
from envcheck.spec.fault import Fault, quoted

ALL = "all"
UNGROUPED = "ungrouped"

# The variables that count, by what they mean. The later name is Ansible's older one, and wins where both are.
MEANINGS = {
    "address": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "connection": ("ansible_connection",),
}
PRIORITY = "ansible_group_priority"  # of groups of one depth: the higher wins
NAMES = frozenset({PRIORITY}.union(*MEANINGS.values()))
SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh")


class Listed(NamedTuple):
    """A host of a hosts file."""

    name: str  # what it is called there
    address: str  # what it is reached by: a name, perhaps one of ssh_config, or an address
    user: str | None = None
    port: int | None = None
    groups: frozenset[str] = frozenset()
    problem: str = ""  # why it cannot be reached as it is described, with the line


class Inventory(NamedTuple):
    """What a hosts file says."""

    hosts: tuple[Listed, ...]
    groups: frozenset[str]  # those without a host as well


class Value(NamedTuple):
    text: str
    line: int
    tagged: bool = False  # it is encrypted, or otherwise of use to Ansible alone


Variables = dict[str, Value]  # by name


class Group:
    """A group while it is read."""

    def __init__(self) -> None:
        self.hosts: dict[str, None] = {}
        self.children: dict[str, int] = {}  # name -> line
        self.variables: Variables = {}


class Groups:
    """All groups of a file while it is read; what names a host, or a group, makes it."""

    def __init__(self) -> None:
        self.groups = {ALL: Group(), UNGROUPED: Group()}
        self.hosts: dict[str, Variables] = {}

    def group(self, name: str) -> Group:
        return self.groups.setdefault(name, Group())

    def add(self, group: str, host: str, variables: Variables) -> None:
        self.group(group).hosts[host] = None
        self.hosts.setdefault(host, {}).update(variables)


def hosts(read: Groups) -> list[Listed]:
    """Give the hosts in the order in which they were first named.

    Raises:
        Fault: A group is its own child, or its priority is no number.
    """
    depths = _depths(read.groups)
    ranks = {name: (depths[name], _priority(group), name) for name, group in read.groups.items()}
    parents = {name: {p for p, g in read.groups.items() if name in g.children} for name in read.groups}
    direct: dict[str, set[str]] = {host: set() for host in read.hosts}
    for name, group in read.groups.items():
        for host in group.hosts:
            direct[host].add(name)
    above = {name: _above(name, parents) for name in read.groups}
    return [
        _listed(host, frozenset({ALL}).union(*(above[g] for g in groups)), read, ranks)
        for host, named in direct.items()
        for groups in [named - {UNGROUPED, ALL} or {UNGROUPED}]
    ]


def _listed(
    host: str, groups: frozenset[str], read: Groups, ranks: Mapping[str, tuple[int, int, str]]
) -> Listed:
    """Merge variables as Ansible does: the deeper group wins, then that of the higher priority, then the
    later name, then what is its own."""
    merged: Variables = {}
    for group in sorted(groups, key=ranks.__getitem__):
        merged |= read.groups[group].variables
    made = _named(host)._replace(groups=groups)
    named = {
        MEANINGS[key][0]: Value(str(value), 0)
        for key, value in (("user", made.user), ("port", made.port))
        if value is not None
    }
    try:
        meant = dict(_meant(merged | named | read.hosts[host]))
    except Fault as fault:
        return made._replace(problem=f"{fault.line}: {host}: {fault.message}")
    return made._replace(
        address=str(meant.get("address", made.address)),
        user=str(meant["user"]) if "user" in meant else None,
        port=int(meant["port"]) if "port" in meant else None,
    )


def _named(name: str) -> Listed:
    """Read `[user@]host[:port]`, which a plain list has for a name; the readers have seen that it is one."""
    user, at, rest = name.rpartition("@")
    address, number = port(rest)
    return Listed(name, address, user if at else None, number)


def _meant(variables: Variables) -> Iterator[tuple[str, str | int]]:
    for meaning, names in MEANINGS.items():
        set_by = [variables[name] for name in names if name in variables]
        if not set_by:
            continue
        text, line, tagged = set_by[-1]
        if tagged:
            raise Fault(line, f"its {meaning} has a tag ('!...'), which only Ansible can resolve")
        if "{{" in text:
            raise Fault(line, "is computed by a template; only ansible-inventory could tell its value")
        if meaning == "connection":
            if text not in SSH:
                raise Fault(line, f"is not reached by SSH, but by {quoted(text)}")
        elif meaning == "port":
            number = port(f"x:{text}")[1]
            if number is None:
                raise Fault(line, NO_PORT)
            yield meaning, number
        elif {"user": is_user, "address": is_host}[meaning](text):
            yield meaning, text
        else:
            raise Fault(line, f"is no {meaning}: {quoted(text)}")


def _priority(group: Group) -> int:
    text, line, _ = group.variables.get(PRIORITY, Value("1", 0))
    if re.fullmatch(r"-?[0-9]{1,9}", text) is None:
        raise Fault(line, f"{PRIORITY} is a whole number")
    return int(text)


def _depths(groups: Mapping[str, Group]) -> dict[str, int]:
    """Say how deep each group is: all is 0, a child is deeper than every group that it is in."""
    depths: dict[str, int] = {}

    def sink(name: str, depth: int, path: tuple[str, ...]) -> None:
        if depths.get(name, -1) >= depth:
            return
        depths[name] = depth
        for child, line in groups[name].children.items():
            if child in path:
                raise Fault(line, f"the group {quoted(child)} is in itself")
            sink(child, depth + 1, (*path, child))

    for name in groups:
        sink(name, 0 if name == ALL else 1, (name,))
    return depths


def _above(name: str, parents: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += parents[one]
    return found

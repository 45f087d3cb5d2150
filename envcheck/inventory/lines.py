"""A plain list, a host a line, and Ansible's INI, which is that with sections and variables."""

from __future__ import annotations

import re
import shlex

from envcheck.inventory.address import expand, fault
from envcheck.inventory.hosts import ALL, NAMES, UNGROUPED, Groups, Value, Variables
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.text import decode

SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?")
KINDS = ("hosts", "children", "vars")


def read(content: bytes) -> Groups:
    """Read a file; raises nothing but `Fault`."""
    groups = Groups()
    section, kind = UNGROUPED, "hosts"
    if content.startswith(b"#!"):
        raise Fault(1, "is a program: give its output as a file (ansible-inventory -i FILE --list --yaml)")
    for number, raw in enumerate(decode(content).split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        header = SECTION.fullmatch(line)
        if header:
            section, kind = header[1], header[2] or "hosts"
            if kind not in KINDS:
                raise Fault(number, f"no such section: {quoted(f'{section}:{kind}')}")
            groups.group(section)
        else:
            READERS[kind](groups, section, line, number)
    return groups


def _host(groups: Groups, section: str, line: str, number: int) -> None:
    word, *pairs = _words(line, number)
    variables: Variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Fault(number, f"a variable is NAME=VALUE, not {quoted(name)}")
        variables |= _variable(name, value, number)
    for name in names(word, number):
        groups.add(section, name, variables)


def names(word: str, number: int) -> list[str]:
    """Expand the ranges of a host's name, and see that all are hosts.

    Raises:
        Fault: They are not.
    """
    try:
        found = expand(word)
    except ValueError as error:
        raise Fault(number, f"{quoted(word)}: {error}") from None
    for name in found:
        wrong = fault(name)
        if wrong:
            raise Fault(number, f"{quoted(name)}: {wrong}")
    return found


def _child(groups: Groups, section: str, line: str, number: int) -> None:
    words = _words(line, number)
    if len(words) > 1:
        raise Fault(number, "a child is the name of a group, and nothing else")
    groups.group(words[0])
    if section != ALL:  # every group is in it anyway
        groups.group(section).children[words[0]] = number


def _group_variable(groups: Groups, section: str, line: str, number: int) -> None:
    name, equals, value = line.partition("=")
    if not equals:
        raise Fault(number, "a variable is NAME=VALUE")
    groups.group(section).variables |= _variable(name.strip(), value.strip().strip("\"'"), number)


def _variable(name: str, value: str, number: int) -> Variables:
    return {name: Value(value, number)} if name in NAMES else {}


def _words(line: str, number: int) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        raise Fault(number, "a quotation mark is not closed") from None


READERS = {"hosts": _host, "children": _child, "vars": _group_variable}

"""Ansible's YAML: groups with `hosts`, `children` and `vars`."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.inventory.hosts import ALL, NAMES, Groups, Value, Variables
from envcheck.inventory.lines import names
from envcheck.spec.document import Mapping, Node, Scalar, parse
from envcheck.spec.fault import Fault, quoted

KEYS = ("hosts", "children", "vars")
MOST = 100_000  # nodes: three seconds, and what a megabyte of hosts with all their variables has


def read(content: bytes) -> Groups:
    """Read a file; raises nothing but `Fault`."""
    groups = Groups()
    for name, node in _items(parse(content, tags=True, most=MOST), "a hosts file"):
        _group(groups, name, node)
    return groups


def _group(groups: Groups, name: Scalar, node: Node) -> None:
    group = groups.group(name.text)
    for key, value in _items(node, "a group"):
        if key.text not in KEYS:
            raise Fault(key.line, f"unknown key {quoted(key.text)} in a group (there are: {', '.join(KEYS)})")
        if key.text == "vars":
            group.variables |= _variables(value)
    # What a parent holds stands before what its children hold, wherever it was written.
    parts = {key.text: value for key, value in _items(node, "a group")}
    for host, variables in _items(parts.get("hosts"), "hosts"):
        for one in names(host.text, host.line):
            groups.add(name.text, one, _variables(variables))
    for child, below in _items(parts.get("children"), "children"):
        if name.text != ALL:  # every group is in it anyway
            group.children[child.text] = child.line
        _group(groups, child, below)


def _variables(node: Node) -> Variables:
    found: Variables = {}
    for key, value in _items(node, "the variables of a host or a group"):
        if key.text in NAMES:
            if not isinstance(value, Scalar):
                raise Fault(value.line, f"{key.text} must be a text")
            found[key.text] = Value(value.text, value.line, tagged=value.tagged)
    return found


def _items(node: Node | None, what: str) -> Iterator[tuple[Scalar, Node]]:
    if node is None or (isinstance(node, Scalar) and node.null):
        return
    if not isinstance(node, Mapping):
        raise Fault(node.line, f"{what} must be a mapping")
    yield from node.items

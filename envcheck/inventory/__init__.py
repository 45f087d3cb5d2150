"""Hosts files: a plain list, Ansible's INI or Ansible's YAML -> hosts. Whoever calls reads the file.

What a host is reached by is all that counts: of its variables `ansible_host`, `ansible_port`, `ansible_user`
and `ansible_connection`. Keys and jump hosts are ssh_config's. Nothing is executed, no other file is read.
Source: Ansible's `plugins/inventory/ini.py` and `yaml.py` (2.19).
"""

from __future__ import annotations

import re

from envcheck.errors import UsageError
from envcheck.inventory import lines, tree
from envcheck.inventory.hosts import Inventory, Listed, hosts
from envcheck.inventory.limit import select
from envcheck.spec.fault import Fault

__all__ = ["Inventory", "Listed", "load", "select"]

YAML = (".yaml", ".yml", ".json")
YAML_START = re.compile(r"(?:---|[\w.-]+:)\s*(?:#.*)?$")  # a document, or a group that is a mapping


def load(content: bytes, path: str) -> Inventory:
    """Read the hosts of a file, in its order, each once, and the names of its groups.

    Raises nothing but `UsageError`, which names file and line.
    """
    shown = path if path.isprintable() else ascii(path)[1:-1]
    try:
        read = (tree if _is_yaml(content, path) else lines).read(content)
        found = hosts(read)
    except Fault as fault:
        raise UsageError(f"{shown}:{fault.line}: {fault.message}") from None
    except RecursionError:
        raise UsageError(f"{shown}:1: nested too deep") from None
    if not found:
        raise UsageError(f"{shown}: names no host")
    told = (h._replace(problem=f"{shown}:{h.problem}") if h.problem else h for h in found)
    return Inventory(tuple(told), frozenset(read.groups))


def _is_yaml(content: bytes, path: str) -> bool:
    """Tell YAML by the name of the file, else by its first line that says something."""
    if path.endswith(YAML):
        return True
    texts = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    first = next((text for text in texts if text and not text.startswith(("#", ";"))), "")
    return not path.endswith(".ini") and YAML_START.match(first) is not None

"""`--limit`: which hosts of a file are meant, in the words of Ansible's patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from envcheck.errors import UsageError
from envcheck.inventory.address import expand
from envcheck.inventory.hosts import Inventory, Listed

EXCLUDED, REQUIRED = "!", "&"
# Of IPv6, or a glob of such: eight groups, or "::" for some of them.
ADDRESS = re.compile(r"(?=.*::|(?:[^:]*:){7})[0-9a-fA-F:.*?\[\]-]+(?:%.*)?")
GLOB = re.compile(r"[*?\[]")
TERM = re.compile(r"(?:\[[^\]]*\]?|[^:\[])+(?::\d+(?=:|$))?")  # with its port


def select(inventory: Inventory, limits: Iterable[str]) -> tuple[Listed, ...]:
    """Give the hosts that *limits* name, in their own order: names, ranges of
    them, groups, globs, `!` but not, `&` and also. A group may be without a host.

    Raises:
        UsageError: A part names nothing, nothing is left, or a host that is left cannot be reached.
    """
    hosts = inventory.hosts
    known = [host.name for host in hosts]
    parts = [part for limit in limits for part in _parts(limit, known)]
    marked = {part: _named(inventory, part.lstrip(EXCLUDED + REQUIRED), part) for part in parts}
    wanted = [names for part, names in marked.items() if part[0] not in (EXCLUDED, REQUIRED)]
    everybody = frozenset(host.name for host in hosts)
    chosen = everybody.intersection(name for names in wanted for name in names) if wanted else everybody
    for part, names in marked.items():
        if part[0] == REQUIRED:
            chosen &= names
    for part, names in marked.items():
        if part[0] == EXCLUDED:
            chosen -= names
    found = tuple(host for host in hosts if host.name in chosen)
    if not found:
        raise UsageError(f"--limit {','.join(parts)} leaves no host")
    problem = next((host.problem for host in found if host.problem), "")
    if problem:
        raise UsageError(problem, "--limit '!HOST' leaves it out")
    return found


def _parts(limit: str, names: Sequence[str]) -> list[str]:
    """Split at commas, and at colons as Ansible does, unless they are part of an address.

    *names* are those of all hosts: what names one of them as a whole is not split.
    """
    parts: list[str] = []
    for comma in map(str.strip, limit.split(",")):
        parts += [comma] if _is_whole(comma.lstrip(EXCLUDED + REQUIRED), names) else TERM.findall(comma)
    parts = [part.strip() for part in parts if part.strip(f" {EXCLUDED}{REQUIRED}")]
    if not parts:
        raise UsageError("--limit names no host")
    return parts


def _is_whole(text: str, names: Sequence[str]) -> bool:
    return ADDRESS.fullmatch(text) is not None or any(fnmatchcase(name, text) for name in names)


def _named(inventory: Inventory, name: str, part: str) -> frozenset[str]:
    try:
        exact = frozenset(expand(name))  # reports name hosts by ranges
    except ValueError as error:
        raise UsageError(f"--limit {part}: {error}") from None
    globs = [text for text in exact if GLOB.search(text)]

    def is_meant(text: str) -> bool:
        # As a glob, [12:15] would be any of the characters 1, 2, 5 and the colon.
        return text in exact or any(fnmatchcase(text, glob) for glob in globs)

    groups = frozenset(filter(is_meant, inventory.groups))
    found = frozenset(host.name for host in inventory.hosts if host.groups & groups or is_meant(host.name))
    if not found and not groups:
        raise UsageError(f"--limit {part}: no such host or group")
    return found

"""The accounts of a host, as far as /etc/passwd and /etc/group tell: who a program runs as, what it may read.

An account may come from elsewhere, and a file may have an ACL that lets in whom its mode does not: what is
not known for sure is None, or allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envcheck.model import FileFacts
from envcheck.sources.text import decode
from envcheck.supervisors.known import Known

READ, SEARCH = 4, 1  # permissions of each of owner, group, others
OWNER, GROUP, OTHERS = 6, 3, 0  # how far they stand to the left in a mode
PASSWD_FIELDS, GROUP_FIELDS = 7, 4


class Account(NamedTuple):
    name: str
    uid: int
    gid: int
    home: str
    shell: str
    groups: frozenset[int] | None = None  # all that it has; None: it may have more than its own


def named(name: str, known: Known) -> Account | None:
    """Give an account by its name, or by its number where no name is like it."""
    accounts = list(_accounts(known))
    found = [a for a in accounts if a.name == name]
    if not found and name.isdigit():
        found = [a for a in accounts if a.uid == int(name)]
    return found[0] if found else None


def _accounts(known: Known) -> Iterator[Account]:
    for name, _, uid, gid, _, home, shell in _lines("/etc/passwd", PASSWD_FIELDS, known) or ():
        if uid.isdigit() and gid.isdigit():
            yield Account(name, int(uid), int(gid), home, shell)


def group(name: str, known: Known) -> int | None:
    """Give the number of a group."""
    for found, _, gid, _ in _lines("/etc/group", GROUP_FIELDS, known) or ():
        if found == name and gid.isdigit():
            return int(gid)
    return None


def supplementary(name: str, known: Known) -> tuple[int, ...] | None:
    """Give the groups that list an account, in their order; None: they cannot be told."""
    lines = _lines("/etc/group", GROUP_FIELDS, known)
    if lines is None:
        return None
    return tuple(int(gid) for _, _, gid, names in lines if gid.isdigit() and name in names.split(","))


def _lines(path: str, fields: int, known: Known) -> list[list[str]] | None:
    facts = known.file(path)
    if facts is None or facts.status != "ok":
        return None
    lines = [line.split(":") for line in decode(facts.content).splitlines()]
    return [line for line in lines if len(line) == fields]


def is_barred(account: Account, facts: FileFacts, needed: int = READ) -> bool:
    """Tell whether an account certainly lacks the permissions that are needed for a file, or a folder."""
    if account.uid == 0 or not facts.mode:
        return False
    if account.uid == facts.uid:
        classes = [OWNER]
    elif account.groups is None or facts.gid is None:
        classes = [GROUP, OTHERS]
    else:
        classes = [GROUP if facts.gid in account.groups else OTHERS]
    return all((facts.mode >> place) & needed != needed for place in classes)

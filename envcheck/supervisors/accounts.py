"""The accounts of a host, as far as /etc/passwd and /etc/group tell: who a program runs as, what it may read.

An account may come from elsewhere, and whether a file has an ACL is not known everywhere: what is not known
for sure is None, or allowed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from envcheck.model import FileFacts
from envcheck.sources.text import decode
from envcheck.supervisors.known import Known

READ, SEARCH, ALL = 4, 1, 7  # permissions of each of owner, group, others
OWNER, GROUP, OTHERS = 6, 3, 0  # how far they stand to the left in a mode
# linux/posix_acl_xattr.h
ACL_VERSION = b"\2\0\0\0"
ACL_ENTRY = struct.Struct("<HHI")
USER, OWN_GROUP, OTHER_GROUP, MASK = 0x02, 0x04, 0x08, 0x10
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
    return all(given & needed != needed for given in _given(account, facts))


def _given(account: Account, facts: FileFacts) -> list[int]:
    """Give what may be granted (acl(5)); several: any of them is enough, or which one counts is not known."""
    owner, group, others = (facts.mode >> place & 7 for place in (OWNER, GROUP, OTHERS))
    if account.uid == facts.uid:
        return [owner]
    entries = _entries(facts.acl) if group else []  # else the kernel looks at no ACL
    if entries is None:  # the mode tells of the group what an ACL gives at the most
        return [group, others]
    mask = next((given for tag, given, _ in entries if tag == MASK), ALL)
    if own := [given & mask for tag, given, uid in entries if tag == USER and uid == account.uid]:
        return own
    groups = [(facts.gid, next((given for tag, given, _ in entries if tag == OWN_GROUP), group))]
    groups += [(gid, given) for tag, given, gid in entries if tag == OTHER_GROUP]
    if account.groups is None or facts.gid is None:
        return [*(given & mask for _, given in groups), others]
    return [given & mask for gid, given in groups if gid in account.groups] or [others]


def _entries(acl: bytes | None) -> list[tuple[int, int, int]] | None:
    """Read the entries of an ACL: tag, permissions, and the number of a user or group."""
    if not acl:
        return None if acl is None else []
    version, entries = acl[:4], acl[4:]
    known = version == ACL_VERSION and len(entries) % ACL_ENTRY.size == 0
    return list(ACL_ENTRY.iter_unpack(entries)) if known else None

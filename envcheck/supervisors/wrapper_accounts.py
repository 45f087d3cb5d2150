"""Programs that start another one as somebody else: who that is, and what they set of it."""

from __future__ import annotations

from envcheck.supervisors import accounts
from envcheck.supervisors.accounts import Account
from envcheck.supervisors.programs import Plain, skip
from envcheck.supervisors.wrapped import Chain


def setuidgid(done: Chain, words: list[str]) -> list[str] | None:
    """daemontools: the groups of the account are its own one alone."""
    done.account = alone(accounts.named(words[0], done.known)) if words else None
    return skip(Plain("", 1), words)


def s6_setuidgid(done: Chain, words: list[str]) -> list[str] | None:
    done.account = accounts.named(words[0], done.known) if words else None
    return skip(Plain("", 1), words)


def of_chpst(done: Chain, given: str) -> Account | None:
    """Read what is given to -u of chpst: an account with groups, which are all that it has, or numbers."""
    name, *groups = given.removeprefix(":").split(":")
    account = accounts.named(name, done.known)
    if account is None or given.startswith(":") != name.isdigit():
        return None
    numbers = [
        int(g) if given.startswith(":") and g.isdigit() else accounts.group(g, done.known) for g in groups
    ]
    known = frozenset(n for n in numbers if n is not None)
    if len(known) < len(set(groups)):
        return account
    return account._replace(gid=numbers[0] or 0, groups=known) if groups else alone(account)


def alone(account: Account | None) -> Account | None:
    return account and account._replace(groups=frozenset({account.gid}))

"""Programs that start another one as somebody else: who that is, and what they set of it."""

from __future__ import annotations

from getopt import GetoptError, getopt

from envcheck.sources import UNKNOWN
from envcheck.supervisors import accounts
from envcheck.supervisors.accounts import Account
from envcheck.supervisors.programs import Plain, skip
from envcheck.supervisors.wrapped import Chain


def setuidgid(done: Chain, words: list[str]) -> list[str] | None:
    """daemontools: the groups of the account are its own one alone."""
    done.account = alone(accounts.named(words[0], done.known)) if words else None
    return skip(Plain("", 1), words)


def envuidgid(done: Chain, words: list[str]) -> list[str] | None:
    """daemontools: it sets what a program may change to itself, and stays who it is."""
    if words:
        done.set(numbers(accounts.named(words[0], done.known)))
    return skip(Plain("", 1), words)


def numbers(account: Account | None) -> list[tuple[str, str | None]]:
    if account is None:
        return [("UID", UNKNOWN), ("GID", UNKNOWN)]
    return [("UID", str(account.uid)), ("GID", str(account.gid) if account.gid >= 0 else UNKNOWN)]


def s6_envuidgid(done: Chain, words: list[str]) -> list[str] | None:
    """s6: the supplementary groups as well; options choose among the three, or take numbers."""
    plain = bool(words) and not words[0].startswith("-")
    account = accounts.named(words[0], done.known) if plain else None
    groups = accounts.supplementary(account.name, done.known) if account else None
    listed = UNKNOWN if groups is None else ",".join(map(str, groups))
    done.set([*numbers(account), ("GIDLIST", listed)])
    return skip(Plain("", 1), words)


def s6_setuidgid(done: Chain, words: list[str]) -> list[str] | None:
    """s6: s6-envuidgid and s6-applyuidgid -z in one, so that the three are gone afterwards."""
    done.account = accounts.named(words[0], done.known) if words else None
    done.set((n, None) for n in _OF_S6)
    return skip(Plain("", 1), words)


def s6_applyuidgid(done: Chain, words: list[str]) -> list[str] | None:
    try:
        options, rest = getopt(words, "zUu:g:G:")
    except GetoptError:
        return None
    done.account = None
    if ("-z", "") in options:
        done.set((n, None) for n in _OF_S6)
    return rest or None


def of_chpst(done: Chain, given: str) -> Account | None:
    """Read what is given to -u of chpst: an account with groups, which are all that it has, or numbers."""
    name, *groups = given.removeprefix(":").split(":")
    account = accounts.named(name, done.known)
    if account is None or given.startswith(":") != name.isdigit():
        return None
    given_groups = [
        int(g) if given.startswith(":") and g.isdigit() else accounts.group(g, done.known) for g in groups
    ]
    known = frozenset(n for n in given_groups if n is not None)
    if len(known) < len(set(groups)):
        return account._replace(gid=-1)  # one that is not known
    return account._replace(gid=given_groups[0] or 0, groups=known) if groups else alone(account)


def alone(account: Account | None) -> Account | None:
    return account and account._replace(groups=frozenset({account.gid}))


_OF_S6 = ("UID", "GID", "GIDLIST")

# Of setpriv(1): those with a value end in `=`.
_SETPRIV = (
    "ambient-caps= apparmor-profile= bounding-set= clear-groups dump egid= euid= groups= help "
    "inh-caps= init-groups keep-groups landlock-access= landlock-rule= list-caps nnp no-new-privs "
    "pdeathsig= ptracer= regid= reset-env reuid= rgid= ruid= seccomp-filter= securebits= "
    "selinux-label= version"
)
# util-linux, include/pathnames.h: _PATH_DEFPATH and _PATH_DEFPATH_ROOT.
_PATH = "/usr/local/bin:/bin:/usr/bin"
_PATH_OF_ROOT = "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin"


def setpriv(done: Chain, words: list[str]) -> list[str] | None:
    try:
        options, rest = getopt(words, "dhV", _SETPRIV.split())
    except GetoptError:
        return None
    given = dict(options)
    real, effective = (given.get("--reuid", given.get(o)) for o in ("--ruid", "--euid"))
    if "--reset-env" in given:
        _reset(done, done.account if real is None else accounts.named(real, done.known))
    if effective is not None:
        done.account = accounts.named(effective, done.known)
    if done.account is not None:
        done.account = _with_groups(done.account, given, done)
    return rest or None


def _reset(done: Chain, account: Account | None) -> None:
    """Do as setpriv --reset-env: all goes but TERM, and what a login has is set."""
    done.clear(kept=("TERM",))
    if account is None:
        done.set((n, UNKNOWN) for n in ("HOME", "SHELL", "USER", "LOGNAME", "PATH"))
        return
    path = _PATH if account.uid else _PATH_OF_ROOT
    who = [("USER", account.name), ("LOGNAME", account.name)]
    done.set([("HOME", account.home), ("SHELL", account.shell or "/bin/sh"), *who, ("PATH", path)])


def _with_groups(account: Account, given: dict[str, str], done: Chain) -> Account:
    """Give an account the groups that setpriv leaves it, where they are known."""
    name = given.get("--regid", given.get("--egid", ""))
    gid = int(name) if name.isdigit() else accounts.group(name, done.known)
    alone = "--clear-groups" in given and gid is not None
    return account._replace(groups=frozenset({gid or 0}) if alone else None)

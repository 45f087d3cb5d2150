"""Programs that start another one as somebody else: who that is, and what they set of it."""

from __future__ import annotations

from getopt import GetoptError, getopt

from envcheck.sources.shell_state import UNKNOWN
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

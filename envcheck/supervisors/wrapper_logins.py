"""runuser and su of util-linux: another user, a shell of that user's, and sometimes a whole login.

Source of the knowledge: login-utils/su-common.c, `modify_environment` and `su_main`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from getopt import GetoptError, gnu_getopt

from envcheck.sources import UNKNOWN
from envcheck.supervisors import accounts
from envcheck.supervisors.wrapped import Chain

_LONG = (
    "command= fast group= help login preserve-environment pty session-command= shell= supp-group= "
    "version whitelist-environment="
)
_SHORT = {
    "-c": "--command",
    "--session-command": "--command",
    "-f": "--fast",
    "-l": "--login",
    "-m": "--preserve-environment",
    "-p": "--preserve-environment",
    "-s": "--shell",
    "-u": "--user",
    "-w": "--whitelist-environment",
}
_OF_A_SHELL = frozenset({"--command", "--fast", "--login", "--shell"})
# Outlive a login.
_KEPT = ("TERM", "COLORTERM", "NO_COLOR")
_SETS_PATH = re.compile(rb"^\s*ALWAYS_SET_PATH\s+[Yy]", re.MULTILINE)


def runuser(done: Chain, words: list[str]) -> list[str] | None:
    found = _options("c:fg:G:lmpPTs:u:hVw:", f"{_LONG} user=", words)
    if found is None:
        return None
    given, rest = found
    if "--user" not in given:
        return _shell(done, given, rest, "/etc/default/runuser")
    if _OF_A_SHELL & given.keys():
        return None  # it refuses them
    _become(done, given["--user"], given, "", "/etc/default/runuser")
    return rest or None


def su(done: Chain, words: list[str]) -> list[str] | None:
    found = _options("c:fg:G:lmpPTs:hVw:", _LONG, words)
    if found is None:
        return None
    command = _shell(done, *found, "/etc/default/su")
    done.gap("dynamic: what PAM sets for su is not known")
    return command


def _options(short: str, long: str, words: list[str]) -> tuple[dict[str, str], list[str]] | None:
    """Read options by their long names; they may stand behind other words, up to `--`."""
    try:
        options, rest = gnu_getopt(words, short, long.split())
    except GetoptError:
        return None
    given = {_SHORT.get(name, name): value for name, value in options}
    if rest[:1] == ["-"]:
        given, rest = {**given, "--login": ""}, rest[1:]
    return given, rest


def _shell(done: Chain, given: Mapping[str, str], rest: list[str], defaults: str) -> list[str] | None:
    """Go on with the shell that is started for a user."""
    name, *arguments = rest or ["root"]
    if "--fast" in given:
        return None
    shell = given.get("--shell", "")
    if not shell and "--preserve-environment" in given and "--login" not in given:
        shell = done.values.get("SHELL", "" if done.complete else UNKNOWN)
    if not shell:
        account = accounts.named(name, done.known)
        shell = (account.shell or "/bin/sh") if account else UNKNOWN
    _become(done, name, given, shell, defaults)
    if "--command" in given:
        arguments = ["-c", given["--command"], *arguments]
    return [shell, *arguments]


def _become(done: Chain, name: str, given: Mapping[str, str], shell: str, defaults: str) -> None:
    """Set what tells of the user; *shell*: the one that is started, if one is."""
    account = done.account = accounts.named(name, done.known)
    home = account.home if account else UNKNOWN
    names = [(n, account.name if account else UNKNOWN) for n in ("USER", "LOGNAME")]
    shells = [("SHELL", shell)] if shell else []
    if "--login" in given:
        kept = given.get("--whitelist-environment", "").split(",")
        done.clear(kept=(*_KEPT, *filter(None, kept)))
        done.set([("HOME", home), *shells, *names, ("PATH", UNKNOWN)])
        done.folder = None  # the home, if it is there
        done.gap("dynamic: what the profiles of a login shell set is not known")
    elif "--preserve-environment" not in given:
        path = [("PATH", UNKNOWN)] if _sets_path(done, defaults) else []
        # root keeps the names of who it was before.
        done.set([("HOME", home), *shells, *path, *(names if not account or account.uid else ())])


def _sets_path(done: Chain, defaults: str) -> bool:
    """Tell whether PATH is set from login.defs(5), or may be."""
    found = [done.known.file(path) for path in (defaults, "/etc/login.defs")]
    return any(f is not None and (f.status == "denied" or _SETS_PATH.search(f.content)) for f in found)

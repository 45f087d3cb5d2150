"""Programs that stand before a server in its command: what each takes off the front, and what it sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envcheck.supervisors import accounts, programs
from envcheck.supervisors.programs import CHPST_VALUED, SUDO, letters, skip
from envcheck.supervisors.wrapped import Chain
from envcheck.supervisors.wrapper_accounts import (
    envuidgid,
    numbers,
    of_chpst,
    s6_applyuidgid,
    s6_envuidgid,
    s6_setuidgid,
    setpriv,
    setuidgid,
)
from envcheck.supervisors.wrapper_logins import runuser, su


def env(done: Chain, words: list[str]) -> list[str] | None:
    clear = False
    changes: list[tuple[str, str | None]] = []
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        if word in ("-i", "-", "--ignore-environment"):
            clear = True
        elif word.startswith(("-u", "--unset")):
            given = word.partition("=")[2] if word.startswith("--") else word[2:]
            changes.append((given or words.pop(0), None))
        elif word.startswith(("-C", "--chdir")):
            given = word.partition("=")[2] if word.startswith("--") else word[2:]
            done.folder = done.absolute(given or words.pop(0))
        else:
            return None
    if clear:
        done.clear()
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        changes.append((name, value))
    done.set(changes)
    return words or None


def envdir(done: Chain, words: list[str]) -> list[str] | None:
    if len(words) < 2 or words[0].startswith("-"):  # noqa: PLR2004
        return None
    done.folder_of_variables(words[0], "daemontools")
    return words[1:]


def s6_envdir(done: Chain, words: list[str]) -> list[str] | None:
    given = letters(words, "c")
    flags = {letter for letter, _ in given or ()}
    if given is None or flags - set("fniI") or len(words) < 2:  # noqa: PLR2004
        return None
    how = "".join(sorted(flags & set("fn")))
    strict = [letter for letter, _ in given if letter in "iI"][-1:] != ["I"]
    done.folder_of_variables(words[0], f"s6-{how}" if how else "s6", optional=not strict)
    return words[1:]


def chpst(done: Chain, words: list[str]) -> list[str] | None:
    given = letters(words, CHPST_VALUED)
    if given is None or any(letter == "/" for letter, _ in given):
        return None
    given.sort(key=lambda option: option[0] == "u")  # the folder of -e is read before
    for letter, value in given:
        if letter == "e":
            done.folder_of_variables(value, "chpst")
        elif letter == "u":
            done.account = of_chpst(done, value)
        elif letter == "U":
            done.set(numbers(of_chpst(done, value)))
    return words or None


def daemon(done: Chain, words: list[str]) -> list[str] | None:
    """Find what start-stop-daemon starts: --startas, else --exec, with the words behind `--`."""
    given = programs.daemon(words) or {}
    program = given.get("--startas") or given.get("--exec")
    if "--chuid" in given:
        done.account = accounts.named(given["--chuid"].partition(":")[0], done.known)
    if "--chdir" in given:
        done.folder = done.absolute(given["--chdir"])
    return [program, *words[1:]] if program else None


def bundle(done: Chain, words: list[str]) -> list[str] | None:
    """`bundle exec` and `rbenv exec` set only what is theirs: see `noise`."""
    del done
    return words[1:] if words[:1] == ["exec"] and len(words) > 1 else None


def privilege(done: Chain, words: list[str]) -> list[str] | None:
    """Go on behind sudo: which variables it lets through is decided by its own configuration."""
    done.gap("dynamic: sudo drops what its configuration does not keep")
    done.account = None
    return skip(SUDO, words)


Step = Callable[[Chain, list[str]], list[str] | None]

STEPS: Mapping[str, Step] = {
    "env": env,
    "envdir": envdir,
    "s6-envdir": s6_envdir,
    "chpst": chpst,
    "setuidgid": setuidgid,
    "s6-setuidgid": s6_setuidgid,
    "setpriv": setpriv,
    "runuser": runuser,
    "su": su,
    "envuidgid": envuidgid,
    "s6-envuidgid": s6_envuidgid,
    "s6-applyuidgid": s6_applyuidgid,
    "start-stop-daemon": daemon,
    "bundle": bundle,
    "rbenv": bundle,
    "sudo": privilege,
}

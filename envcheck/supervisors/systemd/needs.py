"""What a unit needs to come up: WorkingDirectory=, the program of ExecStart=, User= (systemd.exec(5))."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from envcheck.model import Need
from envcheck.opening import DIRECTORIES
from envcheck.supervisors.needs import FOLDER, PROGRAM, USER
from envcheck.supervisors.systemd import command
from envcheck.supervisors.systemd.definition import Definition, Word

# Where systemd looks for a program that is named without a folder.
SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# Below these a unit may have its folders made.
MADE = ("/run/", "/var/lib/", "/var/cache/", "/var/log/", "/etc/")
OWN_TMP = ("/tmp/", "/var/tmp/")  # noqa: S108 - nothing is written there


def needs(found: Definition) -> tuple[Need, ...]:
    """Give them as far as they can be looked up from outside: a root of its own shows other files."""
    return () if any(found.is_set(key) for key in APART) else tuple(_needs(found))


# These give the unit another view of the files, or its users.
APART = (
    "RootDirectory",
    "RootImage",
    "BindPaths",
    "BindReadOnlyPaths",
    "TemporaryFileSystem",
    "ExtensionImages",
    "ExtensionDirectories",
    "MountImages",
)


def user(found: Definition) -> str:
    """Say who the command is started as; "" where that is not known."""
    named = found.single.get("User")
    if any(found.is_set(key) for key in (*APART, "DynamicUser")) or not found.commands:
        return ""
    if named and named.text and not command.as_manager(found.commands[0][0], found.scope):
        return named.text
    return "" if found.scope.manager is not None else "root"


def refused(found: Definition) -> str:
    """Say which ExecStart= keeps the unit from being loaded: a path that is not absolute."""
    for value, place in found.commands:
        words = command.words(value, found.scope)
        if words and "/" in words[0] and not words[0].startswith("/"):
            return f"{place.path}: line {place.line}: its program is named by a path that is not absolute"
    return ""


def _needs(found: Definition) -> Iterator[Need]:
    user, folder = found.single.get("User"), found.single.get("WorkingDirectory")
    if user and user.text and not found.is_set("DynamicUser"):
        yield Need(USER, (user.text,), _by("User", user))
    if folder and folder.text.startswith("/") and not _is_made(found, folder.text):
        yield Need(FOLDER, (folder.text,), _by("WorkingDirectory", folder))
    if not found.commands or found.is_set("ExecStartPre"):  # which may make it
        return
    value, place = found.commands[0]
    words = command.words(value, found.scope)
    if not words or words[0].startswith(OWN_TMP):
        return
    folders = [w.text for w in found.lists.get("ExecSearchPath", ())] or SEARCHED
    names = (words[0],) if "/" in words[0] else tuple(posixpath.join(f, words[0]) for f in folders)
    yield Need(PROGRAM, names, f"ExecStart= at {place.path}:{place.line}", words[0])


def _is_made(found: Definition, path: str) -> bool:
    made = path.startswith(MADE) and any(found.lists.get(key) for key in DIRECTORIES)
    return made or (path.startswith(OWN_TMP) and found.is_set("PrivateTmp"))


def _by(key: str, word: Word) -> str:
    return f"{key}= at {word.place.path}:{word.place.line}"

"""What a user may run by sudo, as `sudo -n -l` prints it; sudo itself is never asked to run anything.

Formats seen with sudo 1.9.13; sudoers(5): of the entries that match a command the last one decides, a tag
holds for the commands after it, and `*` in arguments matches blanks and slashes too. Where anything is
doubtful, a command is not covered: it is asked for instead.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from envcheck.model import Output
from envcheck.sources.text import decode

LIST = ("sudo", "-n", "-l")  # without a terminal and a prompt; it lists, and nothing else
NO_SUDO = frozenset({"missing", "denied"})  # of the command itself
FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

_HEAD = re.compile(r"may run the following commands on \S+:$")
_NOTHING = re.compile(rb"(may not|not allowed to) run sudo")
_ENTRY = re.compile(r"^\s+\(([^)]*)\)\s+(.*)$")
_TAG = re.compile(r"([A-Z_]+):\s*|[A-Z_]+=\S+\s+|sha\d+:\S+\s+")
_APART = re.compile(r"(?<!\\),\s+")
_ESCAPED = re.compile(r"\\(.)")


class Rule(NamedTuple):
    """One command of one entry."""

    users: tuple[str, ...]  # as whom; `!` before one excludes it
    command: str  # a path, a folder with a slash at its end, a pattern, or ALL
    arguments: str | None  # a pattern; None: any; "": none at all
    denied: bool
    password: bool
    whole: bool  # False: it is limited in a way that is not judged here


class Rules(NamedTuple):
    """What a user may do; `known` is False where only a password would tell."""

    rules: tuple[Rule, ...] = ()
    known: bool = True


def rules(output: Output | None) -> Rules:
    """Read what `sudo -n -l` has printed; None: it was not asked."""
    if output is None or output.status in NO_SUDO:
        return Rules()
    lines = decode(output.stdout).splitlines()
    head = next((i for i, line in enumerate(lines) if _HEAD.search(line)), None)
    if head is None:
        # One who may do nothing, and one who would have to give a password first, are told the same.
        return Rules(known=bool(_NOTHING.search(output.stdout + output.stderr)))
    free = any(w.strip() == "!authenticate" for line in lines[:head] for w in line.split(","))
    found = (_entry(match, password=not free) for line in lines[head + 1 :] if (match := _ENTRY.match(line)))
    return Rules(tuple(rule for entry in found for rule in entry))


def _entry(match: re.Match[str], *, password: bool) -> Iterator[Rule]:
    users = tuple(word.strip() for word in match[1].partition(":")[0].split(",") if word.strip())
    whole = True
    for text in _APART.split(match[2]):
        rest = text
        while tag := _TAG.match(rest):
            password = {"PASSWD": True, "NOPASSWD": False}.get(tag[1] or "", password)
            whole = {"NOEXEC": False, "EXEC": True}.get(tag[1] or "", whole and "=" not in tag[0])
            rest = rest[tag.end() :]
        command, blank, arguments = rest.removeprefix("!").partition(" ")
        given = None if not blank else "" if arguments == '""' else arguments
        yield Rule(users, command, given, rest.startswith("!"), password, whole)


class Run(NamedTuple):
    """How a command is run by sudo."""

    argv: tuple[str, ...]
    password: bool


def command(known: Rules, argv: Sequence[str], user: str = "root") -> Run | None:
    """Give the command with sudo before it, where a rule covers it; the path is that of the rule."""
    for rule in reversed(known.rules):
        if not _as(rule, user) or not (program := _program(rule, argv[0])) or not _given(rule, argv[1:]):
            continue
        if rule.denied or not rule.whole:
            return None
        become = () if user == "root" else ("-u", user)
        return Run(("sudo", *become, program, *argv[1:]), rule.password)
    return None


def _as(rule: Rule, user: str) -> bool:
    """Tell whether a rule is for that user: of its words the last one that fits decides."""
    fits = [not word.startswith("!") for word in rule.users if word.lstrip("!") in ("ALL", user)]
    return bool(fits) and fits[-1]


def _program(rule: Rule, program: str) -> str:
    """Give the program as a rule allows it to be called; "": it does not."""
    name = posixpath.basename(program)
    paths = [program] if "/" in program else [f"{folder}/{name}" for folder in FOLDERS]
    if rule.command == "ALL":
        return program
    if rule.command.endswith("/"):
        return next((path for path in paths if posixpath.dirname(path) + "/" == rule.command), "")
    if any(sign in rule.command for sign in "*?["):
        fits = [path for path in paths if _pattern(rule.command, path="[^/]").fullmatch(path)]
        return program if fits else ""
    plain = _ESCAPED.sub(r"\1", rule.command)
    return plain if plain in paths or (rule.denied and posixpath.basename(plain) == name) else ""


def _given(rule: Rule, arguments: Sequence[str]) -> bool:
    """Tell whether the arguments fit; a rule that forbids fits sooner than one that allows."""
    text = " ".join(arguments)
    if rule.arguments is None:
        return True
    if rule.arguments.startswith("^"):  # a regular expression, of another dialect than ours
        return rule.denied
    return bool(_pattern(rule.arguments).fullmatch(text))


def _pattern(text: str, path: str = ".") -> re.Pattern[str]:
    """Translate a pattern of the shell; *path*: what its signs stand for."""
    pieces = re.findall(r"\\.|\[!?\]?[^]]*\]|.", text, re.DOTALL)
    return re.compile("".join(_sign(piece, path) for piece in pieces), re.DOTALL)


def _sign(piece: str, path: str) -> str:
    if piece in ("*", "?"):
        return path + ("*" if piece == "*" else "")
    if len(piece) > 1 and piece.startswith("["):
        inside = piece[1:-1].replace("\\", r"\\")
        return f"[{'^' + inside[1:] if inside.startswith('!') else inside}]"
    return re.escape(piece[1:] if piece.startswith("\\") and len(piece) > 1 else piece)

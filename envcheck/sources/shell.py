"""The declarative part of shell: assignments, `export`, `unset`, `set -a`, `.`, and the `exec` that ends it.

Nothing is executed. What only running something could tell - a command substitution, an assignment in a
branch - makes its variable dynamic; what may change any variable (`eval`, a function) is named as what is not
understood. The semantics are those of dash 0.5.12: what is not exported does not reach the program, unless
its name was in the environment already.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping

from envcheck.model import Assignment, FileFacts, Parsed, Problem
from envcheck.sources.shell_commands import Command, commands
from envcheck.sources.shell_state import (
    DYNAMIC,
    OWN,
    UNKNOWN,
    Called,
    Event,
    Expansion,
    Read,
    Script,
    Variable,
    unsafe,
)
from envcheck.sources.shell_words import NAME, Unreadable, Word, plain
from envcheck.sources.text import decode, nameable

_WORDS = {
    "opaque": (
        "eval read getopts local declare typeset readonly alias command builtin let mapfile "
        "readarray trap shopt return break continue enable wait hash type unalias pushd popd"
    ),
    "harmless": (
        ": true false echo printf [ test [[ umask ulimit sleep mkdir chown chmod touch rm logger "
        "date ln cp mv install exit kill cat grep wait id trap"
    ),
    "special": ": . break continue eval exec exit export readonly return set shift times trap unset",
    "succeeds": "cd export . source umask ulimit set : true mkdir chown chmod unset",
}

# Built in, and able to change variables in a way that is not followed.
_OPAQUE = frozenset(_WORDS["opaque"].split())
_HARMLESS = frozenset(_WORDS["harmless"].split())
# What a following `&&` may count on: where it fails, the script is of no use anyway.
_SUCCEEDS = frozenset(_WORDS["succeeds"].split())
# POSIX.1-2017, 2.14: special built-in utilities.
_SPECIAL = frozenset(_WORDS["special"].split())
DEEPEST = 20  # files that source one another
_GUARDS = frozenset({"-f", "-r", "-e", "-s"})


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    """Say what a file of shell assignments sets for what is started after it was sourced."""
    shell = _Shell(Called(known), None)
    shell.source("", content)
    pieces = shell.pieces({})
    assignments = [a for p in pieces if p.parsed for a in p.parsed.assignments]
    gaps = [Problem(None, DYNAMIC + p.why.removeprefix(DYNAMIC)) for p in pieces if p.parsed is None]
    problems = [*shell.problems(""), *gaps, *_foreign_bytes(content)]
    return Parsed(tuple(assignments), tuple(sorted(problems, key=lambda p: p.line or 0)))


def _foreign_bytes(content: bytes) -> Iterator[Problem]:
    """Tell of what editors of other systems leave in a file, and a shell takes for text."""
    if content.startswith(b"\xef\xbb\xbf"):
        yield Problem(1, "a byte order mark: it becomes part of the first word")
    if (at := content.find(b"\r\n")) >= 0:
        yield Problem(content.count(b"\n", 0, at) + 1, "lines end in CR LF: the CR is part of each value")


def run(path: str, facts: FileFacts, called: Called, read: Read) -> Script:
    """Read a script and what it sources."""
    shell = _Shell(called, read)
    shell.changed[path] = facts.changed
    shell.allexport = b"a" in _flags(facts.content)
    shell.bash = b"bash" in facts.content.partition(b"\n")[0]
    shell.source(path, facts.content)
    return Script(shell.pieces(shell.changed), shell.command, shell.at, shell.folder)


def _flags(content: bytes) -> bytes:
    """Give the options in `#!/bin/sh -e`."""
    first = content.partition(b"\n")[0].split() if content.startswith(b"#!") else []
    return b"".join(w for w in first[1:] if w.startswith(b"-"))


class _Shell(Expansion):
    """Reads the commands of a script, one after the other."""

    def source(self, path: str, content: bytes) -> None:
        """Read a file in this shell."""
        outer, self.path = self.path, path
        self.depth += 1
        try:
            found = commands(decode(content))
        except Unreadable as fault:
            self.gap(f"{DYNAMIC}a quote that does not end, begun in line {fault.line}", fault.line)
            found = []
            self.ended = True
        for index, command in enumerate(found):
            if self.ended:
                break
            before = found[index - 1] if index else None
            if command.after == "&&" and command.depth == 0 and before and before.certain:
                command = command._replace(certain=_first(before) in _SUCCEEDS)  # noqa: PLW2901
            self._command(command, before)
        self.path = outer
        self.depth -= 1

    def _command(self, command: Command, before: Command | None) -> None:
        words = list(command.words)
        assignments: list[tuple[str, Word]] = []
        while words and (split := _assignment(words[0])):
            assignments.append(split)
            words.pop(0)
        name = plain(words[0]) if words else None
        if command.after == "()":
            self.functions.add(name or "")
            return
        self._defaults(command)
        if not words:
            for variable, value in assignments:
                self.assign(variable, self.text(value), command)
            return
        if name in _SPECIAL:
            self._kept_by(words, assignments, command)
        if name in _BUILTINS:
            _BUILTINS[name](self, words[1:], command, before)
        elif name == "for":
            self.assign(plain(words[1]) or "" if len(words) > 1 else "", UNKNOWN, command)
        elif name in self.functions or name in _OPAQUE:
            self.gap(f"{DYNAMIC}line {command.line}: {nameable(name or '')} is not understood", command.line)
        elif command.certain and name not in _HARMLESS and self.depth == 1 and name != "case":
            self._last(words, assignments, command)

    def _defaults(self, command: Command) -> None:
        """Set what `${NAME:=default}` sets, wherever it stands, and whatever becomes of the command."""
        for part in (part for word in command.words for part in word if part.sets):
            value = self.variables.get(part.sets, Variable(None, exported=False)).value
            if part.kind == "dynamic":
                self.assign(part.sets, UNKNOWN, command)
            elif value is None or (part.if_empty and not value):
                known = self.complete and part.sets not in OWN
                self.assign(part.sets, (part.default or "") if known else UNKNOWN, command)

    def _kept_by(self, words: list[Word], assignments: list[tuple[str, Word]], command: Command) -> None:
        """Set what stands before a special builtin: POSIX shells keep it, and bash alone does not."""
        used = {part.text for word in words for part in word if part.kind == "name"}
        name = plain(words[0])
        exported = name == "exec" and len(words) > 1
        for variable, value in assignments:
            sure = not self.bash and variable not in used
            if exported or sure:
                self.assign(variable, self.text(value), command, export=exported)
            elif variable in self.variables or name == "export":
                self.assign(variable, UNKNOWN, command)

    def _last(self, words: list[Word], assignments: list[tuple[str, Word]], command: Command) -> None:
        """Take a program that is called as the one that the script is about, unless another one follows."""
        given = tuple(field for word in words for field in self.fields(word))
        if assignments:
            given = ("env", *(f"{n}={self.text(v)}" for n, v in assignments), *given)
        self.command, self.at = given, command.line

    # --- builtins -------------------------------------------------------------------------------

    def export(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        for word in words:
            split = _assignment(word)
            name, value = (split[0], self.text(split[1])) if split else (plain(word) or "", None)
            if split and any(p.kind == "name" and not p.quoted for p in split[1]) and unsafe(value or ""):
                value = UNKNOWN  # older shells split it, newer ones do not
            if NAME.fullmatch(name):
                self.assign(name, value, command, export=True)
            else:
                self.gap(f"{DYNAMIC}line {command.line}: this export is not understood", command.line)

    def unset(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        for word in words:
            name = plain(word) or ""
            if name == "-v":
                continue
            if not NAME.fullmatch(name):
                self.gap(f"{DYNAMIC}line {command.line}: this unset is not understood", command.line)
            elif command.certain:
                self.variables[name] = Variable(None, exported=False)
                self.events.append(Event(self.path, Assignment(name, None, command.line)))
            else:
                self.assign(name, UNKNOWN, command)

    def options(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        given = [plain(w) for w in words]
        if given[:1] == ["--"] and command.certain:
            fields = [f for w in words[1:] for f in self.fields(w)]
            self.arguments = None if any(UNKNOWN in f for f in fields) else tuple(fields)
            return
        for flag in given:
            on = flag is not None and flag.startswith("-")
            letters = (flag or "")[1:]
            if flag == "allexport" or "a" in letters:
                if not command.certain:
                    self.gap(f"{DYNAMIC}line {command.line}: set -a in a branch", command.line)
                last = given[given.index(flag) - 1] if flag == "allexport" else flag
                self.allexport = on if flag != "allexport" else last == "-o"
            elif flag is None or (not flag.startswith(("-", "+")) and given[0] not in ("-o", "+o")):
                self.arguments = None

    def dot(self, words: list[Word], command: Command, before: Command | None) -> None:
        path = self._path(words)
        optional = path is not None and self._guarded(path, command, before)
        if path is None or not (command.certain or optional) or self.read is None or len(self.changed) > 20:  # noqa: PLR2004
            self.gap(f"{DYNAMIC}line {command.line}: what is sourced here is not known", command.line)
            return
        if self.depth > DEEPEST:
            self.gap(f"{DYNAMIC}line {command.line}: files that source one another have no end", command.line)
            self.ended = True
            return
        facts = self.read(path)
        status = facts.status if facts else "unread"
        if facts is not None and status == "ok":
            self.changed[path] = facts.changed
            self.source(path, facts.content)
        elif not (optional and status == "missing"):
            outer, self.path = self.path, path
            self.changed[path] = facts.changed if facts else 0.0
            self.gap(WHY.get(status, status), None)
            self.path = outer

    def _path(self, words: list[Word]) -> str | None:
        """Give the file that is sourced: one without a slash is searched for in PATH."""
        given = "".join(self.fields(words[0])) if len(words) == 1 else UNKNOWN
        if UNKNOWN in given or "/" not in given:
            return None
        if not given.startswith("/") and self.folder is None:
            return None
        return posixpath.normpath(posixpath.join(self.folder or "/", given))

    def _guarded(self, path: str, command: Command, before: Command | None) -> bool:
        """Tell `[ -r FILE ] && . FILE`, and the same with `if`, from other branches."""
        if before is None or command.after not in ("&&", "then"):
            return False
        if command.depth != (command.after == "then") or before.depth != command.depth:
            return False
        if before.after not in ("\n", ";", "fi", "if", "&&"):
            return False
        words = [w for w in before.words if plain(w) not in ("]", "]]")]
        test = [plain(w) for w in words[:2]]
        asks = len(words) == 3 and test[0] in ("[", "test", "[[") and test[1] in _GUARDS  # noqa: PLR2004
        return asks and self._path(words[2:]) == path

    def cd(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        given = "".join(self.fields(words[-1])) if words else UNKNOWN
        known = command.certain and UNKNOWN not in given and (given.startswith("/") or self.folder)
        self.folder = posixpath.normpath(posixpath.join(self.folder or "/", given)) if known else None

    def shift(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        count = plain(words[0]) if words else "1"
        if self.arguments is None or not command.certain or not (count or "").isdigit():
            self.arguments = None
        else:
            self.arguments = self.arguments[int(count or 1) :]

    def exit(self, words: list[Word], command: Command, before: Command | None) -> None:
        del words, before
        self.ended = command.certain

    def exec(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        if not words:
            return
        given = tuple(field for word in words for field in self.fields(word))
        if command.certain and not (plain(words[0]) or "").startswith("-"):
            self.command, self.at, self.ended = given, command.line, True
        else:
            self.command, self.at = (UNKNOWN,), command.line
            self.ended = True


Builtin = Callable[[_Shell, list[Word], Command, Command | None], None]

_BUILTINS: dict[str | None, Builtin] = {
    "export": _Shell.export,
    "unset": _Shell.unset,
    "set": _Shell.options,
    ".": _Shell.dot,
    "source": _Shell.dot,
    "cd": _Shell.cd,
    "shift": _Shell.shift,
    "exit": _Shell.exit,
    "exec": _Shell.exec,
}

# What stands for a file that could not be sourced.
WHY = {
    "missing": "there is no such file: the shell ends there",
    "denied": "not allowed to read it",
    "unread": "it was not read",
    "folder": "it is a folder, not a file",
}


def _assignment(word: Word) -> tuple[str, Word] | None:
    """Split NAME=VALUE: the name and the sign have to be unquoted text."""
    if not word or word[0].kind != "text" or word[0].quoted:
        return None
    name, sign, rest = word[0].text.partition("=")
    if not sign or not NAME.fullmatch(name):
        return None
    return name, ((word[0]._replace(text=rest),) if rest else ()) + word[1:]


def _first(command: Command) -> str:
    """Give the first word behind the assignments; one without a word always succeeds."""
    words = [w for w in command.words if not _assignment(w)]
    return (plain(words[0]) or "") if words else ":"

"""The declarative part of shell: assignments, `export`, `unset`, `set -a`, `.`, and the `exec` that ends it.

Nothing is executed. What only running something could tell - a command substitution, an assignment in a
branch - makes its variable dynamic; what may change any variable (`eval`, a function) is named as what is not
understood. The semantics are those of dash 0.5.12: what is not exported does not reach the program, unless
its name was in the environment already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envcheck.model import FileFacts, Parsed, Problem
from envcheck.sources import UNKNOWN
from envcheck.sources.shell_builtins import BUILTINS, Builtins
from envcheck.sources.shell_commands import Command, commands
from envcheck.sources.shell_state import (
    OWN,
    Called,
    Read,
    Script,
    Variable,
)
from envcheck.sources.shell_words import Part, Unreadable, Word, assignment, literal, plain
from envcheck.sources.text import decode, nameable

_WORDS = {
    "opaque": (
        "eval read getopts local declare typeset command builtin let mapfile "
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


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    """Say what a file of shell assignments sets for what is started after it was sourced."""
    shell = _Shell(Called(known), None)
    shell.source("", content)
    pieces = shell.pieces({})
    assignments = [a for p in pieces if p.parsed for a in p.parsed.assignments]
    problems = [*shell.problems(""), *_foreign_bytes(content)]
    return Parsed(tuple(assignments), tuple(sorted(problems, key=lambda p: p.line or 0)))


def repeated(content: bytes) -> tuple[Problem, ...]:
    """Say which lines of a file do not count, for what they set is set anew before it is read."""
    shell = _Shell(Called({}), None)
    shell.source("", content)
    return tuple(shell.repeated)


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


class _Shell(Builtins):
    """Reads the commands of a script, one after the other."""

    def source(self, path: str, content: bytes) -> None:
        """Read a file in this shell."""
        outer, self.path = self.path, path
        self.depth += 1
        try:
            found = commands(decode(content))
        except Unreadable as fault:
            self.gap("a quote that begins here does not end", fault.line)
            found = []
            self.ended = True
        for index, command in enumerate(found):
            if self.ended:
                break
            if command.body:
                continue  # it does nothing before the function is called
            before = found[index - 1] if index else None
            if command.after == "&&" and command.depth == 0 and before and before.certain:
                command = command._replace(certain=_first(before) in _SUCCEEDS)  # noqa: PLW2901
            self._command(command, before)
        self.path = outer
        self.depth -= 1

    def _command(self, command: Command, before: Command | None) -> None:
        words = list(command.words)
        assignments: list[tuple[str, Word]] = []
        while words and (split := assignment(words[0])):
            assignments.append(split)
            words.pop(0)
        name = literal(words[0]) if words else None
        if command.after == "()":
            if name:
                self.functions.add(name)
            for variable, _ in assignments:  # an array
                self.assign(variable, UNKNOWN, command)
            return
        self.read_by(command)
        if not words:
            for variable, value in assignments:
                self.assign(variable, self._value(value, command), command)
            return
        words = [self._settled(word, command) for word in words]
        if name in _SPECIAL and name != "exec":
            self._kept_by(words, assignments, command)
        if name in BUILTINS and name not in self.functions:
            BUILTINS[name](self, words[1:], command, before)
        else:
            self._other(words, assignments, command)
        if name == "exec":  # what it is to start was expanded before
            self._kept_by(words, assignments, command)

    def _other(self, words: list[Word], assignments: list[tuple[str, Word]], command: Command) -> None:
        """Take what is no builtin that is followed: a loop, a function, a program."""
        name = literal(words[0])
        if name not in _HARMLESS:
            self.unread.clear()  # a program gets them all
        if name is None and self.functions:
            name = "".join(self.fields(words[0])[:1])  # one of them may be called by a variable
        if plain(words[0]) == "for":
            self.assign(plain(words[1]) or "" if len(words) > 1 else "", UNKNOWN, command)
        elif name in self.functions or name in _OPAQUE or (self.functions and UNKNOWN in (name or "")):
            self.gap(f"{nameable(name or '')} is not understood", command.line)
        elif command.certain and name not in _HARMLESS and self.depth == 1 and name != "case":
            self._last(words, assignments, command)

    def _value(self, word: Word, command: Command) -> str:
        return self.text(self._settled(word, command))

    def _settled(self, word: Word, command: Command) -> Word:
        """Keep what the references of a word are worth when its turn comes.

        `${NAME:=default}` sets a variable there, whatever becomes of the command.
        """
        return tuple(self._settle(part, command) for part in word)

    def _settle(self, part: Part, command: Command) -> Part:
        if part.sets:
            value = self.variables.get(part.sets, Variable(None, exported=False)).value
            if part.kind == "dynamic":
                self.assign(part.sets, UNKNOWN, command)
            elif value is None or (part.if_empty and not value):
                known = self.complete and part.sets not in OWN
                self.assign(part.sets, (part.default or "") if known else UNKNOWN, command)
        return part._replace(value=self.reference(part)) if part.kind == "name" else part

    def _kept_by(self, words: list[Word], assignments: list[tuple[str, Word]], command: Command) -> None:
        """Set what stands before a special builtin: POSIX shells keep it, and bash alone does not."""
        used = {part.text for word in words for part in word if part.kind == "name"}
        name = literal(words[0])
        exported = name == "exec" and len(words) > 1
        for variable, value in assignments:
            sure = not self.bash and variable not in used
            if exported or sure:
                self.assign(variable, self._value(value, command), command, export=exported)
            elif variable in self.variables or name == "export":
                self.assign(variable, UNKNOWN, command)

    def _last(self, words: list[Word], assignments: list[tuple[str, Word]], command: Command) -> None:
        """Take a program that is called as the one that the script is about, unless another one follows."""
        given = tuple(field for word in words for field in self.fields(word))
        if assignments:
            made = [
                (n.removesuffix("+"), UNKNOWN if n.endswith("+") else self._value(v, command))
                for n, v in assignments
            ]
            given = ("env", *(f"{n}={v}" for n, v in made), *given)
        self.command, self.at = given, command.line


def _first(command: Command) -> str:
    """Give the first word behind the assignments; one without a word always succeeds."""
    words = [w for w in command.words if not assignment(w)]
    return (literal(words[0]) or "") if words else ":"

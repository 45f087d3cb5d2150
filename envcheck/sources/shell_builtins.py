"""The builtins of a shell that change variables, or what comes of a script, as far as can be followed."""

from __future__ import annotations

import posixpath
from abc import abstractmethod
from collections.abc import Callable

from envcheck.model import Assignment
from envcheck.sources import UNKNOWN
from envcheck.sources.shell_commands import Command
from envcheck.sources.shell_state import READ_ONLY, Event, Expansion, Variable, unsafe
from envcheck.sources.shell_words import NAME, Word, argument, literal, plain

DEEPEST = 20  # files that source one another
MOST = 20  # files that one script sources
_OF_NO_VARIABLE = ("-p", "--")  # what `export` and `readonly` take beside names
_GUARDS = frozenset({"-f", "-r", "-e", "-s"})

# What stands for a file that could not be sourced.
WHY = {
    "missing": "there is no such file: the shell ends there",
    "denied": "not allowed to read it",
    "unread": "it was not read",
    "folder": "it is a folder, not a file",
}


class Builtins(Expansion):
    @abstractmethod
    def source(self, path: str, content: bytes) -> None:
        """Read a file in this shell."""

    def export(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        # All words are expanded before the first of them is set: `export A=1 B=$A` gives B what A was.
        for name, value in [self._expanded(word) for word in words]:
            if NAME.fullmatch(name.removesuffix("+")):
                self.assign(name, value, command, export=True)
            elif name not in _OF_NO_VARIABLE:
                self.gap("this export is not understood", command.line)

    def _expanded(self, word: Word) -> tuple[str, str | None]:
        """Expand a word of `export` or `readonly`: a name, and the value if one is given."""
        name, given = argument(word)
        if given is None:
            return name, None
        value = self.text(given)
        if any(p.kind == "name" and not p.quoted for p in given) and unsafe(value):
            value = UNKNOWN  # older shells split it, newer ones do not
        return name, value

    def readonly(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        for name, value in [self._expanded(word) for word in words]:
            if NAME.fullmatch(name):
                if value is not None:
                    self.assign(name, value, command)
                self.kept.add(name)
            elif name not in _OF_NO_VARIABLE:
                self.gap("this readonly is not understood", command.line)

    def alias(self, words: list[Word], command: Command, before: Command | None) -> None:
        """Take a command by another name for a function: what it does is not followed."""
        del before
        for name, _ in [argument(word) for word in words]:
            if not name:
                self.gap("this alias is not understood", command.line)
            self.functions.add(name)

    def unset(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        if words and literal(words[0]) == "-f":
            return  # functions
        for word in words:
            name = literal(word) or ""
            if name in ("-v", "--"):
                continue
            if not NAME.fullmatch(name):
                self.gap("this unset is not understood", command.line)
            elif name in self.kept:
                self.gap(READ_ONLY, command.line)
            elif command.certain:
                self.variables[name] = Variable(None, exported=False)
                self.events.append(Event(self.path, Assignment(name, None, command.line)))
            else:
                self.assign(name, UNKNOWN, command)

    def options(self, words: list[Word], command: Command, before: Command | None) -> None:
        del before
        given = [literal(w) for w in words]
        if given[:1] == ["--"] and command.certain:
            fields = [f for w in words[1:] for f in self.fields(w)]
            self.arguments = None if any(UNKNOWN in f for f in fields) else tuple(fields)
            return
        for flag in given:
            on = flag is not None and flag.startswith("-")
            letters = (flag or "")[1:]
            if flag == "allexport" or "a" in letters:
                if not command.certain:
                    self.gap("set -a in a branch", command.line)
                last = given[given.index(flag) - 1] if flag == "allexport" else flag
                self.allexport = on if flag != "allexport" else last == "-o"
            elif flag is None or (not flag.startswith(("-", "+")) and given[0] not in ("-o", "+o")):
                self.arguments = None

    def dot(self, words: list[Word], command: Command, before: Command | None) -> None:
        path = self._path(words)
        optional = path is not None and self._guarded(path, command, before)
        if path is None or not (command.certain or optional) or self.read is None or len(self.changed) > MOST:
            self.gap("what is sourced here is not known", command.line)
            return
        if self.depth > DEEPEST:
            self.gap("files that source one another have no end", command.line)
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
        if command.certain and not (literal(words[0]) or "").startswith("-"):
            self.command, self.at, self.ended = given, command.line, True
        else:
            self.command, self.at = (UNKNOWN,), command.line
            self.ended = True


Builtin = Callable[[Builtins, list[Word], Command, Command | None], None]

BUILTINS: dict[str | None, Builtin] = {
    "export": Builtins.export,
    "readonly": Builtins.readonly,
    "alias": Builtins.alias,
    "unset": Builtins.unset,
    "set": Builtins.options,
    ".": Builtins.dot,
    "source": Builtins.dot,
    "cd": Builtins.cd,
    "shift": Builtins.shift,
    "exit": Builtins.exit,
    "exec": Builtins.exec,
}

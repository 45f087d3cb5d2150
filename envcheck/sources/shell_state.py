"""The state of a shell while a script is read: its variables, and what was set where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from envcheck.model import Assignment, FileFacts, Parsed, Problem
from envcheck.sources import UNKNOWN
from envcheck.sources.shell_commands import Command
from envcheck.sources.shell_words import NAME, Part, Word
from envcheck.sources.text import nameable

# A problem that begins so stands for a source whose other variables are not certain.
DYNAMIC = "dynamic: "
READ_ONLY = "a variable that is read-only is set or unset here: most shells end there"

_NAMES = {
    "own": (
        "PWD OLDPWD PPID OPTIND OPTARG IFS LINENO PATH PS1 PS2 PS4 MAIL MAILPATH HISTSIZE TERM _ "
        "SHLVL SHELL UID EUID GROUPS RANDOM SECONDS HOSTNAME HOSTTYPE MACHTYPE OSTYPE FUNCNAME "
        "PIPESTATUS SHELLOPTS HOME"
    ),
    "fixed": "PPID OPTIND LINENO UID EUID GROUPS RANDOM SECONDS FUNCNAME SHELLOPTS IFS _",
}

# What a shell gives a value of its own, whatever the file says.
OWN = frozenset(_NAMES["own"].split())
FIXED = frozenset(_NAMES["fixed"].split())

_SPLIT = re.compile(r"[ \t\n]+")
_PATTERN = re.compile(r"[*?\[]")


Read = Callable[[str], FileFacts | None]


class Called(NamedTuple):
    """How a script is called; *complete*: its environment is all that it has, not what is known of it."""

    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    folder: str | None = None
    complete: bool = True


class Piece(NamedTuple):
    """What one file says, as far as the next one is read; `why` makes it a gap."""

    path: str
    parsed: Parsed | None
    why: str = ""
    changed: float = 0.0


class Script(NamedTuple):
    """A script that was read: what it sets, in order, and the command that it ends in."""

    pieces: tuple[Piece, ...]
    command: tuple[str, ...] = ()
    line: int = 0  # of the command
    folder: str | None = None  # where the command is started


class Variable(NamedTuple):
    value: str | None
    exported: bool
    dynamic: bool = False


class Event(NamedTuple):
    path: str
    assignment: Assignment | None = None
    why: str = ""


class State:
    """The state of a shell while a script is read."""

    def __init__(self, called: Called, read: Read | None) -> None:
        self.variables = {n: Variable(v, exported=True) for n, v in called.environment.items()}
        self.arguments: tuple[str, ...] | None = called.arguments
        self.folder = called.folder
        self.read = read
        self.complete = called.complete
        self.allexport = False
        self.bash = False  # it is run by bash, under its own name
        self.ended = False
        self.command: tuple[str, ...] = ()
        self.at = 0
        self.functions: set[str] = set()
        self.kept: set[str] = set()  # what is read-only
        self.events: list[Event] = []
        self.found: list[tuple[str, Problem]] = []
        self.unread: dict[str, int] = {}  # lines that set what nothing has read since
        self.repeated: list[Problem] = []
        self.changed: dict[str, float] = {}
        self.path = ""
        self.depth: int = 0

    # --- the result -----------------------------------------------------------------------------

    def problems(self, path: str) -> list[Problem]:
        return [problem for where, problem in self.found if where == path]

    def pieces(self, changed: Mapping[str, float]) -> tuple[Piece, ...]:
        """Give what was set, file by file: of what is not exported, only that it was unset."""
        found: list[tuple[str, str, list[Assignment]]] = []
        for event in self._kept():
            if event.assignment is None:
                found.append((event.path, event.why, []))
            elif found and found[-1][0] == event.path and not found[-1][1]:
                found[-1][2].append(event.assignment)
            else:
                found.append((event.path, "", [event.assignment]))
        told: set[str] = set()
        pieces: list[Piece] = []
        for path, why, assignments in found:
            problems = () if path in told else tuple(self.problems(path))
            told.add(path)
            parsed = None if why else Parsed(tuple(assignments), problems)
            pieces.append(Piece(path, parsed, why, changed.get(path, 0.0)))
        return tuple(pieces)

    def _kept(self) -> Iterable[Event]:
        last_unset = {
            e.assignment.name: i
            for i, e in enumerate(self.events)
            if e.assignment and e.assignment.value is None and not e.assignment.dynamic
        }
        for index, event in enumerate(self.events):
            name = event.assignment.name if event.assignment else ""
            variable = self.variables.get(name)
            exported = variable is not None and variable.exported
            if not name or exported or index <= last_unset.get(name, -1):
                yield event
        for name in dict.fromkeys(e.assignment.name for e in self.events if e.assignment):
            variable = self.variables.get(name)
            if variable and variable.value is not None and not variable.exported:
                line = [e for e in self.events if e.assignment and e.assignment.name == name][-1]
                number = line.assignment.line if line.assignment else None
                shown = nameable(name)
                self.found.append((line.path, Problem(number, f"{shown} is set, but not exported")))

    # --- assignments ---

    def assign(self, name: str, value: str | None, command: Command, *, export: bool = False) -> None:
        """Set a variable; None leaves its value, and a name that ends in `+` appends to it."""
        if name.endswith("+"):
            name, value = name[:-1], self._appended(name[:-1], value or "")
        if not NAME.fullmatch(name):
            return
        if name in self.kept and value is not None:
            self.gap(READ_ONLY, command.line)
            return
        if name in FIXED:
            self.found.append((self.path, Problem(command.line, f"{name} is the shell's own")))
            value = UNKNOWN
        old = self.variables.get(name, Variable(None, exported=False))
        exported = old.exported or export or self.allexport
        if value is None:
            self.variables[name] = old._replace(exported=exported)
            if not command.certain or (old.value is None and name in OWN):
                self.doubt(name, command)
            return
        dynamic = UNKNOWN in value or not command.certain
        if dynamic and not (command.certain or old.exported or exported):
            exported = False
        self.variables[name] = Variable(value, exported, dynamic)
        self._overwrite(name, command, sure=not dynamic)
        if dynamic:
            self.doubt(name, command)
        else:
            self.events.append(Event(self.path, Assignment(name, value, command.line)))

    def _overwrite(self, name: str, command: Command, *, sure: bool) -> None:
        """Note that what was set before does not count, where nothing can have read it."""
        line = self.unread.pop(name, 0)
        if sure and line:
            message = f"{nameable(name) or 'a variable'} is set again: line {line} does not count"
            self.repeated.append(Problem(command.line, message))
        if sure:
            self.unread[name] = command.line

    def read_by(self, command: Command) -> None:
        """Note what a command reads; what a substitution does is not known."""
        for part in (part for word in command.words for part in word):
            if part.kind == "name":
                self.unread.pop(part.text, 0)
            elif part.kind != "text":
                self.unread.clear()

    def _appended(self, name: str, value: str) -> str:
        """Give the value behind what is there; for other shells than bash it is no assignment."""
        self.unread.pop(name, 0)
        old = self.variables.get(name, Variable(None, exported=False)).value
        known = self.bash and (old is not None or (self.complete and name not in OWN))
        return (old or "") + value if known else UNKNOWN

    def doubt(self, name: str, command: Command) -> None:
        variable = self.variables[name]
        self.variables[name] = variable._replace(value=UNKNOWN, dynamic=True)
        self.events.append(Event(self.path, Assignment(name, None, command.line, dynamic=True)))
        message = f"{nameable(name)}: only running it could tell the value"
        self.found.append((self.path, Problem(command.line, message)))

    def gap(self, what: str, line: int | None) -> None:
        """Note what may change any variable; without a line it is a whole file."""
        why = what if line is None else f"{DYNAMIC}line {line}: {what}"
        self.events.append(Event(self.path, None, why))
        self.found.append((self.path, Problem(line, what if line is None else DYNAMIC + what)))
        self.complete = False
        self.variables = {n: v._replace(value=UNKNOWN, dynamic=True) for n, v in self.variables.items()}


class Expansion(State):
    """How words become text."""

    def text(self, word: Word) -> str:
        """Expand without splitting, as in an assignment."""
        return "".join(self._part(p, i) for i, p in enumerate(word))

    def _part(self, part: Part, index: int) -> str:
        if part.kind == "text":
            tilde = not part.quoted and ((part.text.startswith("~") and not index) or ":~" in part.text)
            return UNKNOWN if tilde else part.text
        if part.kind == "name":
            return self.reference(part)
        if part.kind == "all" and self.arguments is not None and len(self.arguments) < 2:  # noqa: PLR2004
            return "".join(self.arguments)
        return UNKNOWN

    def reference(self, part: Part) -> str:
        if part.value is not None:
            return part.value
        value: str | None
        if part.text.isdigit():
            if self.arguments is None:
                return UNKNOWN
            value = dict(enumerate(self.arguments, 1)).get(int(part.text))
        else:
            variable = self.variables.get(part.text)
            value = variable.value if variable else None
            if value is None and (part.text in OWN or not self.complete):
                return UNKNOWN
        if part.default is not None and (value is None or (part.if_empty and not value)):
            return part.default
        return value or ""

    def fields(self, word: Word) -> list[str]:
        """Expand a word of a command: what is not quoted is split, and a pattern is not known."""
        telling = [p for p in word if p.text or p.kind != "text"]
        if len(telling) == 1 and telling[0].kind == "all":
            if self.arguments is None:
                return [UNKNOWN]
            return [a if telling[0].quoted or not unsafe(a) else UNKNOWN for a in self.arguments]
        found = [""]
        quoted = False
        for index, part in enumerate(word):
            text = self._part(part, index)
            quoted = quoted or part.quoted
            if part.quoted or part.kind == "text":
                found[-1] += UNKNOWN if not part.quoted and _PATTERN.search(text) else text
                continue
            pieces = _SPLIT.split(UNKNOWN if _PATTERN.search(text) else text)
            found[-1] += pieces[0]
            found += pieces[1:]
        return [f for f in found if f or quoted]


def unsafe(value: str) -> bool:
    """Tell whether a value changes where it is split, or taken for a pattern."""
    return bool(_SPLIT.search(value) or _PATTERN.search(value))

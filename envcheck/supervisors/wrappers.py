"""Wrappers between a supervisor and the server: what is exec'd on the way, and what it sets.

Each program takes its own words off the front of the command and says what it does to the environment. A
shell script is read by `sources.shell`; a program that is not known here ends the chain with a gap, because
what it does to the environment could only be guessed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping

from envcheck.model import Applied, Assignment, FileFacts, Parsed, Process, Source, Stage, Start
from envcheck.sources import chain, shell
from envcheck.sources.shell_state import UNKNOWN, Called, Piece
from envcheck.supervisors.known import Known
from envcheck.supervisors.programs import (
    CHPST_VALUED,
    FOLDERS,
    PLAIN,
    SHEBANG,
    SHELLS,
    SUDO,
    daemon,
    ends,
    letters,
    skip,
)

# The environment that a supervisor itself has, and hands on.
INHERITED = "supervisor-environment"

LIMIT = 30  # programs in one chain: one that calls itself has no end


def follow(start: Start, process: Process, known: Known) -> Start:
    """Add the sources of the wrappers in the command of *start*, in the order in which they are applied."""
    if not start.command:
        return start
    done = _Chain(start, process, known)
    done.go()
    return start._replace(
        applied=tuple(done.applied),
        command=tuple(done.command),
        unstartable=start.unstartable or done.unstartable,
        folder=done.folder,
    )


class _Chain:
    """A command as it gets shorter, and what its programs have set so far."""

    def __init__(self, start: Start, process: Process, known: Known) -> None:
        self.applied = list(start.applied)
        self.command = list(start.command)
        self.folder = start.folder or (None if start.folder is None else process.cwd)
        self.process = process
        self.known = known
        self.unstartable = ""
        self.path, self.line, self.changed = start.written or ("the command that is started", 0, 0.0)

    def go(self) -> None:
        for _ in range(LIMIT):
            if not self.command or not self._step():
                return
        self._gap("dynamic: a chain of commands that does not end")

    def _step(self) -> bool:
        """Take one program off the front; False at the end of the chain."""
        first, *words = self.command
        name = posixpath.basename(first)
        if UNKNOWN in first:
            return self._gap("dynamic: what is started is not known")
        if name in PLAIN:
            return self._rest(skip(PLAIN[name], words), name)
        if name in STEPS:
            return self._rest(STEPS[name](self, words), name)
        if name in SHELLS:
            return self._rest(self._shell(words), name)
        if ends(name) or first in self.process.argv[:2]:
            return False
        return self._script(first, words)

    def _rest(self, rest: list[str] | None, name: str) -> bool:
        if rest is None:
            return self._gap(f"dynamic: this use of {name} is not understood")
        self.command = rest
        return True

    def _gap(self, why: str, path: str = "") -> bool:
        where = f" (line {self.line})" if self.line else ""
        source = Source("wrapper", path or self.path, Stage.EXEC)
        self.applied.append(Applied(source, None, self.changed, why + where))
        return False

    # --- what a program sets ----------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Tell whether the environment so far is known, and not only what is set in it."""
        known = any(a.source.kind in (INHERITED, "cleared") for a in self.applied)
        return known and all(a.parsed is not None and not a.parsed.refused for a in self.applied)

    def set(self, assignments: Iterable[tuple[str, str | None]], kind: str = "arguments") -> None:
        """Note what stands in the command itself."""
        made = tuple(
            Assignment(
                n,
                None if v is None or UNKNOWN in v else v,
                self.line,
                dynamic=UNKNOWN in (v or ""),
            )
            for n, v in assignments
        )
        if made or kind == "cleared":
            self.applied.append(Applied(Source(kind, self.path, Stage.EXEC), Parsed(made), self.changed))

    def clear(self) -> None:
        """Start from nothing, as `env -i` does: what could not be read before does not matter any more."""
        names = sorted(chain.values(self.applied))
        self.applied = [a for a in self.applied if a.parsed is not None]
        self.set([(n, None) for n in names], "cleared")

    def folder_of_variables(self, path: str, tool: str) -> None:
        full = self.absolute(path)
        if full is None:
            self._gap(f"dynamic: the folder that {tool} reads is not known")
            return
        source = Source("envdir", full, Stage.EXEC, tool)
        facts = self.known.folder(full)
        done = chain.apply(source, facts, {})
        if done is not None:
            self.applied.append(done)
        if facts is not None and facts.status == "missing":
            self.unstartable = f"there is no folder {full}"

    def absolute(self, path: str) -> str | None:
        if UNKNOWN in path or (not path.startswith("/") and self.folder is None):
            return None
        return posixpath.normpath(posixpath.join(self.folder or "/", path))

    # --- programs ---------------------------------------------------------------------------------

    def env(self, words: list[str]) -> list[str] | None:
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
                self.folder = self.absolute(given or words.pop(0))
            else:
                return None
        if clear:
            self.clear()
        while words and "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            changes.append((name, value))
        self.set(changes)
        return words or None

    def envdir(self, words: list[str]) -> list[str] | None:
        if len(words) < 2 or words[0].startswith("-"):  # noqa: PLR2004
            return None
        self.folder_of_variables(words[0], "daemontools")
        return words[1:]

    def s6_envdir(self, words: list[str]) -> list[str] | None:
        flags = ""
        while words and words[0].startswith("-"):
            flags += words.pop(0)[1:]
        tool = {"": "s6", "fn": "s6-fn"}.get("".join(sorted(flags)))
        if tool is None or len(words) < 2:  # noqa: PLR2004
            return None
        self.folder_of_variables(words[0], tool)
        return words[1:]

    def chpst(self, words: list[str]) -> list[str] | None:
        given = letters(words, CHPST_VALUED)
        if given is None or any(letter == "/" for letter, _ in given):
            return None
        for letter, value in given:
            if letter == "e":
                self.folder_of_variables(value, "chpst")
            elif letter == "U":
                self.set([("UID", UNKNOWN), ("GID", UNKNOWN)])
        return words or None

    def envuidgid(self, words: list[str]) -> list[str] | None:
        self.set([("UID", UNKNOWN), ("GID", UNKNOWN)])
        return words[1:] or None

    def daemon(self, words: list[str]) -> list[str] | None:
        """Find what start-stop-daemon starts: --startas, else --exec, with the words behind `--`."""
        given = daemon(words) or {}
        program = given.get("--startas") or given.get("--exec")
        if "--chdir" in given:
            self.folder = self.absolute(given["--chdir"])
        return [program, *words[1:]] if program else None

    def bundle(self, words: list[str]) -> list[str] | None:
        """`bundle exec` and `rbenv exec` set only what is theirs: see `noise`."""
        return words[1:] if words[:1] == ["exec"] and len(words) > 1 else None

    def privilege(self, words: list[str]) -> list[str] | None:
        """Go on behind sudo: which variables it lets through is decided by its own configuration."""
        self._gap("dynamic: sudo drops what its configuration does not keep")
        return skip(SUDO, words)

    # --- shell ------------------------------------------------------------------------------------

    def _shell(self, words: list[str]) -> list[str] | None:
        code = False
        allexport = False
        while words and words[0].startswith("-") and len(words[0]) > 1:
            word = words.pop(0)
            if word == "--":
                break
            if word.startswith("--") or set(word[1:]) - set("aceux"):
                return None
            code = code or "c" in word
            allexport = allexport or "a" in word
        if not words:
            return None
        if not code:
            facts = self._file(words[0])
            return self._run(words[0], facts, words[1:]) if facts is not None else None
        content = ("set -a;" if allexport else "") + words[0]
        facts = FileFacts("ok", content.encode("utf-8", "surrogateescape"), self.changed)
        return self._run("", facts, words[2:])

    def _script(self, first: str, words: list[str]) -> bool:
        """Read a program that is a shell script; any other is not understood."""
        facts = self._file(first)
        name = posixpath.basename(first)
        if facts is None:
            return self._gap(f"{name} was not read: not known yet, or not found")
        if facts.status != "ok":
            if facts.status == "missing":
                self.unstartable = f"there is no program {first}"
            return self._gap(chain.WHY.get(facts.status, facts.status), self.absolute(first) or first)
        if not SHEBANG.match(facts.content.partition(b"\n")[0]):
            return self._gap(f"dynamic: {name} is not understood")
        return self._rest(self._run(first, facts, words), name)

    def _file(self, program: str) -> FileFacts | None:
        """Find a program by its path, or in PATH."""
        if "/" in program:
            path = self.absolute(program)
            return self.known.file(path) if path else None
        found: FileFacts | None = None
        search = chain.values(self.applied).get("PATH", FOLDERS)
        for folder in [f for f in search.split(":") if f.startswith("/")]:
            found = self.known.file(f"{folder}/{program}")
            if found is None or found.status != "missing":
                self.found_in = folder
                return found
        return found

    def _run(self, program: str, facts: FileFacts, arguments: list[str]) -> list[str] | None:
        """Read a shell script: what it sets, and the command that it ends in."""
        if facts.status != "ok":
            return None
        path = ""
        if program:
            path = (self.absolute(program) if "/" in program else f"{self.found_in}/{program}") or program
        called = Called(chain.values(self.applied), tuple(arguments), self.folder, self.complete)
        done = shell.run(path, facts, called, self.known.file)
        for piece in done.pieces:
            self._piece(piece)
        self.folder = done.folder
        if path:
            self.path, self.line, self.changed = path, done.line, facts.changed
        if not done.command:
            self._gap("dynamic: it does not end in a program that could be told")
            return []
        return list(done.command)

    def _piece(self, piece: Piece) -> None:
        """Add what one file says; a script in an argument stands where the argument stands."""
        parsed, path = piece.parsed, piece.path
        if not path:
            path = self.path
            moved = tuple(a._replace(line=self.line) for a in parsed.assignments) if parsed else ()
            parsed = parsed._replace(assignments=moved) if parsed else None
        source = Source("shell", path, Stage.EXEC, "shell")
        self.applied.append(Applied(source, parsed, piece.changed, piece.why))

    found_in = ""


Step = Callable[[_Chain, list[str]], list[str] | None]

STEPS: Mapping[str, Step] = {
    "env": _Chain.env,
    "envdir": _Chain.envdir,
    "s6-envdir": _Chain.s6_envdir,
    "chpst": _Chain.chpst,
    "envuidgid": _Chain.envuidgid,
    "s6-envuidgid": _Chain.envuidgid,
    "start-stop-daemon": _Chain.daemon,
    "bundle": _Chain.bundle,
    "rbenv": _Chain.bundle,
    "sudo": _Chain.privilege,
}

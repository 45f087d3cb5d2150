"""A command as it gets shorter, and what the programs in it have set so far."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable

from envcheck.model import (
    Applied,
    Assignment,
    FileFacts,
    Parsed,
    Problem,
    Process,
    Source,
    Stage,
    Start,
)
from envcheck.sources import UNKNOWN, chain, envdir
from envcheck.supervisors import accounts
from envcheck.supervisors.ancestry import INHERITED
from envcheck.supervisors.known import Known


class Chain:
    """What is left of a command, and the sources that what was before it has added."""

    def __init__(self, start: Start, process: Process, known: Known) -> None:
        self.applied = list(start.applied)
        self.command = list(start.command)
        self.folder = start.folder or (None if start.folder is None else process.cwd)
        self.process = process
        self.known = known
        self.account = accounts.named(start.user, known) if start.user else None  # None: it is not known
        self.unstartable = ""
        self.found_in = ""  # the folder of PATH that the last program was found in
        self.path, self.line, self.changed = start.written or ("the command that is started", 0, 0.0)

    def rest(self, rest: list[str] | None, name: str) -> bool:
        if rest is None:
            return self.gap(f"dynamic: this use of {name} is not understood")
        self.command = rest
        return True

    def gap(self, why: str, path: str = "") -> bool:
        where = f" (line {self.line})" if self.line else ""
        source = Source("wrapper", path or self.path, Stage.EXEC)
        self.applied.append(Applied(source, None, self.changed, why + where))
        return False

    @property
    def complete(self) -> bool:
        """Tell whether the environment so far is known, and not only what is set in it."""
        known = any(a.source.kind in (INHERITED, "cleared") for a in self.applied)
        return known and all(a.only if a.parsed is None else not a.parsed.refused for a in self.applied)

    @property
    def values(self) -> dict[str, str]:
        """Say what is set so far; what only running something could tell is not known."""
        found = chain.values(self.applied)
        last = {a.name: a for done in self.applied if done.parsed for a in done.parsed.assignments}
        return found | {n: UNKNOWN for n, a in last.items() if a.dynamic}

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

    def clear(self, kept: Collection[str] = ()) -> None:
        """Start from nothing, as `env -i` does: what could not be read before does not matter any more."""
        complete = self.complete
        names = {a.name for done in self.applied if done.parsed for a in done.parsed.assignments}
        self.applied = [a for a in self.applied if a.parsed is not None]
        self.set([(n, None) for n in sorted(names.difference(kept))], "cleared")
        if not complete:
            self.set((n, UNKNOWN) for n in kept)

    def folder_of_variables(self, path: str, tool: str, *, optional: bool = False) -> None:
        full = self.absolute(path)
        if full is None:
            self.gap(f"dynamic: the folder that {tool} reads is not known")
            return
        source = Source("envdir", full, Stage.EXEC, tool, optional)
        facts = self.known.folder(full)
        done = chain.apply(source, facts, {})
        if done is not None:
            self.applied += (self._permitted(done, facts), *chain.left_open(done, facts))
        if facts is not None and facts.status == "missing" and not optional:
            self.unstartable = f"there is no folder {full}"

    def _permitted(self, done: Applied, facts: FileFacts | None) -> Applied:
        """Let a folder be refused where who it is read by may not read all of it."""
        if facts is None or self.account is None:
            return done
        why = f"{self.account.name} may not read it: the program is not started"
        if accounts.is_barred(self.account, facts, accounts.READ | accounts.SEARCH):
            self.unstartable = self.unstartable or f"{done.source.path}: {why}"
            barred = [Problem(None, why)]
        else:
            files = {n: f for n, f in facts.entries.items() if not n.startswith(".") and f.status != "folder"}
            barred = [
                envdir.problem(n, why)
                for n, f in sorted(files.items())
                if accounts.is_barred(self.account, f)
            ]
        if not barred or done.parsed is None:
            return done
        problems = (*barred, *done.parsed.problems)
        return done._replace(parsed=done.parsed._replace(problems=problems, refused=True))

    def absolute(self, path: str) -> str | None:
        if UNKNOWN in path or (not path.startswith("/") and self.folder is None):
            return None
        return posixpath.normpath(posixpath.join(self.folder or "/", path))

"""What a host has answered, and what is still to be asked.

A supervisor module is written as if everything were there already. What is not is noted in `wanted`, the
module goes on without it, and is called again when the host has answered: until nothing new is wanted. So
includes, globs and drop-ins need no rounds of their own, and a host answers in batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from envcheck.model import Answers, FileFacts, Output, Process
from envcheck.opening import DEADLINE

Key = tuple[str, ...]
# `systemctl set-environment` changes it at any time, and nothing tells when.
MEMORY = "the environment of systemd"
# A command would run here, and not where the files are.
NOT_HERE = Output("error")


def root_of(process: Process) -> list[int]:
    """Say in a request as whom files are looked at; the tick tells a later process with that pid apart."""
    return [process.pid, process.ticks]


class Known:
    """One look at the answers; afterwards `wanted` holds what was asked for and not there, as requests."""

    def __init__(self, answers: Answers, root: Sequence[int] = ()) -> None:
        self._answers = answers
        self._root = root  # none: files are those of the host
        self._within: dict[int, Known] = {}
        self.wanted: dict[Key, dict[str, Any]] = {}

    @property
    def wants(self) -> bool:
        return any(part for _, part in self.parts())

    def parts(self) -> Iterator[tuple[int, dict[Key, dict[str, Any]]]]:
        """Give what is wanted: 0 stands for the host, a pid for what that process sees."""
        yield 0, self.wanted
        for pid, known in self._within.items():
            yield pid, known.wanted

    def within(self, process: Process | None) -> Known:
        """Give the files as a process sees them: those of the host, unless it is apart, or nobody is meant.

        What a supervisor names is read as the supervisor sees it, what a program on the way to the server
        names as the server does.
        """
        if process is None or not process.apart:
            return self
        if process.pid not in self._within:
            inside = self._answers.inside.get(process.pid, Answers())
            self._within[process.pid] = Known(inside, root_of(process))
        return self._within[process.pid]

    @property
    def _where(self) -> dict[str, list[int]]:
        return {"root": list(self._root)} if self._root else {}

    def file(self, path: str) -> FileFacts | None:
        """Give a file; None: it is not known yet."""
        if path not in self._answers.files:
            self.wanted["file", path] = {"op": "file", "path": path, **self._where}
        return self._answers.files.get(path)

    def folder(self, path: str) -> FileFacts | None:
        """Give a folder with its files; None: it is not known yet."""
        if path not in self._answers.folders:
            self.wanted["folder", path] = {"op": "folder", "path": path, **self._where}
        return self._answers.folders.get(path)

    def glob(self, pattern: str) -> tuple[str, ...] | None:
        """Give the paths that match, sorted; None: they are not known yet."""
        if pattern not in self._answers.globs:
            self.wanted["glob", pattern] = {"op": "glob", "patterns": [pattern], **self._where}
        return self._answers.globs.get(pattern)

    def writable(self, path: str) -> bool | None:
        """Tell whether who looks may write there; None: it is not known yet."""
        if path not in self._answers.writable:
            self.wanted["access", path] = {"op": "access", "paths": [path]}
        return self._answers.writable.get(path)

    def run(self, *argv: str) -> Output | None:
        """Give what a command prints that changes nothing; None: it has not run yet."""
        if self._root:
            return NOT_HERE
        if argv not in self._answers.outputs:
            self.wanted["run", *argv] = {"op": "run", "argv": list(argv), "timeout": DEADLINE}
        return self._answers.outputs.get(argv)

    def run_for(self, argv: tuple[str, ...], word: str) -> Output | None:
        """Give what a command prints for *word*; it is run once, for the words of all who ask."""
        if self._root:
            return NOT_HERE
        size = len(argv)
        for asked, output in self._answers.outputs.items():
            if asked[:size] == argv and word in asked[size:]:
                return output
        merged = next((k for k in self.wanted if k[: size + 1] == ("run", *argv)), ("run", *argv))
        words = tuple(dict.fromkeys((*merged[size + 1 :], word)))
        self.wanted.pop(merged, None)
        self.wanted["run", *argv, *words] = {"op": "run", "argv": [*argv, *words], "timeout": DEADLINE}
        return None

"""What a host has answered, and what is still to be asked.

A supervisor module is written as if everything were there already. What is not is noted in `wanted`, the
module goes on without it, and is called again when the host has answered: until nothing new is wanted. So
includes, globs and drop-ins need no rounds of their own, and a host answers in batches.
"""

from __future__ import annotations

from typing import Any

from envcheck.model import Answers, FileFacts, Output

Key = tuple[str, ...]


class Known:
    """One look at the answers; afterwards `wanted` holds what was asked for and not there, as requests."""

    DEADLINE = 5.0  # seconds that a command may take

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.wanted: dict[Key, dict[str, Any]] = {}

    def file(self, path: str) -> FileFacts | None:
        """Give a file; None: it is not known yet."""
        if path not in self._answers.files:
            self.wanted["file", path] = {"op": "file", "path": path}
        return self._answers.files.get(path)

    def folder(self, path: str) -> FileFacts | None:
        """Give a folder with its files; None: it is not known yet."""
        if path not in self._answers.folders:
            self.wanted["folder", path] = {"op": "folder", "path": path}
        return self._answers.folders.get(path)

    def glob(self, pattern: str) -> tuple[str, ...] | None:
        """Give the paths that match, sorted; None: they are not known yet."""
        if pattern not in self._answers.globs:
            self.wanted["glob", pattern] = {"op": "glob", "patterns": [pattern]}
        return self._answers.globs.get(pattern)

    def run(self, *argv: str) -> Output | None:
        """Give what a command prints that changes nothing; None: it has not run yet."""
        if argv not in self._answers.outputs:
            self.wanted["run", *argv] = {"op": "run", "argv": list(argv), "timeout": self.DEADLINE}
        return self._answers.outputs.get(argv)

    def run_for(self, argv: tuple[str, ...], word: str) -> Output | None:
        """Give what a command prints for *word*; it is run once, for the words of all who ask."""
        size = len(argv)
        for asked, output in self._answers.outputs.items():
            if asked[:size] == argv and word in asked[size:]:
                return output
        merged = next((k for k in self.wanted if k[: size + 1] == ("run", *argv)), ("run", *argv))
        words = tuple(dict.fromkeys((*merged[size + 1 :], word)))
        self.wanted.pop(merged, None)
        self.wanted["run", *argv, *words] = {"op": "run", "argv": [*argv, *words], "timeout": self.DEADLINE}
        return None

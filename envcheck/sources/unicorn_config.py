"""Unicorn's configuration file, read statically: what it does to ENV, in which hook, and `preload_app`.

The file is Ruby and is never run. A plain string is a value; what depends on anything else is `dynamic`. A
problem is what may set variables that are not named. Order and occasion of the hooks: unicorn/http_server.rb.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.ruby_expressions import Expressions, goes_on, pairs
from envcheck.sources.ruby_plain import plainly
from envcheck.sources.ruby_words import RubyError, Word, words
from envcheck.suspicion import words as names

HOOKS = names("before_exec before_fork after_fork after_worker_ready after_worker_exit")
BLOCKS = names("if unless while until case for begin def class module")
MODIFIERS = names("if unless while until")
LOOPS = names("while until for")
LEAVES = names("return next break")
ASSIGNS = names("= ||= &&= += <<= *= |= -=")
READS = names(
    "fetch key? has_key? include? member? has_value? value? key keys values values_at slice to_h to_hash "
    "to_a dig each each_pair each_key each_value map collect select filter reject find detect any? all? "
    "none? count size length empty? inspect to_s sort sort_by assoc rassoc except sum group_by partition "
    "min_by max_by flat_map filter_map each_with_object reduce inject dup clone"
)
# Libraries that fill ENV from files, and words that run other Ruby code.
LIBRARIES = names("Dotenv Figaro Envied Chamber EnvDir")
RUNS = names("load require_relative eval instance_eval class_eval")
EVALUATES = names("instance_eval class_eval")


class Scanned(NamedTuple):
    parsed: Parsed
    reexec: int | None  # the line where a hook may give the next master another environment or program


def parse(content: bytes) -> Parsed:
    """Say what the file sets; each assignment says by what: `ENV` at the top level, or a hook."""
    return scan(content).parsed


@lru_cache(maxsize=32)
def scan(content: bytes) -> Scanned:
    try:
        found = _Scan(plainly(words(content.decode("utf-8", "surrogateescape"))))
        found.run()
    except RubyError as error:
        return Scanned(Parsed(problems=(Problem(error.line, "cannot be followed from here on"),)), None)
    return Scanned(Parsed(tuple(found.assignments), tuple(found.problems)), found.reexec)


def preload_app(content: bytes) -> bool | None:
    """Tell whether the master loads the application; None: only running the file could tell."""
    plain = re.findall(rb"^preload_app[ \t(]+(true|false)\)?[ \t]*(?:#.*)?$", content, re.MULTILINE)
    mentioned = re.findall(rb"^[^#\n]*preload_app", content, re.MULTILINE)
    if len(plain) != len(mentioned):
        return None  # a condition, or something computed
    return plain[-1] == b"true" if plain else False


def workers(content: bytes) -> int | None:
    """Give how many workers it asks for; None: only running the file could tell."""
    plain = re.findall(rb"^worker_processes[ \t(]+(\d+)\)?[ \t]*(?:#.*)?$", content, re.MULTILINE)
    mentioned = re.findall(rb"^[^#\n]*worker_processes", content, re.MULTILINE)
    if len(plain) != len(mentioned):
        return None  # a condition, or something computed
    return int(plain[-1]) if plain else 1


class _Block(NamedTuple):
    hook: str = ""
    loop: bool = False  # its `do` is still to come
    left: bool = False  # a `return` or the like stands in it: what follows may not be reached


class _Scan(Expressions):
    """One pass over the words, with the blocks that are open."""

    def __init__(self, found: list[Word]) -> None:
        super().__init__(found)
        self.assignments: list[Assignment] = []
        self.problems: list[Problem] = []
        self.reexec: int | None = None
        self.blocks: list[_Block] = [_Block()]

    def run(self) -> None:
        at, start, hook = 0, True, ""
        while at < len(self.words):
            word = self.words[at]
            if word.kind == "newline" or self.text(at) == ";":
                start, at = start or not goes_on(self.word(at - 1)), at + 1
                continue
            opened = self._block(at, start=start, hook=hook)
            if not opened and word.kind in ("name", "symbol"):
                self._name(at, start=start)
            hook = word.text if word.kind == "name" and word.text in HOOKS and start else ""
            start = opened or self.text(at) in ("then", "else", "ensure") or (start and self.text(at) == "::")
            at += 1
            if opened and self.text(at) == "|":
                while self.text(at := at + 1) != "|" and at < len(self.words):
                    pass
                at += 1
        if len(self.blocks) > 1:
            raise RubyError(self.word(len(self.words) - 1).line)

    # --- blocks ---------------------------------------------------------------------------------------

    def _block(self, at: int, *, start: bool, hook: str) -> bool:
        """Open or close a block; tell whether a statement may begin behind the word."""
        text = self.text(at)
        before = self.text(at - 1)
        if before in (".", "&.", "def"):
            return False
        if text in ("do", "{"):
            if text == "do" and self.blocks[-1].loop:
                self.blocks[-1] = self.blocks[-1]._replace(loop=False)
            else:
                self.blocks.append(_Block(hook))
            return True
        if text in ("(", "["):
            self.blocks.append(_Block())
        elif text in ("end", "}", ")", "]"):
            if len(self.blocks) == 1:
                raise RubyError(self.words[at].line)
            self.blocks.pop()
        elif text in BLOCKS and (start or text not in MODIFIERS or goes_on(self.word(at - 1))):
            self.blocks.append(_Block(loop=text in LOOPS))
            return text == "begin"
        elif self.words[at].kind == "newline":
            self.blocks[-1] = self.blocks[-1]._replace(loop=False)
        elif text in LEAVES:
            self._leave()
        return False

    def _leave(self) -> None:
        """Mark the hook, or the file, that may be left here."""
        inner = max((i for i, b in enumerate(self.blocks) if b.hook), default=0)
        self.blocks[inner] = self.blocks[inner]._replace(left=True)

    @property
    def by(self) -> str:
        return next((b.hook for b in reversed(self.blocks) if b.hook), "ENV")

    @property
    def certain(self) -> bool:
        """Tell whether what stands here is run, once, in any case."""
        own = self.blocks[1:]
        return not self.blocks[0].left and (
            not own or (len(own) == 1 and bool(own[0].hook) and not own[0].left)
        )

    # --- statements -----------------------------------------------------------------------------------

    def _name(self, at: int, *, start: bool) -> None:
        text, before = self.text(at), self.text(at - 1)
        called = before in (".", "&.")
        if text == "ENV":
            self._env(at, start=start)
        elif text == "START_CTX":
            self.reexec = self.words[at].line
        elif text in LIBRARIES and self.text(at + 1) in (".", "::"):
            self._doubt(at, f"runs {text}.{self.word(at + 2).text}")
        elif text in RUNS and (not called or text in EVALUATES) and before != "def":
            self._doubt(at, f"runs other code ({text})")
        elif text == "require" and not called:
            library = self.word(at + 2 if self.text(at + 1) == "(" else at + 1).text
            if library.startswith("dotenv") and library != "dotenv":
                self._doubt(at, f"loads {library}")

    def _doubt(self, at: int, what: str) -> None:
        line = self.words[at].line
        if self.by == "before_exec":
            self.reexec = line
        else:
            self.problems.append(Problem(line, what))

    def _env(self, at: int, *, start: bool) -> None:
        follows, method = self.text(at + 1), self.text(at + 2)
        if follows == "[" and not self.word(at + 1).spaced:
            self._element(at, start=start)
        elif follows in (".", "&."):
            if method in ("delete", "store"):
                self._call(at, start=start)
            elif method in ("update", "merge!"):
                self._update(at, start=start)
            elif method == "[" or method not in READS:
                self._doubt(at, f"calls ENV.{method}")
        else:
            self._doubt(at, "hands ENV on")

    def _element(self, at: int, *, start: bool) -> None:
        """`ENV[...]`, with an assignment behind it or not."""
        end = self.closing(at + 1)
        operator = self.text(end + 1)
        together = start and operator == ","
        if operator not in ASSIGNS and not together:
            return
        key = self.word(at + 2)
        if key.kind != "string" or end != at + 3:
            self._doubt(at, "sets a variable whose name is computed")
            return
        plain = start and operator in ("=", "||=")
        self._set(at, key.text, self.value(end + 2) if plain else None, start=start, keeps=operator == "||=")

    def _call(self, at: int, *, start: bool) -> None:
        """`ENV.delete("X")` and `ENV.store("X", "value")`, with or without brackets."""
        first = at + (4 if self.text(at + 3) == "(" else 3)
        key = self.word(first)
        if key.kind != "string":
            self._doubt(at, "sets a variable whose name is computed")
        elif self.text(at + 2) == "delete":
            closed = first + (2 if first == at + 4 else 1)
            self._set(at, key.text, (None,) if self.ends(closed) else None, start=start)
        else:
            value = self.word(first + 2)
            closed = first + (4 if first == at + 4 else 3)
            known = value.kind == "string" and self.ends(closed)
            self._set(at, key.text, (value.text,) if known else None, start=start)

    def _update(self, at: int, *, start: bool) -> None:
        """`ENV.update("X" => "value", ...)`: names that are no plain strings leave it open what is set."""
        first, last = at + 3, self.line_end(at + 3)
        ended = self.ends(last)
        if self.text(first) == "(":
            last = self.closing(first)
            first, ended = first + 1, self.ends(last + 1)
        if self.text(first) == "{" and self.closing(first) == last - 1:
            first, last = first + 1, last - 1
        inside = [w for w in self.words[first:last] if w.kind != "newline"]
        found = list(pairs(inside))
        if not found or any(key is None for key, _ in found):
            self._doubt(at, f"calls ENV.{self.text(at + 2)} with names that are computed")
            return
        for key, value in found:
            known = (value.text,) if value is not None and ended else None
            if key is not None:
                self._set(self.words.index(key, at), key.text, known, start=start)

    def _set(
        self,
        at: int,
        name: str,
        value: tuple[str | None] | None,
        *,
        start: bool,
        keeps: bool = False,
    ) -> None:
        """Note one variable; *value* is None where it is not known."""
        by, line = self.by, self.words[at].line
        if by == "before_exec":
            self.reexec = line
        known = value if value is not None and start and self.certain else None
        if known is None:
            self.assignments.append(Assignment(name, "", line, dynamic=True, by=by))
        else:
            self.assignments.append(Assignment(name, known[0], line, by=by, keeps=keeps))

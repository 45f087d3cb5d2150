"""Ruby text into words: enough of its lexer to tell strings, comments and code apart. Nothing is run.

Ruby: parse.y, doc/syntax/literals.rdoc. Where a word cannot be told, the text is given up whole: RubyError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from envcheck.suspicion import pattern
from envcheck.suspicion import words as names


class RubyError(Exception):
    """The text cannot be followed from *line* on."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class Word(NamedTuple):
    # string, words (%w), computed (a string that is no plain one), name, number, symbol, label, mark, newline
    kind: str
    text: str  # of a string its value; of a computed one nothing
    line: int
    spaced: bool = False  # blanks stand before it


COMMENT = r"(?ms)^=begin\b.*?^=end\b[^\n]*$"
HEREDOC = r"<<([~-]?)(['\"`]?)([A-Za-z_]\w*)\2"
NAME = r"[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*[?!]?(?!=[^=~>])|[A-Za-z_]\w*"
NUMBER = r"\d[\w.]*(?<!\.)"
SYMBOL = r":[A-Za-z_]\w*[?!=]?"
PERCENT = r"%([qQwWiIrxs]?)([^\w\s])"
MARKS = names(
    "||= &&= **= <<= >>= ... <=> === || && => == != >= <= =~ !~ += -= *= /= %= |= &= ^= << >> :: &. .. -> **"
)
LONGEST_MARK = 3
CLOSES = {"(": ")", "[": "]", "{": "}", "<": ">"}
# Behind these a quote, a slash or a percent sign begins a literal.
BEFORE_VALUE = names("if unless while until and or not return when in do then else elsif case")


def words(text: str) -> list[Word]:
    """Split a Ruby text; comments and what stands behind `__END__` are left out."""
    text = pattern(r"(?m)^__END__$").split(text, maxsplit=1)[0]
    text = pattern(COMMENT).sub(lambda found: "\n" * found[0].count("\n"), text)
    return list(_Lexer(text))


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1
        self.before: Word | None = None
        self.heredocs: list[tuple[bool, str]] = []

    def __iter__(self) -> Iterator[Word]:
        while self.at < len(self.text):
            spaced = self._blanks()
            if self.at >= len(self.text):
                return
            word = self._next(spaced=spaced)._replace(spaced=spaced)
            self.before = word
            yield word

    def _blanks(self) -> bool:
        start = self.at
        found = pattern(r"(?:[ \t\r\f\v]|\\\r?\n)*(?:#[^\n]*)?").match(self.text, self.at)
        if found:
            self.line += found[0].count("\n")
            self.at = found.end()
        return self.at > start

    def _next(self, *, spaced: bool) -> Word:
        text, at, line = self.text, self.at, self.line
        first = text[at]
        if first == "\n":
            return self._newline()
        if first in "'\"`":
            self.at += 1
            word = self._quoted(first, first, plain=first == "'")
            label = text.startswith(":", self.at) and not text.startswith("::", self.at)
            if label and first != "`":
                self.at += 1
                return word._replace(kind="label")
            return word._replace(kind="computed", text="") if first == "`" else word
        value = self._value_may_begin(spaced=spaced)
        if value and (found := pattern(HEREDOC).match(text, at)):
            self.at = found.end()
            self.heredocs.append((bool(found[1]), found[3]))
            return Word("computed", "", line)
        if value and (found := pattern(PERCENT).match(text, at)):
            self.at = found.end()
            word = self._quoted(found[2], CLOSES.get(found[2], found[2]), plain=found[1] == "q")
            if found[1] in ("w", "W") and word.kind == "string":
                return word._replace(kind="words")
            return word if found[1] in ("", "q", "Q") else word._replace(kind="computed", text="")
        if value and first == "/":
            self.at += 1
            return self._quoted("/", "/", plain=False)._replace(kind="computed", text="")
        if value and (found := pattern(r"\?[^\s\w](?!\w)|\?\w(?!\w)").match(text, at)):
            return self._take("string", found.end(), found[0][1:])
        if not text.startswith("::", at) and (found := pattern(SYMBOL).match(text, at)):
            return self._take("symbol", found.end())
        return self._plain()

    def _plain(self) -> Word:
        text, at = self.text, self.at
        if found := pattern(NAME).match(text, at):
            if pattern(r":(?!:)").match(text, found.end()) and not self._is_ternary():
                return self._take("label", found.end() + 1, found[0])
            return self._take("name", found.end())
        if found := pattern(NUMBER).match(text, at):
            return self._take("number", found.end())
        sizes = range(LONGEST_MARK, 1, -1)
        mark = next((m for n in sizes if (m := text[at : at + n]) in MARKS), text[at])
        return self._take("mark", at + len(mark))

    def _is_ternary(self) -> bool:
        return self.before is not None and self.before.text == "?"

    def _take(self, kind: str, end: int, text: str | None = None) -> Word:
        word = Word(kind, self.text[self.at : end] if text is None else text, self.line)
        self.at = end
        return word

    def _newline(self) -> Word:
        word = Word("newline", "", self.line)
        self.at, self.line = self.at + 1, self.line + 1
        for indented, name in self.heredocs:
            blanks = r"[ \t]*" if indented else ""
            end = re.compile(rf"^{blanks}{re.escape(name)}\r?$", re.MULTILINE).search(self.text, self.at)
            if end is None:
                raise RubyError(word.line)
            self.line += self.text.count("\n", self.at, end.end())
            self.at = end.end()
        self.heredocs = []
        return word

    def _value_may_begin(self, *, spaced: bool) -> bool:
        """Tell whether a value, not an operator, is to come: behind a name only a blank in front tells."""
        before = self.before
        if before is None or before.kind in ("newline", "label"):
            return True
        if before.kind == "name" and before.text not in BEFORE_VALUE:
            follows = self.text[self.at + 1 : self.at + 2]
            return spaced and not follows.isspace() and follows != "="
        return before.kind == "name" or (before.kind == "mark" and before.text not in (")", "]", "}"))

    def _quoted(self, opens: str, closes: str, *, plain: bool) -> Word:
        """Read up to the closing mark; anything but plain text and `\\\\`, `\\'` makes it computed."""
        value: list[str] = []
        line, depth, computed = self.line, 0, False
        text = self.text
        while self.at < len(text):
            char = text[self.at]
            if char == "\\":
                escaped = text[self.at + 1 : self.at + 2]
                kept = plain and escaped in ("\\", opens, closes)
                computed = computed or not plain
                value.append(escaped if kept else char + escaped)
                self.line += escaped == "\n"
                self.at += 2
                continue
            if char == "#" and not plain and text[self.at + 1 : self.at + 2] in ("{", "@", "$"):
                computed = True
                if text[self.at + 1] == "{":
                    self._interpolation()
                    continue
            if char == closes and depth == 0:
                self.at += 1
                return Word("computed", "", line) if computed else Word("string", "".join(value), line)
            depth += (char == opens and opens != closes) - (char == closes)
            self.line += char == "\n"
            value.append(char)
            self.at += 1
        raise RubyError(line)

    def _interpolation(self) -> None:
        """Skip `#{...}` with the words in it."""
        self.at += 2
        inner = _Lexer(self.text)
        inner.at, inner.line = self.at, self.line
        depth = 0
        for word in inner:
            depth += (word == ("mark", "{", word.line, word.spaced)) - (
                word.kind == "mark" and word.text == "}"
            )
            if depth < 0:
                self.at, self.line = inner.at, inner.line
                return
        raise RubyError(self.line)

"""Expressions of Ruby in a list of words: where they end, and those that are plain strings."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.sources.ruby_words import RubyError, Word

NEWLINE = Word("newline", "", 0)


class Expressions:
    """The words of a file, by their places."""

    def __init__(self, found: list[Word]) -> None:
        self.words = found

    def word(self, at: int) -> Word:
        return self.words[at] if 0 <= at < len(self.words) else NEWLINE

    def text(self, at: int) -> str:
        """Give a name or mark; "" for a string, whatever it says."""
        word = self.word(at)
        return word.text if word.kind in ("name", "mark") else ""

    def value(self, at: int) -> tuple[str | None] | None:
        """Give what stands behind `=`, if it is one plain string, or nil, and nothing more."""
        while self.word(at).kind == "newline" and at < len(self.words):
            at += 1
        word = self.word(at)
        end = at + 3 if (self.text(at + 1), self.text(at + 2)) == (".", "freeze") else at + 1
        if not self.ends(end):
            return None
        if word.kind == "string":
            return (word.text,)
        return (None,) if self.text(at) == "nil" else None

    def ends(self, at: int) -> bool:
        """Tell whether a statement ends here; a line that begins with a dot goes on."""
        if at >= len(self.words) or self.text(at) in (";", "}", "end"):
            return True
        if self.word(at).kind != "newline":
            return False
        while self.word(at).kind == "newline" and at < len(self.words):
            at += 1
        return self.text(at) not in (".", "&.")

    def closing(self, at: int) -> int:
        """Give the place of the bracket that closes the one at *at*."""
        depth = 0
        for index in range(at, len(self.words)):
            depth += (self.text(index) in ("(", "[", "{")) - (self.text(index) in (")", "]", "}"))
            if depth == 0:
                return index
        raise RubyError(self.words[at].line)

    def line_end(self, at: int) -> int:
        depth = 0
        for index in range(at, len(self.words)):
            depth += (self.text(index) in ("(", "[", "{")) - (self.text(index) in (")", "]", "}"))
            if depth < 0:
                return index
            if depth == 0 and self.words[index].kind == "newline" and not goes_on(self.word(index - 1)):
                return index
        return len(self.words)


def pairs(inside: list[Word]) -> Iterator[tuple[Word | None, Word | None]]:
    """Split `"X" => "value", ...`: key and value are None where they are more than one plain string."""
    part: list[Word] = []
    depth = 0
    for word in [*inside, Word("mark", ",", 0)]:
        mark = word.text if word.kind == "mark" else ""
        depth += (mark in ("(", "[", "{")) - (mark in (")", "]", "}"))
        if mark != "," or depth:
            part.append(word)
            continue
        if part:
            arrow = len(part) > 1 and (part[1].kind, part[1].text) == ("mark", "=>")
            key = part[0] if arrow and part[0].kind == "string" else None
            value = part[2:]
            yield key, value[0] if len(value) == 1 and value[0].kind == "string" else None
        part = []


def goes_on(word: Word) -> bool:
    """Tell whether a line cannot end behind this word."""
    return word.kind == "mark" and word.text not in (")", "]", "}", "|", ";")

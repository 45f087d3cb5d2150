"""Shell scripts as simple commands, each with what decides whether it is reached.

Source of the knowledge: POSIX.1-2017, Shell Command Language, 2.9 and 2.10, held against dash 0.5.12.
"""

from __future__ import annotations

from typing import NamedTuple

from envcheck.sources.shell_words import Lexer, Token, Word, assignment, plain

_REDIRECTIONS = frozenset({"<<-", "<<", ">>", "<&", ">&", "<>", ">|", "<", ">"})
_SILENT_OPENERS = frozenset({"if", "while", "until", "{"})  # a command follows at once
_OPENERS = frozenset({"for", "case"})
_CLOSERS = frozenset({"fi", "esac", "done", "}"})
_BODY = " of a function"
_BETWEEN = frozenset({"then", "else", "elif", "do", "!"})


class Command(NamedTuple):
    """A simple command. `certain`: it is reached whatever happens, in the shell itself."""

    words: tuple[Word, ...]
    line: int
    certain: bool
    depth: int
    after: str  # the operator or reserved word before it
    redirected: bool = False
    body: bool = False  # it is part of a function


def commands(text: str) -> list[Command]:
    """Split a script into its simple commands; raises Unreadable."""
    return _Splitter(Lexer(text).tokens()).commands()


class _Splitter:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.open: list[str] = []  # the compound commands that have begun and not ended
        self.found: list[Command] = []
        self.after = "\n"
        self.words: list[Word] = []
        self.line = 0
        self.redirected = False
        self.naming = False  # the name of a function follows: `function NAME {`
        self.defining = False  # the body of a function follows

    def commands(self) -> list[Command]:
        index = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            index += 1
            if token.word is not None:
                self._take(token.word, token.line)
            elif token.operator in _REDIRECTIONS:
                self.redirected = True
                self.line = self.line or token.line
                index += 1  # the file, or the number
            else:
                self._end(token.operator)
        self._end("\n")
        return self.found

    def _take(self, word: Word, line: int) -> None:
        """Take a word: at the beginning of a command it may be a reserved one."""
        reserved = (plain(word) if not self.words else None) or ""
        if reserved == "function" or self.naming:
            self.naming = not self.naming
            if not self.naming:
                self.words, self.line = [word], line
                self._end("()")
            return
        if reserved in _BETWEEN or reserved in _SILENT_OPENERS or reserved in _CLOSERS:
            if reserved in _SILENT_OPENERS:
                self.open.append(reserved + _BODY * self.defining)
            elif reserved in _CLOSERS and self.open:
                self.open.pop()
            self.after, self.defining = reserved, False
            return
        if reserved in _OPENERS:
            self.open.append(reserved)
        self.line = self.line or line
        self.defining = False
        self.words.append(word)

    def _end(self, operator: str) -> None:
        had = bool(self.words) or self.redirected
        if had:
            lost = operator in ("|", "&") or self.after in ("&&", "||", "|")
            certain = not self.open and not lost and operator != "("
            after = "()" if operator in ("(", "()") else self.after
            self.defining = after == "()" and not (self.words and assignment(self.words[0]))
            body = any(opener.endswith(_BODY) for opener in self.open)
            words, depth = tuple(self.words), len(self.open)
            self.found.append(Command(words, self.line, certain, depth, after, self.redirected, body))
        if had or operator != "\n":
            self.after = operator
        self.words, self.line, self.redirected = [], 0, False
        if operator == "(":
            self.open.append("(" + _BODY * (self.defining and not had))
            self.defining = self.defining and had
        elif operator == ")" and self.open and self.open[-1].startswith("("):
            self.open.pop()

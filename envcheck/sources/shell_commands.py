"""Shell scripts as simple commands, each with what decides whether it is reached.

Source of the knowledge: POSIX.1-2017, Shell Command Language, 2.9 and 2.10, held against dash 0.5.12.
"""

from __future__ import annotations

from typing import NamedTuple

from envcheck.sources.shell_words import Lexer, Token, Word, plain

_REDIRECTIONS = frozenset({"<<-", "<<", ">>", "<&", ">&", "<>", ">|", "<", ">"})
_SILENT_OPENERS = frozenset({"if", "while", "until", "{"})  # a command follows at once
_OPENERS = frozenset({"for", "case"})
_CLOSERS = frozenset({"fi", "esac", "done", "}"})
_BETWEEN = frozenset({"then", "else", "elif", "do", "!"})


class Command(NamedTuple):
    """A simple command. `certain`: it is reached whatever happens, in the shell itself."""

    words: tuple[Word, ...]
    line: int
    certain: bool
    depth: int
    after: str  # the operator or reserved word before it
    redirected: bool = False


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
        if reserved in _BETWEEN or reserved in _SILENT_OPENERS or reserved in _CLOSERS:
            if reserved in _SILENT_OPENERS:
                self.open.append(reserved)
            elif reserved in _CLOSERS and self.open:
                self.open.pop()
            self.after = reserved
            return
        if reserved in _OPENERS:
            self.open.append(reserved)
        self.line = self.line or line
        self.words.append(word)

    def _end(self, operator: str) -> None:
        had = bool(self.words) or self.redirected
        if had:
            lost = operator in ("|", "&") or self.after in ("&&", "||", "|")
            certain = not self.open and not lost and operator != "("
            after = "()" if operator == "(" else self.after
            self.found.append(
                Command(tuple(self.words), self.line, certain, len(self.open), after, self.redirected)
            )
        if had or operator != "\n":
            self.after = operator
        self.words, self.line, self.redirected = [], 0, False
        if operator == "(":
            self.open.append("(")
        elif operator == ")" and self.open and self.open[-1] == "(":
            self.open.pop()

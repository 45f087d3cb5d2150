"""Shell scripts as words and operators: what POSIX calls tokens; nothing is expanded here.

Source of the knowledge: POSIX.1-2017, Shell Command Language, 2.2 to 2.10, held against dash 0.5.12.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(
    r"\{([A-Za-z_][A-Za-z0-9_]*|[1-9])(?:(:?[-=])([^${}`\\'\"\s*?\[~]*))?\}|([A-Za-z_][A-Za-z0-9_]*|[1-9])"
)
_SETS = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*):?=")  # with a default that is not plain text
_OPERATORS = (
    "&&",
    "||",
    ";;",
    "<<-",
    "<<",
    ">>",
    "<&",
    ">&",
    "<>",
    ">|",
    ";",
    "&",
    "|",
    "(",
    ")",
    "<",
    ">",
    "\n",
)


class Unreadable(Exception):  # noqa: N818 - it is no fault of the program
    """A quote, or an expansion, that does not end."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Part(NamedTuple):
    """A piece of a word."""

    kind: str  # text, name (a reference), all ("$@"), dynamic
    text: str
    quoted: bool = False
    default: str | None = None  # of ${NAME:-default}
    if_empty: bool = False  # the default counts for an empty value too
    sets: str = ""  # the variable that is given the default: ${NAME:=default}
    value: str | None = None  # of a reference, where it was expanded already


Word = tuple[Part, ...]


class Token(NamedTuple):
    line: int
    word: Word | None = None
    operator: str = ""


def plain(word: Word) -> str | None:
    """Give a word that is nothing but unquoted text."""
    return "".join(p.text for p in word) if all(p.kind == "text" and not p.quoted for p in word) else None


def literal(word: Word) -> str | None:
    """Give a word that is nothing but text: quotes do not make another command, or another name, of it."""
    return "".join(p.text for p in word) if word and all(p.kind == "text" for p in word) else None


class Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.pending: list[tuple[str, bool]] = []  # here-documents whose text is still to come

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
                self.line += 1
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif operator := next((o for o in _OPERATORS if self.text.startswith(o, self.at)), ""):
                self.at += len(operator)
                found.append(Token(self.line, operator=operator))
                if operator == "\n":
                    self.line += 1
                    self._skip_documents()
            else:
                token = Token(self.line, self._word())
                if (plain(token.word or ()) or "").isdigit() and self.text[self.at : self.at + 1] in (
                    "<",
                    ">",
                ):
                    continue  # the number of a descriptor
                found.append(token)
                if len(found) > 1 and found[-2].operator in ("<<", "<<-"):
                    end_word = "".join(p.text for p in found[-1].word or ())
                    self.pending.append((end_word, found[-2].operator == "<<-"))
        return found

    def _skip_documents(self) -> None:
        for end, tabs in self.pending:
            while self.at < len(self.text):
                line, newline, _ = self.text[self.at :].partition("\n")
                self.at += len(line) + len(newline)
                self.line += 1
                if (line.lstrip("\t") if tabs else line) == end:
                    break
        self.pending = []

    def _word(self) -> Word:
        parts: list[Part] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\n;&|()<>":
                break
            if char == "\\":
                self._escaped(parts)
            elif char == "'":
                self._single(parts)
            elif char == '"':
                self._double(parts)
            elif char in "$`":
                self._expansion(parts, quoted=False)
            else:
                self.at += 1
                _add(parts, char, quoted=False)
        return tuple(parts)

    def _escaped(self, parts: list[Part]) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "\n":
            self.line += 1
        else:
            _add(parts, following or "\\", quoted=True)
        self.at += 2

    def _single(self, parts: list[Part]) -> None:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise Unreadable(self.line)
        inside = self.text[self.at + 1 : end]
        self.line += inside.count("\n")
        _add(parts, inside, quoted=True)
        self.at = end + 1

    def _double(self, parts: list[Part]) -> None:
        begin, self.at = self.line, self.at + 1
        _add(parts, "", quoted=True)
        while True:
            char = self.text[self.at : self.at + 1]
            if not char:
                raise Unreadable(begin)
            if char == '"':
                self.at += 1
                return
            if char in "$`":
                self._expansion(parts, quoted=True)
                continue
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n"):
                self.at += 1
                char = self.text[self.at]
                if char == "\n":
                    self.line += 1
                    self.at += 1
                    continue
            self.line += char == "\n"
            _add(parts, char, quoted=True)
            self.at += 1

    def _expansion(self, parts: list[Part], *, quoted: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if self.text[self.at] == "$" and following == "@":
            parts.append(Part("all", "", quoted))
            self.at += 2
        elif self.text[self.at] == "$" and (match := _REFERENCE.match(self.text, self.at + 1)):
            name, sign = match[1] or match[4], match[2] or ""
            sets = name if sign.endswith("=") else ""
            parts.append(Part("name", name, quoted, match[3], sign.startswith(":"), sets))
            self.at = match.end()
        elif self.text[self.at] == "$" and following in (
            "",
            " ",
            "\t",
            "\n",
            '"',
            "/",
            ":",
            "=",
            ".",
            ",",
            "%",
            "+",
        ):
            _add(parts, "$", quoted=quoted)
            self.at += 1
        else:
            sets = _SETS.match(self.text, self.at + 1) if self.text[self.at] == "$" else None
            parts.append(Part("dynamic", "", quoted, sets=sets[1] if sets else ""))
            self._skip_expansion(following)

    def _skip_expansion(self, following: str) -> None:
        """Go behind `...`, $(...), ${...} or a special parameter; the text of it is of no interest."""
        begin = self.line
        if self.text[self.at] == "`":
            end = self.text.find("`", self.at + 1)
        elif following == "'":
            end = self.text.find("'", self.at + 2)
        elif following in ("(", "{"):
            end = self._closing(following, ")" if following == "(" else "}")
        else:
            end = self.at + 1
        if end < 0:
            raise Unreadable(begin)
        self.line += self.text.count("\n", self.at, end)
        self.at = end + 1

    def _closing(self, opener: str, closer: str) -> int:
        depth, quote, at = 0, "", self.at + 1
        while at < len(self.text):
            char = self.text[at]
            if char == "\\" and quote != "'":
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char in (opener, closer):
                depth += 1 if char == opener else -1
                if not depth:
                    return at
            at += 1
        return -1


def _add(parts: list[Part], text: str, *, quoted: bool) -> None:
    if parts and parts[-1].kind == "text" and parts[-1].quoted is quoted:
        parts[-1] = parts[-1]._replace(text=parts[-1].text + text)
    else:
        parts.append(Part("text", text, quoted))


def assignment(word: Word) -> tuple[str, Word] | None:
    """Split NAME=VALUE, or NAME+=VALUE: the name and the sign have to be unquoted text."""
    if not word or word[0].kind != "text" or word[0].quoted:
        return None
    name, sign, rest = word[0].text.partition("=")
    if not sign or not NAME.fullmatch(name.removesuffix("+")):
        return None
    return name, ((word[0]._replace(text=rest),) if rest else ()) + word[1:]


def argument(word: Word) -> tuple[str, Word | None]:
    """Split NAME=VALUE, or NAME alone, as `export` is given it: quotes make no difference to the name."""
    name = ""
    for index, part in enumerate(word):
        if part.kind != "text":
            return "", None
        head, sign, rest = part.text.partition("=")
        name += head
        if sign:
            return name, ((part._replace(text=rest),) if rest or part.quoted else ()) + word[index + 1 :]
    return name, None

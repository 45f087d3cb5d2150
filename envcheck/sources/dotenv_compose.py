"""`.env` and `env_file` of Docker Compose.

Source of the knowledge: compose-go dotenv/parser.go and template/template.go, and their recorded cases. A
malformed line refuses the whole file; `$` expands unless single quotes are around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import Lines, decode, nameable

LIMIT = 16 * 1024 * 1024  # of characters looked at in values: references may double a value line by line
DEPTH = 50  # of defaults in defaults

_BLANKS = "\t\v\f\r \x85\xa0"  # `isSpace` of parser.go
# As Go's unicode.IsSpace, which is not str.isspace.
_SPACES = f"{_BLANKS}\n\u1680{''.join(map(chr, range(0x2000, 0x200B)))}\u2028\u2029\u202f\u205f\u3000"
_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_IGNORED = re.compile(rf"(?:[{_SPACES}]+|#[^\n]*(?:\n|\Z))*")
_NAME_SIGNS = frozenset("_.-[]" + _BLANKS)
_QUOTED = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL),
}
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
# As DefaultPattern of template.go: a `$` before anything else stays as it is.
_REFERENCE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{)")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\}|(:?[-+?]))")
_BRACE = re.compile(r"\{.?|\}", re.DOTALL)


class _Error(Exception):
    """compose refuses the file."""


def parse(content: bytes, known: Mapping[str, str]) -> Parsed:
    """Say what a file sets; what is *known* beats what the file itself has set, where it is referred to."""
    return _Parser(decode(content.removeprefix(b"\xef\xbb\xbf")), known).parse()


class _Parser:
    def __init__(self, text: str, known: Mapping[str, str]) -> None:
        self.text = text
        self.at = 0
        self.known = known
        self.values: dict[str, str] = {}
        self.length = 0

    def parse(self) -> Parsed:
        lines = Lines(self.text)
        assignments: list[Assignment] = []
        problems: list[Problem] = []
        while (start := self._next()) < len(self.text):
            line = lines.of(start)
            try:
                name, bare = self._name()
                value = self.known.get(name) if bare else self._value()
            except _Error as error:
                return Parsed((), (Problem(line, f"{error}: compose refuses the file"),), refused=True)
            if value is None:
                shown = nameable(name)
                problems.append(Problem(line, f"{shown or 'a name'} without a value: taken from the caller"))
                continue
            self.values[name] = value
            assignments.append(Assignment(name, value, line))
        return Parsed(tuple(assignments), tuple(problems))

    def _next(self) -> int:
        """Skip blanks, empty lines and comments."""
        match = _IGNORED.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _BLANKS:
            self.at += 1

    def _name(self) -> tuple[str, bool]:
        """Read a name, and whether it stands alone: its value is then that of the caller."""
        if _EXPORT.match(self.text, self.at):
            self.at += len("export")
            self._skip()
        start = self.at
        for at in range(start, len(self.text)):
            sign = self.text[at]
            if sign in "=:\n":
                name = self.text[start:at].rstrip(_SPACES)
                self.at = at + 1
                self._skip()
                if " " in name:
                    raise _Error("a blank in a name")
                return name, sign == "\n"
            if sign not in _NAME_SIGNS and unicodedata.category(sign)[0] not in "LN":
                raise _Error("a sign that no name may hold")
        if start == len(self.text):
            raise _Error("an export of nothing")
        # Without any end the rest is the value of a variable without a name.
        self._skip()
        return "", False

    def _value(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote not in _QUOTED:
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            value = self.text[self.at : end].partition(" #")[0].rstrip(_SPACES)
            self.at = end + 1
            return self._expand(value)
        match = _QUOTED[quote].match(self.text, self.at)
        if match is None:
            raise _Error("a quote is not closed")
        self.at = match.end()
        value = re.sub(
            rf"\\(\\|{quote}|.)", lambda m: quote if m[1] == quote else m[0], match[1], flags=re.DOTALL
        )
        return self._expand(_ESCAPE.sub(_unescaped, value)) if quote == '"' else value

    def _expand(self, value: str, depth: int = 0) -> str:
        """Expand `$NAME`, `${NAME}`, and `${NAME:-default}` with its kin; `$$` is a dollar sign."""
        if depth > DEPTH:
            raise _Error("more defaults in defaults than are followed here")
        self._spend(len(value))
        pieces: list[str] = []
        at, end, last = 0, -1, -1
        while (match := _REFERENCE.search(value, at)) is not None:
            pieces.append(value[at : match.start()])
            at = match.end()
            if match[1]:
                pieces.append("$")
            elif match[2]:
                pieces.append(self._look_up(match[2]) or "")
            else:
                if at > end:  # on another line: the last brace there ends the longest reference
                    end = value.find("\n", at)
                    end = len(value) if end < 0 else end
                    last = value.rfind("}", at, end)
                text, at = self._braced(value, at, last, depth)
                pieces.append(text)
        return "".join((*pieces, value[at:]))

    def _spend(self, length: int) -> None:
        self.length += length
        if self.length > LIMIT:
            raise _Error("what its values expand to is too long to be computed here")

    def _look_up(self, name: str) -> str | None:
        found = self.known.get(name, self.values.get(name))
        self._spend(len(found or ""))
        return found

    def _braced(self, value: str, at: int, last: int, depth: int) -> tuple[str, int]:
        """Expand what stands in braces from *at* on; give it, and the place behind it."""
        match = _BRACED.match(value, at)
        if match is None or last < match.end() - 1:
            raise _Error("a ${ that begins no reference: a literal one is written $${")
        name, operator = match.groups()
        found = self._look_up(name)
        if not operator:
            return found or "", match.end()
        end = _closing(value, at - 1, last)
        self._spend(end - at)
        rest = value[match.end() : end]
        there = bool(found) if operator.startswith(":") else found is not None
        if operator.endswith("?") and not there:
            raise _Error("a variable that the file requires is not set")
        if there == operator.endswith("+"):
            return self._expand(rest, depth + 1), end + 1
        return found or "", end + 1


def _closing(value: str, at: int, last: int) -> int:
    """Give the place of the brace that closes the one at *at*, as compose counts them.

    It passes over the sign after an opening brace; where that does not come out even, the *last* one closes.
    """
    depth = 0
    for match in _BRACE.finditer(value, at, last + 1):
        depth += -1 if match[0] == "}" else 1
        if not depth:
            return match.start()
    return last


def _unescaped(match: re.Match[str]) -> str:
    """Resolve an escape; an octal one has three digits after its zero, else it loses only the zero."""
    body = match[0][1:]
    if body == "$":
        return "$$"
    if body.startswith("0"):
        digits = body[1:]
        if re.fullmatch("[0-3][0-7]{2}", digits):
            return chr(int(digits, 8))
        return "\\" + digits
    return _ESCAPES.get(body, match[0])

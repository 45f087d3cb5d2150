"""`EnvironmentFile=` of systemd: what a service gets from such a file.

Written from observed rules and held against the real library (tests: the oracle of `load_env_file`), not
from its text. Where the rules live in systemd: src/basic/env-file.c `load_env_file`, src/basic/env-util.c
`env_name_is_valid`, src/basic/utf8.c `unichar_is_valid`, src/basic/fileio.c `read_full_stream`,
src/core/execute.c `exec_context_load_environment`.

An entry is NAME=VALUE. The value is quoted pieces with nothing or blanks between them, then an unquoted
tail up to the end of the line, where quotes and `#` mean nothing. A carriage return ends a line like a line
feed. There is no expansion of any kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources.text import Lines, decode, nameable

_WHITE = re.compile(rb"[ \t\r\n]*+")
_BLANK = re.compile(rb"[ \t]*+")
_LINE = re.compile(rb"[^\r\n]*+")
# Before 254 a backslash in a comment takes the next character with it, the end of the line too.
_COMMENT_254 = _LINE
_COMMENT_252 = re.compile(rb"(?:[^\\\r\n]++|\\[\s\S]?)*+")
# A name is read up to the first `=` after its first character, whatever that is.
_NAME = re.compile(rb"[\s\S][^=\r\n]*+")
_SINGLE = re.compile(rb"'([^']*+)('?)")
_DOUBLE = re.compile(rb'"((?:[^"\\]++|\\[\s\S]?)*+)("?)')
_UNQUOTED = re.compile(rb"(?:[^\\\r\n]++|\\[\s\S]?)*+")

_ESCAPE_UNQUOTED = re.compile(rb"\\(?:[\r\n]|([\s\S]))?")
_ESCAPE_DOUBLE = re.compile(rb'\\(?:\n|(["\\`$])|([\s\S]))?')
_INLINE_COMMENT = re.compile(rb"[ \t]#")

_VALID_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*+")
# U+FDD0..U+FDEF, and the last two code points of every plane; Python decodes them, systemd does not.
_LAST_OF_PLANES = "".join(
    chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_NONCHARACTER = re.compile(f"[\ufdd0-\ufdef{_LAST_OF_PLANES}]")

_BOM = b"\xef\xbb\xbf"
_READ_LIMIT = 64 * 1024 * 1024 - 1  # READ_FULL_BYTES_MAX
_STRING_LIMIT = 32 * 4096  # MAX_ARG_STRLEN of Linux: one NAME=VALUE with the NUL at its end


class _Entry(NamedTuple):
    name: bytes
    value: bytes
    at: int
    closed: bool  # False: a quote runs to the end of the file
    commented: bool  # something like a comment is part of the value


def before_254(content: bytes, known: Mapping[str, str]) -> Parsed:  # noqa: ARG001 - of Dialect
    """Read a file as systemd up to 253 does."""
    return _parse(content, _COMMENT_252)


def since_254(content: bytes, known: Mapping[str, str]) -> Parsed:  # noqa: ARG001 - of Dialect
    """Read a file as systemd from 254 on does: a backslash does not continue a comment."""
    return _parse(content, _COMMENT_254)


@lru_cache(maxsize=64)  # what a fresh start gives is worked out in every round of questions
def _parse(content: bytes, comment: re.Pattern[bytes]) -> Parsed:
    if len(content) > _READ_LIMIT:
        return _refused(None, "larger than 64 MiB: systemd refuses the whole file")
    lines = Lines(content)
    if (nul := content.find(b"\0")) >= 0:
        return _refused(Lines(content).of(nul), "a NUL byte: systemd refuses the whole file")
    assignments: list[Assignment] = []
    problems = _of_the_file(content)
    for item in _entries(content, comment):
        line = lines.of(item.at)
        if isinstance(item, _Ignored):
            problems.append(Problem(line, item.why))
            continue
        if not (_is_text(item.name) and _is_text(item.value)):
            return _refused(line, "not valid UTF-8, or a noncharacter: systemd refuses the whole file")
        problems.extend(Problem(line, message) for message in _doubts(item))
        if _VALID_NAME.fullmatch(item.name):
            assignments.append(Assignment(decode(item.name), decode(item.value), line))
    problems.sort(key=lambda problem: problem.line or 0)
    return Parsed(tuple(assignments), tuple(problems))


def _refused(line: int | None, message: str) -> Parsed:
    return Parsed((), (Problem(line, message),), refused=True)


class _Ignored(NamedTuple):
    at: int
    why: str


def _entries(content: bytes, comment: re.Pattern[bytes]) -> Iterator[_Entry | _Ignored]:
    at, end = _skip(_WHITE, content, 0), len(content)
    while at < end:
        if content[at] in b"#;":
            stop = _skip(comment, content, at)
            if (swallowed := _swallowed(content, at, stop)) is not None:
                yield swallowed
        else:
            stop = _skip(_NAME, content, at)
            if content[stop : stop + 1] == b"=":
                entry, stop = _entry(content, at, stop)
                yield entry
            else:
                yield _Ignored(at, "no name stands before an `=`: the line is ignored")
        at = _skip(_WHITE, content, stop)


def _skip(pattern: re.Pattern[bytes], content: bytes, at: int) -> int:
    match = pattern.match(content, at)
    return match.end() if match else at


def _swallowed(content: bytes, at: int, stop: int) -> _Ignored | None:
    """Tell of a comment that goes on in the next line, if an assignment may be lost by that."""
    first = _skip(_LINE, content, at)
    if first < stop and b"=" in content[first:stop]:
        return _Ignored(at, "the comment ends in a backslash: before systemd 254 the next line belongs to it")
    return None


def _entry(content: bytes, at: int, equals: int) -> tuple[_Entry, int]:
    """Read the value behind *equals*; give the entry, and where it ends."""
    pieces: list[bytes] = []
    closed, commented = True, False
    stop = _skip(_BLANK, content, equals + 1)
    while piece := (_SINGLE.match(content, stop) or _DOUBLE.match(content, stop)):
        literal = piece[0][:1] == b"'"
        pieces.append(piece[1] if literal else _ESCAPE_DOUBLE.sub(_in_double_quotes, piece[1]))
        closed = bool(piece[2])
        stop = _skip(_BLANK, content, piece.end())
    if tail := _UNQUOTED.match(content, stop):
        after_quotes = bool(pieces) and tail[0][:1] == b"#"
        commented = after_quotes or bool(_INLINE_COMMENT.search(content, stop - 1, tail.end()))
        pieces.append(_unquoted(tail[0]))
        stop = tail.end()
    name = content[at:equals].rstrip(b" \t")
    return _Entry(name, b"".join(pieces), at, closed, commented), stop


def _in_double_quotes(match: re.Match[bytes]) -> bytes:
    if match[2]:
        return match[0]  # a backslash before any other character stays
    return match[1] or b""


def _unquoted(tail: bytes) -> bytes:
    """Undo the escapes; blanks at the end go unless they are escaped."""
    kept = tail.rstrip(b" \t")
    escaped = (len(kept) - len(kept.rstrip(b"\\"))) % 2
    if escaped:
        kept = tail[: len(kept) + 1]
    return _ESCAPE_UNQUOTED.sub(lambda match: match[1] or b"", kept)


def _is_text(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        return not _NONCHARACTER.search(raw.decode())
    except UnicodeDecodeError:
        return False


def _of_the_file(content: bytes) -> list[Problem]:
    problems: list[Problem] = []
    if content.startswith(_BOM):
        problems.append(Problem(1, "a byte order mark: it becomes part of the first line"))
    if (at := content.find(b"\r\n")) >= 0:
        message = "lines end in CR LF: inside quotes the CR is kept, and a backslash does not join lines"
        problems.append(Problem(Lines(content).of(at), message))
    return problems


def _doubts(entry: _Entry) -> Iterator[str]:
    """Say what a reader of the file would not expect of an entry."""
    if not _VALID_NAME.fullmatch(entry.name):
        yield _invalid(entry.name)
    if not entry.closed:
        yield "the quote is not closed: the value runs to the end of the file"
    if entry.commented:
        yield "there are no comments behind a value: `#` and what follows is part of it"
    if len(entry.name) + len(entry.value) + 2 > _STRING_LIMIT:
        yield "too long for Linux (128 KiB): no program can be started with it"


def _invalid(name: bytes) -> str:
    first, _, rest = name.partition(b" ")
    if first.strip() == b"export" and (exported := nameable(rest.strip())):
        return f"`export` is not understood here: {exported} is dropped"
    shown = nameable(name)
    return f"{shown} is not a valid name: dropped" if shown else "not a valid name: dropped"

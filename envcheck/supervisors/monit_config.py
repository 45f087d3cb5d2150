"""monit's control files: which command starts a service, and where that stands.

Source of the knowledge: monit(1) 5.33 and observed: entries have no end but the next `check`; comments
begin with `#`; strings stand in double or single quotes; `include` takes a pattern. In the command of
`start program` single quotes hold together; nothing is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from envcheck.model import FileFacts
from envcheck.supervisors.known import Known

PLACES = ("/etc/monit/monitrc", "/etc/monitrc", "/usr/local/etc/monitrc")
INCLUDES = 5  # in one another

_TOKEN = re.compile(r"""#[^\n]*|"([^"]*)"|'([^']*)'|([^\s"'=]+)""")
_WORD = re.compile(r"""'([^']*)'|"([^"]*)"|(\S+)""")


class Token(NamedTuple):
    text: str
    line: int
    quoted: bool


class Program(NamedTuple):
    """What `start program` of one service says."""

    words: tuple[str, ...]
    path: str
    line: int
    changed: float
    user: bool  # it is run as somebody else


class Read(NamedTuple):
    """The control files as far as they could be read."""

    program: Program | None = None
    changed: float = 0.0  # the youngest of all files
    why: str = ""  # one of them could not be read
    path: str = ""  # that one
    control: str = ""  # the control file itself


def find(name: str, given: str, known: Known) -> Read:
    """Find the program that starts service *name*. *given*: the control file that monit was told to read."""
    for place in (given,) if given else PLACES:
        facts = known.file(place)
        if facts is None or facts.status != "missing":
            return _read(name, place, facts, known, INCLUDES)._replace(control=place)
    return Read(why="monit's control file was not found", path=PLACES[0])


def _read(name: str, path: str, facts: FileFacts | None, known: Known, depth: int) -> Read:
    if facts is None:
        return Read(why="it was not read", path=path)
    if facts.status != "ok":
        return Read(why=f"it could not be read ({facts.status})", path=path)
    text = facts.content.decode("utf-8", "surrogateescape")
    found = Read(_program(name, text, path, facts.changed), facts.changed)
    for pattern in _includes(text):
        if depth == 0:
            return found._replace(why="too many files include one another", path=path)
        for inner in known.glob(pattern) or ():
            more = _read(name, inner, known.file(inner), known, depth - 1)
            found = Read(
                found.program or more.program,
                max(found.changed, more.changed),
                found.why or more.why,
                found.path or more.path,
            )
    return found


def tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        if not match[0].startswith("#"):
            quoted = match[3] is None
            word = next(group for group in match.groups() if group is not None)
            yield Token(word, text.count("\n", 0, match.start()) + 1, quoted)


def _includes(text: str) -> list[str]:
    words = list(tokens(text))
    return [b.text for a, b in pairwise(words) if a.text.lower() == "include" and not a.quoted]


def _program(name: str, text: str, path: str, changed: float) -> Program | None:
    """Find `check process NAME ... start program = "..." [as uid ...]`."""
    inside = False
    words = list(tokens(text))
    for i, token in enumerate(words):
        keyword = "" if token.quoted else token.text.lower()
        if keyword == "check":
            inside = i + 2 < len(words) and words[i + 2].text == name
        elif keyword == "start" and inside:
            rest = words[i + 1 :]
            if rest and rest[0].text.lower() == "program" and not rest[0].quoted:
                rest = rest[1:]
            if rest:
                user = [t.text.lower() for t in rest[1:3]] in (["as", "uid"], ["as", "gid"])
                return Program(split(rest[0].text), path, rest[0].line, changed, user)
    return None


def split(command: str) -> tuple[str, ...]:
    """Cut a command into words as monit does."""
    return tuple(next(g for g in m.groups() if g is not None) for m in _WORD.finditer(command))

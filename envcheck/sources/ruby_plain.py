"""Ruby words put plainly: names that stand for one text, or for ENV, and loops over literals, written out.

What does not have these simple forms is left as it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from envcheck.sources.ruby_expressions import Expressions, pairs
from envcheck.sources.ruby_words import RubyError, Word
from envcheck.suspicion import words as names

ASSIGNS = names("= ||= &&= += <<= *= |= -=")
CHANGES = names("<< . &. [")  # what may change a string
EACH = names("each each_pair")
# A body with any of these is no simple one.
LEAVES = names("next break redo return")
OPENS = names("do if unless while until case for begin def class module")

LOOPS = 1000  # that are written out, one in another
LONGEST = 20_000  # words

NEWLINE = Word("newline", "", 0)
Row = Mapping[str, Word]


def plainly(found: list[Word]) -> list[Word]:
    """Give the same words as far as they are not simple."""
    found = _without_names(found)
    at = 0
    for _ in range(LOOPS):
        written = None
        while at < len(found) and written is None:
            written = _loop(Expressions(found), at) if _starts(found, at) else None
            at += written is None
        if written is None or len(found) > LONGEST:
            break
        end, body = written
        found = [*found[:at], *body, *found[end:]]
    return found


# --- names ----------------------------------------------------------------------------------------------


def _without_names(found: list[Word]) -> list[Word]:
    """Put what a name stands for in its place, where it is never given another value."""
    read = Expressions(found)
    given: dict[str, Word] = {}
    assigned: Counter[str] = Counter(_parameters(read))
    for at in _named(read):
        name, follows = found[at].text, read.text(at + 1)
        if follows in ASSIGNS or (follows == "," and _starts(found, at)):
            assigned[name] += 1
            value = read.value(at + 2)
            if follows == "=" and value and value[0] is not None:
                given[name] = Word("string", value[0], 0)
            elif follows == "=" and read.text(at + 2) == "ENV" and read.ends(at + 3):
                given[name] = Word("name", "ENV", 0)
    changed = {found[at].text for at in _named(read) if read.text(at + 1) in CHANGES}
    once = {
        name: word
        for name, word in given.items()
        if assigned[name] == 1 and (word.kind == "name" or name not in changed)
    }
    put = list(found)
    for at in _named(read):
        word = found[at]
        if word.text in once and read.text(at + 1) not in ASSIGNS:
            put[at] = once[word.text]._replace(line=word.line, spaced=word.spaced)
        elif word.text in once and once[word.text].kind == "name":
            put[at : at + 3] = [NEWLINE] * 3
    return put


def _named(read: Expressions) -> Iterator[int]:
    """Give the places of names that are no methods of something."""
    for at, word in enumerate(read.words):
        called = read.text(at - 1) in (".", "&.", "def", "::") or read.text(at + 1) == "("
        if word.kind == "name" and not called:
            yield at


def _parameters(read: Expressions) -> Iterator[str]:
    for at, word in enumerate(read.words):
        if word.kind == "mark" and word.text == "|" and read.text(at - 1) in ("{", "do"):
            while read.text(at := at + 1) != "|" and at < len(read.words):
                yield read.text(at)


# --- loops ----------------------------------------------------------------------------------------------


def _starts(found: Sequence[Word], at: int) -> bool:
    """Tell whether a statement begins here."""
    before = found[at - 1] if at else NEWLINE
    return before.kind == "newline" or (
        before.kind in ("name", "mark") and before.text in (";", "{", "|", "do", "then", "else")
    )


def _loop(read: Expressions, at: int) -> tuple[int, list[Word]] | None:
    """Give where a loop over literals ends, and its body for each of them."""
    try:
        items, at = _items(read, at)
        if items is None or read.text(at) != "." or read.text(at + 1) not in EACH:
            return None
        opens, at = at + 2, at + 3
        if read.text(opens) not in ("{", "do") or read.text(at) != "|":
            return None
        end = _end(read, opens)
        close = next(i for i in range(at + 1, end + 1) if read.text(i) == "|" or i == end)
    except RubyError:
        return None
    parameters = [w.text for w in read.words[at + 1 : close] if w.kind == "name"]
    body = read.words[close + 1 : end]
    simple = not any(w.kind == "name" and w.text in LEAVES for w in body) and read.ends(end + 1)
    if not simple or close == end or any(len(item) != len(parameters) for item in items):
        return None
    rows = [dict(zip(parameters, item, strict=True)) for item in items]
    return end + 1, [NEWLINE, *(w for row in rows for w in (*_with(body, row), NEWLINE))]


def _end(read: Expressions, opens: int) -> int:
    if read.text(opens) == "{":
        return read.closing(opens)
    for at in range(opens + 1, len(read.words)):
        if read.text(at) in OPENS:
            break
        if read.text(at) == "end":
            return at
    raise RubyError(read.words[opens].line)


def _items(read: Expressions, at: int) -> tuple[list[list[Word]] | None, int]:
    """Give what a literal holds, item by item, and the place behind it; None: it is none, or is computed."""
    word = read.words[at]
    if word.kind == "words":
        return [[word._replace(kind="string", text=text)] for text in word.text.split()], at + 1
    if read.text(at) not in ("[", "{"):
        return None, at
    close = read.closing(at)
    inside = [w for w in read.words[at + 1 : close] if w.kind != "newline"]
    if read.text(at) == "[":
        return _elements(inside), close + 1
    found = list(pairs(inside))
    computed = Word("computed", "", word.line)
    return (
        None if any(key is None for key, _ in found) else [[k, v or computed] for k, v in found if k],
        close + 1,
    )


def _elements(inside: list[Word]) -> list[list[Word]] | None:
    """Split `"A", "B"` and `["A", "1"], ["B", "2"]`; None: there is something else in it."""
    if any(w.kind not in ("string", "mark") for w in inside):
        return None
    shape = "".join("s" if w.kind == "string" else w.text for w in inside).rstrip(",")
    strings = [w for w in inside if w.kind == "string"]
    if shape and not shape.replace("s,", "").removesuffix("s"):
        return [[w] for w in strings]
    if shape and not (shape + ",").replace("[s,s],", ""):
        return [[key, value] for key, value in zip(strings[::2], strings[1::2], strict=True)]
    return None


def _with(body: Sequence[Word], row: Row) -> list[Word]:
    """Put the values of one round in the place of its parameters."""
    put: list[Word] = []
    for at, word in enumerate(body):
        called = at and body[at - 1].kind == "mark" and body[at - 1].text in (".", "&.", "::")
        value = row.get(word.text) if word.kind == "name" and not called else None
        put.append(value._replace(line=word.line, spaced=word.spaced) if value else word)
    return put

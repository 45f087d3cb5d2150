"""The values of the model as JSON, and back: by their types, so that a new field needs nothing here.

A named tuple is an object without the fields that have their default; a hidden value is the object that
reports have for it. Environments and sources stand in a table of their own and are meant by their number:
the workers of one master have the same. What is read is not trusted: whatever is not of its type is refused.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeGuard, Union, get_args, get_origin, get_type_hints

from envcheck import tokens
from envcheck.model import Reading, Source
from envcheck.tokens import Token

# Each stands in the table once.
SHARED: tuple[type, ...] = (Reading, Source)
# No record has these: raw answers, and what only helps to make it.
NEVER = frozenset(("answers", "ancestors", "entries", "removed", "outer", "loaded"))
# Words of our own, which are printed as they are.
WORDS = frozenset(("kind", "status", "role", "evidence", "dialect", "cause", "id"))
NUMBER = re.compile(r"[0-9]{1,10}")
WORD = re.compile(r"[A-Za-z0-9_-]{0,40}")
LARGEST = 2**64  # signals are a mask of 64 bits
LATEST = 253402300799.0  # seconds: the year 9999

Decode = Callable[[Any, "list[Any]"], Any]


class Fault(Exception):  # noqa: N818 - says where and what, and never a value
    """The JSON is not what a record holds."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(what)
        self.what, self.where = what, where

    def inside(self, where: str) -> Fault:
        return Fault(self.what, f"{where}.{self.where}" if self.where else where)


# What is in them, the type checkers cannot know.
def is_object(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


# --- to JSON ---------------------------------------------------------------------------------------


class Encoder:
    """Makes JSON of values; `table` fills with what is shared."""

    def __init__(self) -> None:
        self.table: list[Any] = []
        self._numbers: dict[str, int] = {}

    def encode(self, value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, str):
            return _text(value)
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if is_object(value):
            return {str(key): self.encode(item) for key, item in value.items()}
        return self._named(value) if hasattr(value, "_fields") else [self.encode(item) for item in value]

    def _named(self, value: Any) -> Any:  # noqa: ANN401
        defaults = value._field_defaults
        given = {
            name: self.encode(item)
            for name, item in zip(value._fields, value, strict=True)
            if name not in NEVER and not (name in defaults and defaults[name] == item)
        }
        return self._number(given) if isinstance(value, SHARED) else given

    def _number(self, given: dict[str, Any]) -> int:
        number = self._numbers.setdefault(repr(given), len(self.table))
        if number == len(self.table):
            self.table.append(given)
        return number


def _text(value: str) -> Any:  # noqa: ANN401
    if not tokens.is_hidden(value):
        return value
    found = [{"hidden": True, **p._asdict()} if isinstance(p, Token) else p for p in tokens.parts(value)]
    return found[0] if len(found) == 1 else found


# --- from JSON -------------------------------------------------------------------------------------


def items(given: Any, what: str) -> list[Any]:  # noqa: ANN401 - JSON
    if not is_list(given):
        raise Fault(f"not {what}")
    return given


def fields(given: Any, what: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
    if not is_object(given):
        raise Fault(f"not {what}")
    return given


@cache
def decoder(kind: Any) -> Decode:  # noqa: ANN401 - a type, or what stands for one
    """Give the function that reads a value of a type.

    It takes the JSON and the table, and raises `Fault`.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        [one] = [a for a in inner if a is not types.NoneType]
        read = decoder(one)
        return lambda given, table: None if given is None else read(given, table)
    if origin is tuple:
        return _list_of(decoder(inner[0]), tuple)
    if origin is frozenset:
        return _list_of(decoder(inner[0]), frozenset)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(inner[0], decoder(inner[1]))
    if kind in SCALARS:
        return SCALARS[kind]
    if issubclass(kind, Enum):
        return _choice(kind)
    return _shared(kind) if kind in SHARED else _named(kind)


def _string(given: Any, table: list[Any]) -> str:  # noqa: ANN401
    del table
    if type(given) is str:
        if tokens.MARK in given:
            raise Fault("a text with a NUL")
        if not given.isascii():
            try:
                given.encode("utf-8", "surrogateescape")
            except UnicodeEncodeError:
                raise Fault("a text that no bytes are decoded to") from None
        return given
    if type(given) is list:
        return "".join(
            _string(part, []) if type(part) is str else _token(part) for part in items(given, "a list")
        )
    return _token(given)


def _token(given: Any) -> str:  # noqa: ANN401
    match given:
        case {"hidden": True, "length": int(length), "fingerprint": str(fingerprint), **rest} if not rest:
            written = str(Token(length, fingerprint))
            if type(length) is int and list(tokens.parts(written)) == [Token(length, fingerprint)]:
                return written
        case _:
            pass
    raise Fault("not a text")


def _integer(given: Any, table: list[Any]) -> int:  # noqa: ANN401
    del table
    if type(given) is not int or abs(given) > LARGEST:
        raise Fault("not a number of a possible size")
    return given


def _float(given: Any, table: list[Any]) -> float:  # noqa: ANN401
    del table
    # Every number with a fraction is a moment.
    if type(given) not in (int, float) or not 0 <= given <= LATEST:
        raise Fault("no moment")
    return float(given)


def _flag(given: Any, table: list[Any]) -> bool:  # noqa: ANN401
    del table
    if type(given) is not bool:
        raise Fault("neither true nor false")
    return given


def _bytes(given: Any, table: list[Any]) -> bytes:  # noqa: ANN401
    try:
        return _string(given, table).encode("latin-1")
    except UnicodeEncodeError:
        raise Fault("not bytes") from None


SCALARS: dict[Any, Decode] = {str: _string, int: _integer, float: _float, bool: _flag, bytes: _bytes}


def _choice(kind: type[Enum]) -> Decode:
    words = {member.value: member for member in kind}

    def read(given: Any, table: list[Any]) -> Any:  # noqa: ANN401
        del table
        if type(given) is not str or given not in words:
            raise Fault(f"no {kind.__name__.lower()} that this version knows")
        return words[given]

    return read


def _list_of(read: Decode, make: Callable[[Any], Any]) -> Decode:
    def read_all(given: Any, table: list[Any]) -> Any:  # noqa: ANN401
        return make([_inside(read, item, table, str(i)) for i, item in enumerate(items(given, "a list"))])

    return read_all


def _mapping(key: Any, read: Decode) -> Decode:  # noqa: ANN401
    def name(given: str) -> Any:  # noqa: ANN401
        if key is str:
            return _string(given, [])
        return _integer(int(given) if NUMBER.fullmatch(given) else None, [])

    def read_all(given: Any, table: list[Any]) -> dict[Any, Any]:  # noqa: ANN401
        pairs = fields(given, "an object").items()
        return {name(key): _inside(read, value, table, "(a key)") for key, value in pairs}

    return read_all


def _inside(read: Decode, given: Any, table: list[Any], where: str) -> Any:  # noqa: ANN401
    try:
        return read(given, table)
    except Fault as fault:
        raise fault.inside(where) from None


def _named(kind: Any) -> Decode:  # noqa: ANN401
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in NEVER}
    needed = [name for name in kind._fields if name not in kind._field_defaults and name not in NEVER]

    def read(given: Any, table: list[Any]) -> Any:  # noqa: ANN401
        pairs = fields(given, f"a {kind.__name__.lower()}")
        if unknown := pairs.keys() - hints.keys():
            raise Fault(f"{len(unknown)} keys that this version does not know")
        if absent := [name for name in needed if name not in pairs]:
            raise Fault("it is not there", absent[0])
        made = {n: _inside(decoder(hints[n]), v, table, n) for n, v in pairs.items()}
        if bad := [n for n in made if n in WORDS and made[n] is not None and not WORD.fullmatch(made[n])]:
            raise Fault("not a word", bad[0])
        return kind(**made)

    return read


def _shared(kind: Any) -> Decode:  # noqa: ANN401
    def read(given: Any, table: list[Any]) -> Any:  # noqa: ANN401
        if type(given) is not int or not 0 <= given < len(table):
            raise Fault("not a number in the table")
        found = table[given]
        if not isinstance(found, kind):
            if isinstance(found, tuple):
                raise Fault("another thing in the table")
            found = table[given] = _inside(_named(kind), found, [], f"table.{given}")
        return found

    return read

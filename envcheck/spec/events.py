"""The part of PyYAML that a spec needs: its pure scanner and parser, as a stream of plain events.

`import yaml` loads the whole library (constructors, emitter, resolver with its regular expressions, the C
binding): 10 ms, and a deploy hook pays for it at every call. Scanner and parser need none of it, so their
modules are loaded from PyYAML's folder, unchanged, under an empty package of our own: 1 ms. Its reader is
replaced (`text.Reader`): it goes character by character, and its pattern takes milliseconds to compile.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from envcheck.spec.fault import Fault
from envcheck.spec.text import Reader

PACKAGE = f"{__name__}.pyyaml"
KINDS = {
    "ScalarEvent": "scalar",
    "AliasEvent": "alias",
    "SequenceStartEvent": "sequence",
    "MappingStartEvent": "mapping",
    "SequenceEndEvent": "end",
    "MappingEndEvent": "end",
}


class Event(NamedTuple):
    kind: str  # scalar, alias, sequence, mapping, end; or the name of another of PyYAML's events
    line: int
    text: str = ""
    plain: bool = False  # a scalar without quotes
    anchor: str | None = None  # what it is called; of an alias: what it means
    tagged: bool = False


def events(text: str) -> Iterator[Event]:
    """Give the events of *text*; raises nothing but `Fault`."""
    module = _module("parser")
    try:
        parser = _parser(module, text)
    except Exception:  # noqa: BLE001
        raise Fault(1, "cannot be read as YAML") from None
    while True:
        try:
            raw = parser.get_event()
        except Exception as error:  # noqa: BLE001 - an escape beyond Unicode, for one, is a ValueError
            raise _fault(error, parser.line) from None
        if raw is None:
            return
        name = type(raw).__name__
        implicit = getattr(raw, "implicit", None)
        yield Event(
            KINDS.get(name, name),
            raw.start_mark.line + 1,
            getattr(raw, "value", ""),
            isinstance(implicit, tuple) and implicit[0],
            getattr(raw, "anchor", None),
            getattr(raw, "tag", None) is not None,
        )


def _parser(module: ModuleType, text: str) -> Any:  # noqa: ANN401 - these modules have no types
    parser = type("Parser", (Reader, module.Scanner, module.Parser), {})(text)
    module.Scanner.__init__(parser)
    module.Parser.__init__(parser)
    return parser


def _fault(error: Exception, line: int) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    problem = re.sub(r"'[^']*'|\"[^\"]*\"", _harmless, problem)
    return Fault(mark.line + 1 if mark else line + 1, f"is not YAML: {problem}")


def _harmless(quote: re.Match[str]) -> str:
    """Keep a character and the name of a token ('<block end>'); a tag is text of the file."""
    return quote[0] if len(quote[0]) <= len("'x'") or quote[0][1] == "<" else "something"


def _module(name: str) -> ModuleType:
    """Import a module of PyYAML without its package."""
    if PACKAGE not in sys.modules:
        found = importlib.util.find_spec("yaml")
        if found is None or found.submodule_search_locations is None:
            raise ModuleNotFoundError(name="yaml")
        package = ModuleType(PACKAGE)
        package.__path__ = list(found.submodule_search_locations)
        sys.modules[PACKAGE] = package
    return importlib.import_module(f"{PACKAGE}.{name}")

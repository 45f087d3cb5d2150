"""What is expected: a spec and its rules."""

from __future__ import annotations

from typing import NamedTuple

from envcheck.model.configured import Source
from envcheck.model.words import Severity


class Expectation(NamedTuple):
    """What the spec says of one variable. `rule` is its key there; `values` go with equals and one_of."""

    name: str
    rule: str  # required, optional, forbidden, equals, one_of, pattern
    values: tuple[str, ...] = ()
    pattern: str = ""
    secret: bool | None = None  # None: decided by name and value
    severity: Severity = Severity.ERROR
    allow_empty: bool = True
    hint: str = ""
    optional: bool = False  # judged only where the variable is present
    tokens: tuple[str, ...] | None = None  # the `values` as a record has them; None: its key is not known


class Match(NamedTuple):
    """Which servers an app means: all given keys must hold, a list means any of it."""

    server: tuple[str, ...] = ()
    cwd: tuple[str, ...] = ()  # globs
    pidfile: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    pid: tuple[str, ...] = ()
    cmdline: tuple[str, ...] = ()  # regular expressions over the arguments joined by blanks


class App(NamedTuple):
    name: str
    matches: tuple[Match, ...]
    sources: tuple[Source, ...]
    expectations: tuple[Expectation, ...]
    description: str = ""


class Spec(NamedTuple):
    path: str
    apps: tuple[App, ...]

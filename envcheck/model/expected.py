"""What is expected: a spec and its rules."""

from typing import NamedTuple

from envcheck.model.configured import Source
from envcheck.model.words import Severity
from envcheck.shapes import Shape


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
    shapes: tuple[Shape, ...] = ()  # what the value must fit besides


class Constraint(NamedTuple):
    """What the spec says of several variables at once.

    `rule` is its key there. `sets`: of any_of the sets of which one has to be there; of the other groups one
    variable each; of equals_var and required_when the variable, and then those that it hangs on.
    """

    name: str
    rule: str  # any_of, all_or_none, exactly_one, at_least_one, equals_var, required_when
    sets: tuple[tuple[str, ...], ...]
    when: tuple["Condition", ...] = ()  # of required_when: all must hold
    secret: bool = False  # all of them are
    severity: Severity = Severity.ERROR
    allow_empty: bool = True
    hint: str = ""

    @property
    def members(self) -> tuple[str, ...]:
        """Every variable that it hangs on, once."""
        return tuple(dict.fromkeys([n for names in self.sets for n in names] + [c.name for c in self.when]))


class Condition(NamedTuple):
    """That a variable is set, or not (`present`), and has these shapes."""

    name: str
    present: bool = True
    shapes: tuple[Shape, ...] = ()


class Count(NamedTuple):
    """How many there have to be."""

    least: int = 0
    most: int | None = None

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.least <= number and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return str(self.least) if self.most == self.least else f"{self.least} to {self.most}"


class Waiver(NamedTuple):
    """A finding that is known, and does not count until a day is over."""

    reason: str
    expires: str  # the last day it holds, YYYY-MM-DD, UTC
    app: str = ""  # "" is any
    variable: str = ""  # a glob; "" is any
    code: str = ""  # a diagnosis or a cause
    hosts: tuple[str, ...] = ()  # globs
    owner: str = ""


class Match(NamedTuple):
    """Which servers an app means: all given keys must hold, a list means any of it."""

    server: tuple[str, ...] = ()
    cwd: tuple[str, ...] = ()  # globs
    pidfile: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    pid: tuple[str, ...] = ()
    cmdline: tuple[str, ...] = ()  # regular expressions over the arguments joined by blanks
    unit: tuple[str, ...] = ()  # of systemd: globs
    supervisor_program: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()  # TCP ports
    env_has: tuple[str, ...] = ()  # NAME=VALUE, all of them
    hosts: tuple[str, ...] = ()  # globs


class App(NamedTuple):
    name: str
    matches: tuple[Match, ...]
    sources: tuple[Source, ...]
    expectations: tuple[Expectation, ...]
    description: str = ""
    constraints: tuple[Constraint, ...] = ()
    patterns: tuple[Expectation, ...] = ()  # of every variable whose name fits the glob
    ignore: tuple[str, ...] = ()  # globs of names that are not compared
    workers: Count | None = None  # of each server
    instances: Count | None = None  # servers of the app on one host
    waivers: tuple[Waiver, ...] = ()


class Spec(NamedTuple):
    path: str
    apps: tuple[App, ...]

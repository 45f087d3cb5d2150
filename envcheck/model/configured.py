"""What is configured: sources, what they set, and what comes of a chain of them."""

from collections.abc import Mapping
from typing import NamedTuple

from envcheck.model.steps import Plan
from envcheck.model.words import Stage

BY_DEFAULT = "default"  # the kind of what a server's program sets where nothing else does


class Assignment(NamedTuple):
    """One variable set, or unset, by one line of one source."""

    name: str
    value: str | None  # None: the source unsets it
    line: int
    dynamic: bool = False  # only running something could tell the value
    changed: float = 0.0  # when, if that is not when its source changed
    fleeting: bool = False  # in the memory of the supervisor alone: gone when that is started anew
    by: str = ""  # what in a server's configuration sets it: raw_env, os.environ, ENV, or a hook by its name
    keeps: bool = False  # what is set already stays: ||=, setdefault

    def __repr__(self) -> str:
        return f"Assignment({self.name!r}, line {self.line})"


class Problem(NamedTuple):
    line: int | None
    message: str  # never quotes the text of the line: it may be a secret
    variable: str = ""  # what the line would set, were it not dropped
    file: str = ""  # where the source is a folder: the one of its files


class Parsed(NamedTuple):
    """What a source says. A source that its program refuses whole sets nothing."""

    assignments: tuple[Assignment, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: bool = False


class Source(NamedTuple):
    """Where variables are set."""

    kind: str  # envdir, file, gunicorn-config, gunicorn-arguments, ...
    path: str
    stage: Stage
    dialect: str = ""
    optional: bool = False


class FileFacts(NamedTuple):
    """A file, or a folder with its files, as it was read."""

    status: str  # ok, missing, denied, folder, not-a-file, oversized, error
    content: bytes = b""
    changed: float = 0.0  # the later of mtime and ctime
    mode: int = 0
    uid: int = 0
    detail: str = ""
    entries: Mapping[str, "FileFacts"] = {}
    gid: int | None = None
    acl: bytes | None = b""  # as the kernel tells it; None: whether there is one is not known

    def __repr__(self) -> str:
        return f"FileFacts({self.status}, {len(self.content)} bytes)"


class Output(NamedTuple):
    """What a read-only command printed."""

    status: str  # ok, missing, denied, timeout, oversized, error
    code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def good(self) -> bool:
        return self.status == "ok" and self.code == 0

    def __repr__(self) -> str:
        return f"Output({self.status}, {self.code}, {len(self.stdout)} bytes)"


class Answers(NamedTuple):
    """All answers of one host so far."""

    files: Mapping[str, "FileFacts"] = {}
    folders: Mapping[str, "FileFacts"] = {}
    globs: Mapping[str, tuple[str, ...]] = {}
    outputs: Mapping[tuple[str, ...], Output] = {}
    writable: Mapping[str, bool] = {}  # of sockets and FIFOs that take commands: whether who looks may
    inside: Mapping[int, "Answers"] = {}  # by pid: files as that process sees them


class Applied(NamedTuple):
    """A source as far as it could be read."""

    source: Source
    parsed: Parsed | None  # None: a gap
    changed: float  # when it last changed: the file, or the folder and the files in it
    why: str = ""  # of a gap, and of what is refused because it is not there
    only: str = ""  # the one variable that a gap leaves open: it is dynamic where it is set


class Need(NamedTuple):
    """Something without which a supervisor does not start a server."""

    kind: str  # folder, program, user
    names: tuple[str, ...]  # the places where it may be, in their order
    by: str  # what asks for it, and where
    whole: str = ""  # a program as it is named, where it is searched for


class Start(NamedTuple):
    """What a supervisor would give a process that it starts now."""

    applied: tuple[Applied, ...] = ()  # its sources in the order they are applied
    command: tuple[str, ...] = ()  # what it would exec: wrappers in it are followed
    loaded: "Start | None" = None  # the same by what it has loaded, where that may differ
    unstartable: str = ""  # why it would not come up
    fails: str = ""  # what fails for that reason, where not every restart does
    stray: str = ""  # why the server is none of it, although it looks as if it were
    since: float | None = None  # when it started the process that became, or started, the server
    folder: str | None = None  # where it is started: relative paths in the command start there
    written: tuple[str, int, float] | None = None  # the command: path, line, and when that changed
    outer: "Start | None" = None  # what who keeps the supervisor running would give that one
    kept: tuple[Applied, ...] | None = None  # the sources as long as the supervisor itself runs on
    edited: bool = False  # the definition changed after its supervisor had read it, as far as that is known
    needs: tuple[Need, ...] = ()  # what has to be there for it to come up
    read_at: float = 0.0  # when its supervisor last read its definition, as far as it tells
    traits: frozenset[str] = frozenset()  # words of its module: what else the definition says
    user: str = ""  # who the command is started as, where that is said


class Setting(NamedTuple):
    """One place that sets a variable, in the order of the chain."""

    source: Source
    assignment: Assignment
    changed: float
    late: bool = False  # after the application is loaded

    @property
    def origin(self) -> str:
        path = (
            f"{self.source.path}/{self.assignment.name}" if self.source.kind == "envdir" else self.source.path
        )
        return f"{path}:{self.assignment.line}" if self.assignment.line else path


class Configured(NamedTuple):
    """What a process started afresh would get now.

    `settings` holds all places of a variable, the winner last; a name that is not there is set nowhere.
    """

    applied: tuple[Applied, ...] = ()
    settings: Mapping[str, tuple[Setting, ...]] = {}
    known: bool = False  # False: there is no chain to compare with
    start: Start | None = None  # what the supervisor would do, where that is where it comes from
    unread: str = ""  # why the server's own configuration may set variables that are not told here
    own: tuple[Applied, ...] = ()  # the files of that configuration, for when they changed
    others: tuple[Setting, ...] = ()  # what they set that a fresh process does not come to
    preloads: bool | None = None  # whether the master loads the application; None: not known
    reexec_hook: str = ""  # where they may give a re-exec'd master another environment
    broken: str = ""  # why the server would not come up with them
    removed: frozenset[str] = (
        frozenset()
    )  # what the server has and no source sets: it is not to have it again
    options: str = ""  # where the options stand that it would be started with now, if they are others
    plan: Plan | None = None  # what a restart takes, where this is from a record
    # By name what counts by what the supervisor has loaded, where it is something else (None: nothing).
    as_loaded: Mapping[str, Setting | None] | None = None  # None: what is loaded is what is on disk

    @property
    def winners(self) -> dict[str, Setting]:
        """Give what counts of each variable that something sets."""
        return {name: places[-1] for name, places in self.settings.items() if places}

    @property
    def gaps(self) -> tuple[Applied, ...]:
        return tuple(a for a in self.applied if a.parsed is None)

    @property
    def refused(self) -> tuple[Applied, ...]:
        return tuple(a for a in self.applied if a.parsed is not None and a.parsed.refused)

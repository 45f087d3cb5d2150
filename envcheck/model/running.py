"""What runs: readings of environments, processes, generations, servers."""

from collections.abc import Mapping
from typing import NamedTuple


class Reading(NamedTuple):
    """One layer of one process' environment. Only `usable` readings may lead to "missing"."""

    status: str  # ok, or a named state: denied, exited, clobbered, partial, truncated, ...
    variables: Mapping[str, str] = {}  # of duplicates the first, as getenv(3) takes it
    anomalies: tuple[str, ...] = ()
    detail: str = ""

    @property
    def usable(self) -> bool:
        return self.status == "ok"

    def __repr__(self) -> str:
        return f"Reading({self.status}, {len(self.variables)} variables)"


class Process(NamedTuple):
    """A process: pid and start time, and what /proc tells of it."""

    pid: int
    parent: int
    started: float
    uid: int
    argv: tuple[str, ...]  # as /proc/PID/cmdline has it now: a rewritten title is one or a few words
    comm: str
    exe: str | None
    cwd: str | None
    caught: int  # SigCgt, a bit mask: bit n-1 for signal n
    ignored: int  # SigIgn
    image: str  # the same in all processes that come from one exec; "" where it could not be read
    at_exec: Reading
    live: Reading
    cgroup: str = ""
    state: str = ""  # of stat field 3: Z for a zombie
    stdout: str = ""  # where its standard output goes
    listens: tuple[str, ...] = ()  # TCP ports
    sockets: frozenset[int] = frozenset()  # inodes of all that it has open
    title_is_cut: bool = False  # the command line fills its area to the last byte
    inner: int = 0  # its pid in its own pid namespace; 0: not known
    stderr: str = ""  # where its standard error goes
    gid: int = -1  # -1: not known
    groups: tuple[int, ...] = ()  # the supplementary ones
    apart: bool = False  # it sees other files than who looks: a mount namespace or a root of its own
    umask: int = -1  # -1: not known
    ticks: int = 0  # its start as the kernel counts, after boot: `started` is as exact as the clock
    reaped: int = 0  # page faults of the children that it has waited for: more with every one of them
    begun_in: str | None = None  # the folder that its supervisor starts it in; None: not known

    @property
    def running(self) -> Reading:
        """The layer to judge by: live where it could be read, else at exec."""
        return self.live if self.live.usable or not self.at_exec.usable else self.at_exec


class Owner(NamedTuple):
    """Who keeps a server running, and how that is known."""

    kind: str  # the module's name: systemd, supervisord, runit, ...
    name: str  # what its own tool calls it: unit, program, service folder, watcher
    evidence: str = "ancestor"  # ancestor, cgroup or marks: the order in which they are to be trusted
    distance: int = 0  # from the master to the supervising ancestor
    pid: int = 0  # of the supervising process, where there is one
    facts: Mapping[str, str] = {}  # what its module needs to know of it: folder, socket, configuration, ...
    supervising: Process | None = None  # the supervising process as it was read: argv, folder, environment
    outer: "Owner | None" = None  # who keeps that process running, where its environment is what it hands on


class Generation(NamedTuple):
    """A master and its workers started by one exec."""

    master: Process | None
    workers: tuple[Process, ...]
    role: str  # current, old, new, orphaned
    reexeced: bool
    environment_read: float | None  # when the exec chain started; None where that cannot be known

    @property
    def processes(self) -> tuple[Process, ...]:
        return ((self.master,) if self.master else ()) + self.workers


class Server(NamedTuple):
    """One application server: all generations of it that are alive, oldest first."""

    kind: str  # the module's name: gunicorn, unicorn
    name: str
    generations: tuple[Generation, ...]
    arguments: tuple[str, ...] | None  # its own command line, to start it again; None where a title hides it
    owners: tuple[Owner, ...] = ()  # who keeps it running, innermost first: the first one owns its restart

    @property
    def owner(self) -> Owner | None:
        return self.owners[0] if self.owners else None

    @property
    def processes(self) -> tuple[Process, ...]:
        return tuple(p for g in self.generations for p in g.processes)

    @property
    def first(self) -> Process:
        """The process that stands for the server: the newest master, or a worker where there is none."""
        masters = [g.master for g in self.generations if g.master]
        return masters[-1] if masters else self.processes[0]

"""What was seen of a host, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from envcheck.model.configured import Answers, Configured, FileFacts, Setting
from envcheck.model.expected import Expectation
from envcheck.model.running import Process, Server
from envcheck.model.words import Action, Cause, Diagnosis, Disruption, Severity
from envcheck.secrecy import Policy


class Gap(NamedTuple):
    """Something that could not be read, and why."""

    what: str
    why: str
    hint: str = ""


class Snapshot(NamedTuple):
    """All that was read of one host."""

    host: str
    taken: float
    uid: int  # who looked
    servers: tuple[Server, ...]
    files: Mapping[str, FileFacts]
    commands: Mapping[str, str | None]  # name -> path, of programs a remedy may want
    users: Mapping[int, str] = {}
    gaps: tuple[Gap, ...] = ()
    strays: tuple[Process, ...] = ()  # processes that were asked for and are no known server
    ancestors: Mapping[int, Process] = {}  # by pid: those of servers, up to pid 1
    answers: Answers = Answers()  # what the supervisors were asked about
    real: Mapping[str, tuple[str, ...]] = {}  # where the paths lead that a pattern of the user fits


class Layer(NamedTuple):
    """What one layer says of one variable, over the processes of a finding."""

    status: str
    present: bool | None  # None: the status does not allow to tell


class Finding(NamedTuple):
    """One variable judged. `variable` is None where the server as a whole is meant."""

    variable: str | None
    diagnosis: Diagnosis
    cause: Cause | None
    severity: Severity
    message: str
    pids: tuple[int, ...]
    expected: Expectation | None
    configured: bool | None
    origin: str | None
    at_exec: Layer
    live: Layer
    settings: tuple[Setting, ...] = ()
    values: Mapping[str, str | None] = {}  # configured, at_exec, live: for reports that may show them

    @property
    def wrong(self) -> bool:
        return self.diagnosis not in (Diagnosis.IN_SYNC, Diagnosis.UNPROVEN)

    def __repr__(self) -> str:
        return f"Finding({self.variable!r}, {self.diagnosis}, {self.cause})"


class Step(NamedTuple):
    argv: tuple[str, ...]
    why: str
    disruption: Disruption | None = None
    runnable: bool = True
    hazards: tuple[Hazard, ...] = ()  # what this very command may lose, or why it cannot be run


class Hazard(NamedTuple):
    variable: str | None
    cause: str
    message: str


class Remedy(NamedTuple):
    action: Action = Action.NONE
    sufficient: bool = True
    steps: tuple[Step, ...] = ()
    insufficient: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    note: str = ""


class AppReport(NamedTuple):
    name: str
    server: Server
    state: Diagnosis
    configured: Configured
    findings: tuple[Finding, ...]
    remedy: Remedy
    policy: Policy  # what may be shown of its values


class HostReport(NamedTuple):
    name: str
    status: str
    gaps: tuple[Gap, ...]
    apps: tuple[AppReport, ...]
    unmatched: tuple[str, ...] = ()  # apps of the spec, or targets, that no server matches
    reasons: Mapping[str, str] = {}  # why, of those of which it can be told


class Report(NamedTuple):
    hosts: tuple[HostReport, ...]
    exit_code: int

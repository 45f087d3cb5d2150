"""What was seen of a host, and what is said of it."""

from collections.abc import Mapping
from typing import NamedTuple

from envcheck.model.configured import Answers, Configured, FileFacts, Setting
from envcheck.model.expected import Constraint, Expectation, Waiver
from envcheck.model.running import Process, Server
from envcheck.model.steps import Hazard, Outcome, Step
from envcheck.model.words import Action, Cause, Diagnosis, Severity
from envcheck.secrecy import Policy


class Gap(NamedTuple):
    """Something that could not be read, and why."""

    what: str
    why: str
    hint: str = ""
    hides: bool = True  # whether there may be servers that were not seen because of it


class Key(NamedTuple):
    """The key of the fingerprints that stand for hidden values in a record."""

    id: str
    kept: bool  # False: it was made for the one record, and nothing else can be compared with it


class Recorded(NamedTuple):
    """What a fresh start would give one server, as it was computed where the sources could be read."""

    pid: int  # of the process that stands for the server
    app: str  # of the spec that the snapshot was taken with; "": without one
    configured: Configured


class Snapshot(NamedTuple):
    """All that was read of one host; or, with a `key`, what a record of it holds."""

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
    looping: tuple[int, ...] = ()  # masters whose workers were all others at every look
    real: Mapping[str, tuple[str, ...]] = {}  # where the paths lead that a pattern of the user fits
    recorded: tuple[Recorded, ...] = ()  # of a record, which has neither answers nor contents of files
    key: Key | None = None  # None: values are as they were read
    inside: Mapping[int, Mapping[str, FileFacts]] = {}  # by the pid of who sees them: files of other roots

    def seen_by(self, server: Server) -> Mapping[str, FileFacts]:
        """Give the files that its own configuration and a spec name, as the server sees them."""
        return self.inside.get(server.first.pid, {}) if server.first.apart else self.files


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
    constraint: Constraint | None = None  # where several variables are meant: `variable` is its name
    waived: Waiver | None = None  # then it is told, and does not count

    @property
    def wrong(self) -> bool:
        return self.diagnosis not in (Diagnosis.IN_SYNC, Diagnosis.UNPROVEN)

    def __repr__(self) -> str:
        return f"Finding({self.variable!r}, {self.diagnosis}, {self.cause})"


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
    outcome: Outcome | None = None  # what was done about it, where that was asked for


class HostReport(NamedTuple):
    name: str
    status: str
    gaps: tuple[Gap, ...]
    apps: tuple[AppReport, ...]
    unmatched: tuple[str, ...] = ()  # apps of the spec, or targets, that no server matches
    reasons: Mapping[str, str] = {}  # why, of those of which it can be told
    taken: float | None = None  # when the record was made that this is judged by; None: it was read just now
    key: str = ""  # which key hides values in the record; "": they are as they were read
    kept: bool = False  # whether that key was given, so that others may have it too
    called: str = ""  # what its record calls it, where another record calls its host so as well
    file: str = ""  # the hosts file that knows it by its name; "": -H does

    @property
    def looked(self) -> bool:
        """Tell whether it was looked at, if perhaps not whole."""
        return self.status in ("ok", "partial")


class Listed(NamedTuple):
    """The servers of a host that are listed, each as it is judged without a spec."""

    snapshot: Snapshot
    apps: tuple[AppReport, ...]


class Alike(NamedTuple):
    """Hosts that have the same value of a variable; None: they have none."""

    value: str | None
    hosts: tuple[str, ...]


class Difference(NamedTuple):
    """A variable that hosts do not have alike, although they run the same app."""

    app: str
    variable: str
    layers: tuple[str, ...]  # configured, running: those that differ in the same way
    groups: tuple[Alike, ...]  # the largest first
    policy: Policy  # what may be shown of the values


class Report(NamedTuple):
    hosts: tuple[HostReport, ...]
    exit_code: int
    made: float | None = None  # when it was judged, where that may be long after it was seen
    timed_out: bool | None = None  # of a wait: whether its time was over before all was well
    differences: tuple[Difference, ...] = ()  # between hosts
    uncompared: tuple[str, ...] = ()  # hosts whose hidden values have another key than those of the others

"""monit 5.33: a service is started by a command of its control file, in the environment that monit has.

monit is no ancestor of what it starts, which daemonises; what tells it is its mark. Observed: it hands its
own environment on and adds MONIT_*; `restart` runs the command that was read at the last start or reload;
`reload` reads the control files again and leaves the services as they are; both go through a daemon that
answers later. Where an init system has started monit, its services are in the cgroup of monit's own unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from envcheck import environ
from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    Disruption,
    Hazard,
    Owner,
    Parsed,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.supervisors import monit_config
from envcheck.supervisors.ancestry import INHERITED, is_handed_on
from envcheck.supervisors.known import Known

CONTROL, GIVEN = (
    "monit-control",
    "given",
)  # the kind of source, and its dialect where monit was told to read it
MARK = "MONIT_SERVICE"
UNIT = "/monit.service"
PIDFILES = ("/run/monit.pid", "/var/run/monit.pid")
PATIENCE = "5"  # seconds; seen: about one
OF_A_USER = ("HOME", "LOGNAME", "SHELL", "USER")

FORGETS = "it runs the command that monit has read before the change"
LEAVES = "it reads the control files again, and leaves the server as it is"
OWN = "it goes on with the environment that it was started with itself"


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    del ancestors
    name = process.running.variables.get(MARK, "")
    if not name:
        return None
    # Marks are inherited, but not out of the cgroup of monit itself.
    evidence = (
        "cgroup" if process.cgroup.rstrip().endswith(UNIT) or f"{UNIT}\n" in process.cgroup else "marks"
    )
    return Owner("monit", name, evidence)


def start(owner: Owner, process: Process, known: Known) -> Start:
    pid, since = _daemon(known)
    base = _own(pid, since, known, process)
    given = _given(pid, known)
    read = monit_config.find(owner.name, given, known)
    program = read.program
    if program is None:
        why = read.why or f"it has no `start program` for {owner.name}"
        return Start((base, Applied(Source("monit", read.path, Stage.EXEC), None, 0.0, why)))
    control = Source(CONTROL, read.control, Stage.EXEC, GIVEN if given else "")
    applied = (base, Applied(control, Parsed(), read.changed), *_user(program))
    written = (program.path, program.line, program.changed)
    return Start(applied, program.words, folder="/", written=written)


def _daemon(known: Known) -> tuple[str, float]:
    """Give the pid of monit itself, and when it wrote that down; "": it is not known."""
    for path in PIDFILES:
        facts = known.file(path)
        if facts is not None and facts.status == "ok":
            text = facts.content.decode("ascii", "replace").strip()
            command = known.file(f"/proc/{text}/cmdline") if text.isdigit() else None
            words = command.content.split(b"\0") if command else []
            return (text if words[:1] and words[0].rpartition(b"/")[2] == b"monit" else ""), facts.changed
    return "", 0.0


def _given(pid: str, known: Known) -> str:
    """Give the control file that its command line names."""
    facts = known.file(f"/proc/{pid}/cmdline") if pid else None
    words = facts.content.decode("utf-8", "surrogateescape").split("\0") if facts else []
    named = [b for a, b in pairwise(words) if a == "-c" and b.startswith("/")]
    return named[-1] if named else ""


def _own(pid: str, since: float, known: Known, process: Process) -> Applied:
    """Give the environment that monit itself was started with, and hands on."""
    source = Source(INHERITED, f"the environment of monit {pid}".rstrip(), Stage.EXEC)
    facts = known.file(f"/proc/{pid}/environ") if pid else None
    if facts is None or facts.status != "ok":
        why = "which process monit is, is not known" if not pid else "it could not be read"
        return Applied(source, None, 0.0, why)
    reading = environ.at_exec(facts.content)
    if not reading.usable:
        return Applied(source, None, 0.0, f"it could not be read ({reading.status})")
    given = reading.variables.items()
    return Applied(
        source, Parsed(tuple(Assignment(n, v, 0) for n, v in given if is_handed_on(n, v, process))), since
    )


def _user(program: monit_config.Program) -> tuple[Applied, ...]:
    """With `as uid` it tells the program who it is."""
    if not program.user:
        return ()
    assignments = tuple(Assignment(n, None, program.line, dynamic=True) for n in OF_A_USER)
    return (Applied(Source("monit", program.path, Stage.EXEC), Parsed(assignments), program.changed),)


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    del snapshot, policy
    name = owner.name if owner else ""
    run = _monit(configured)
    again = Step((*run, "restart", name), "monit stops the server and starts it anew", Disruption.DOWNTIME)
    if not _edited(server, configured):
        return (again,)
    return (
        Step((*run, "reload"), "monit has to read its control file again", Disruption.NONE),
        Step(("sleep", PATIENCE), "it does so a moment later, and loses a restart that is asked for before"),
        again,
    )


def _monit(configured: Configured) -> tuple[str, ...]:
    """Give the words that reach the daemon: it is found by its control file."""
    sources = (a.source for a in configured.applied)
    given = next((s.path for s in sources if (s.kind, s.dialect) == (CONTROL, GIVEN)), "")
    return ("monit", "-c", given) if given else ("monit",)


def _edited(server: Server, configured: Configured) -> bool:
    """Tell whether something that a control file sets differs: when monit last read it, nothing tells."""
    start, has = configured.start, server.first.running.variables
    if start is None or start.written is None:
        return True
    path, _, changed = start.written
    winners = ((n, s[-1]) for n, s in configured.settings.items() if s[-1].source.path == path)
    differs = any(has.get(n) != s.assignment.value for n, s in winners if not s.assignment.dynamic)
    return differs or changed > server.first.started


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    name = owner.name if owner else ""
    run = _monit(configured)
    reload = Step((*run, "reload"), LEAVES)
    if not _edited(server, configured):
        return (reload,)
    return reload, Step((*run, "restart", name), FORGETS)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del owner, server, snapshot
    message = (
        f"what monit itself was started with is taken for configured, a restart of the server keeps it: {OWN}"
    )
    return (Hazard(None, "unknown-start", message),)

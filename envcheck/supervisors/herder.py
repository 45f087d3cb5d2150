"""A herder: a small program that starts a server which daemonises, and watches it by its pid file.

Unicornherder (alphagov/unicornherder 0.2.1) under Upstart is the one that is known: HUP to it becomes USR2 to
the master, TERM ends both, a pid file that it cannot read makes it kill the master and end. The master is no
child of it; what ties them together is the pid file that both command lines name.

Where the herder is gone and the master lives on, nothing that Upstart does reaches the server: it has to be
stopped by its pid before a start can succeed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from envcheck.model import (
    Configured,
    Disruption,
    Hazard,
    Owner,
    Process,
    Server,
    Snapshot,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.supervisors import starting, unsupervised, upstart
from envcheck.supervisors.known import Known

GOES_WITH_UPGRADES = True  # it reads the pid file again, and watches the new master then
SCRIPT = re.compile(r"\w*herder(\.py)?")
PIDFILE = ("-p", "-P", "--pid", "--pidfile")

# Reasons, observed with unicornherder 0.2.1 and unicorn 6.0.0, gunicorn 27.0.1.
HUP_IS_USR2 = "the herder makes USR2 of it: the new master is exec'd by the old one, with its environment"
USR2_STAYS = (
    "the herder hands it on and does not end the old master: two generations stay, with one old environment"
)
HUP_KILLS = "never: the master forgets the pid file, the herder cannot read it and kills the server"
RELOAD = "it sends HUP to the herder, which makes USR2 of it: the environment stays the old one"


def is_herder(process: Process) -> bool:
    """Tell a herder by its program, or by the script that an interpreter runs."""
    words = [w for w in process.argv[:3] if not w.startswith("-")][:2]
    return any(SCRIPT.fullmatch(posixpath.basename(w)) for w in words)


def guardian(process: Process, processes: Iterable[Process]) -> Process | None:
    """Find the herder of a daemonised master: the one whose pid file its command line names.

    A title may hide the command line: then the only older herder of the same user in the same folder.
    """
    if process.parent != 1:
        return None
    herders = [p for p in processes if p.pid != process.pid and is_herder(p) and p.started <= process.started]
    words = {_absolute(w, process) for argument in process.argv for w in argument.split(" ") if w}
    for candidate in herders:
        path = pidfile(candidate)
        if path and path in words:
            return candidate
    near = [p for p in herders if p.cwd is not None and (p.cwd, p.uid) == (process.cwd, process.uid)]
    return near[0] if len(near) == 1 and len(words) < 6 else None  # noqa: PLR2004


def pidfile(herder: Process) -> str:
    for word, value in zip(herder.argv, herder.argv[1:], strict=False):
        if word == "--":
            break
        if word in PIDFILE:
            return _absolute(value, herder)
    return ""


def _absolute(path: str, process: Process) -> str:
    return posixpath.normpath(posixpath.join(process.cwd or "/", path))


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Tell from the herder, or from the marks of the job that has lost it.

    Both are marks: whoever keeps the herder itself running, if that is known, owns the restart.
    """
    job = _job(process)
    for ancestor in ancestors:
        if is_herder(ancestor):
            facts = {"job": job} if job else {}
            name = job or f"herder {ancestor.pid}"
            return Owner("herder", name, "marks", 0, ancestor.pid, facts, ancestor)
    top = [process, *ancestors]
    if job and any(p.parent == 1 for p in top) and any(starting.backgrounds(p.argv) for p in top):
        why = (
            f"the herder of job {job} is gone and master {process.pid} lives on: nothing that the job does "
            "reaches it, and a start finds it running"
        )
        return Owner("herder", job, "marks", 0, 0, {"job": job, "orphaned": why})
    return None


def _job(process: Process) -> str:
    reading = process.at_exec if process.at_exec.usable else process.live
    return reading.variables.get("UPSTART_JOB", "")


def start(owner: Owner, process: Process, known: Known) -> Start:
    """A herder has nothing of its own: what it was started through is written in its job."""
    del process
    since = owner.supervising.started if owner.supervising else None
    return upstart.job(owner.facts.get("job", ""), known)._replace(since=since)


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    facts: Mapping[str, str] = owner.facts if owner else {}
    newest = server._replace(generations=server.generations[-1:])
    job = facts.get("job", "")
    herder = owner.supervising if owner else None
    if "orphaned" in facts:
        return (*unsupervised.end(server), upstart.command("start", job))
    replaced = unsupervised.end_half(server, server.generations[:-1], "a herder ends the newest master alone")
    if job:
        stop = upstart.command("stop", job, Disruption.DOWNTIME)
        return (*replaced, stop, *unsupervised.waits(newest), upstart.command("start", job))
    if herder is None:
        return unsupervised.restart(owner, server, configured, snapshot, policy)
    why = "the herder ends the server and then itself"
    first = Step(("kill", "-TERM", str(herder.pid)), why, Disruption.DOWNTIME)
    again = starting.again(herder, herder.argv, configured, snapshot, policy)
    return (*replaced, first, *unsupervised.waits(newest, herder), again)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    facts: Mapping[str, str] = owner.facts if owner else {}
    job = facts.get("job", "")
    if "orphaned" in facts:
        return (upstart.command("start", job, why="the stray master holds the port and the pid file"),)
    herder = str(owner.pid) if owner else ""
    reload = (upstart.command("reload", job, why=RELOAD),) if job else ()
    return (
        *reload,
        *upstart.insufficient(job, configured),
        Step(("kill", "-HUP", herder), HUP_IS_USR2),
        Step(("kill", "-USR2", herder), USR2_STAYS),
        *_deadly(server),
    )


def _deadly(server: Server) -> tuple[Step, ...]:
    """Unicorn's master loses its pid file to HUP; Gunicorn's keeps it."""
    if server.kind != "unicorn":
        return ()
    return (Step(("kill", "-HUP", str(server.first.pid)), HUP_KILLS, Disruption.DOWNTIME),)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del snapshot
    if owner is None or not owner.facts.get("job") or "orphaned" in owner.facts:
        return ()
    message = (
        "a stop that takes longer than the job's kill timeout (5 s) kills the herder and leaves the master: "
        "wait until the old one has ended"
    )
    return (Hazard(None, "slow-stop", f"{message} ({server.first.pid})"),)

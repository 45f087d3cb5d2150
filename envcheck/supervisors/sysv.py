"""A script in /etc/init.d: told from the pid file that the server's command line names.

Such a script is a program; it is not followed. What /etc/default exports is certain, what it only sets
reaches the server if the script exports it. `service NAME restart` runs the script with LANG, PATH and TERM
alone (service(8) of init-system-helpers), so the caller's shell does not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envcheck.model import (
    Answers,
    Applied,
    Assignment,
    Configured,
    Disruption,
    Hazard,
    Owner,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.sources import chain
from envcheck.supervisors.known import Known

# /run/shop.pid, /var/run/shop/gunicorn.pid, /run/gunicorn/shop.pid: the folder or the file has the name.
PIDFILE = re.compile(r"/(?:var/)?run/(?:([\w.-]+)/)?([\w.-]+?)\.pid")
GENERIC = frozenset({"app", "master", "server", "gunicorn", "unicorn", "web"})


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    if process.parent != 1 and not any(p.parent == 1 for p in ancestors):
        return None
    for word in (w for argument in process.argv for w in argument.split(" ")):
        if match := PIDFILE.fullmatch(word):
            name = match[1] if match[1] and (match[2] in GENERIC or match[1] == match[2]) else match[2]
            return Owner("sysv", name, "marks")
    return None


def confirmed(owner: Owner, answers: Answers) -> bool:
    """Tell whether there is such a script at all: a pid file may be anybody's."""
    script = answers.files.get(f"/etc/init.d/{owner.name}")
    return owner.kind != "sysv" or (script is not None and script.status == "ok")


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process
    script = Source("script", f"/etc/init.d/{owner.name}", Stage.EXEC)
    facts = known.file(script.path)
    if facts is None or facts.status == "missing":
        return Start()
    gap = Applied(script, None, facts.changed, "dynamic: what the script does is not followed")
    source = Source("file", f"/etc/default/{owner.name}", Stage.EXEC, "shell", optional=True)
    done = chain.apply(source, known.file(source.path), {})
    return Start((gap, *([_open(done)] if done else [])))


def _open(applied: Applied) -> Applied:
    """Add what is set and not exported: whether it arrives is for the script to say."""
    if applied.parsed is None:
        return applied
    hidden = re.compile(r"([A-Za-z_]\w*) is set, but not exported")
    found = [(hidden.fullmatch(p.message), p.line) for p in applied.parsed.problems]
    unsure = tuple(Assignment(m[1], None, line or 0, dynamic=True) for m, line in found if m)
    return applied._replace(
        parsed=applied.parsed._replace(assignments=(*applied.parsed.assignments, *unsure))
    )


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    del server, configured, snapshot, policy
    why = "the script ends the server and starts it anew, which reads its file in /etc/default"
    return (Step(("service", owner.name if owner else "", "restart"), why, Disruption.DOWNTIME),)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del server, configured
    why = "it sends HUP: new workers inherit the environment of the master"
    return (Step(("service", owner.name if owner else "", "reload"), why),)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del server, snapshot
    message = f"what /etc/init.d/{owner.name if owner else ''} does to the environment is not followed"
    return (Hazard(None, "unknown-start", message),)

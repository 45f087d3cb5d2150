"""A script in /etc/init.d: told from the pid file that the server's command line names.

Such a script is a program; it is not followed, but the file of its name in /etc/default is read. `service
NAME restart` runs the script with LANG, PATH and TERM
alone (service(8) of init-system-helpers), so the caller's shell does not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envcheck.model import (
    Answers,
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
from envcheck.supervisors import scripts
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


def confirmed(owner: Owner, answers: Answers) -> Owner | None:
    """Give the owner if there is such a script at all: a pid file may be anybody's."""
    script = answers.files.get(f"/etc/init.d/{owner.name}")
    return owner if script is not None and script.status == "ok" else None


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process
    return scripts.start(f"/etc/init.d/{owner.name}", (f"/etc/default/{owner.name}",), known)


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

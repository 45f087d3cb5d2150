"""Units that open a session: what `su` starts is in its scope, and with pam_systemd so is `su` itself.

Its cgroup does not tell the unit then, but systemd has started that very process, and knows it as the main
one of a unit. A program that lets somebody in is no such opener: what is behind `login` was started by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envcheck.model import Answers, Owner, Process
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd.loaded import properties

SCOPE = re.compile(r"/session-[^/]+\.scope(?:/|$)")
OPENING = frozenset({"su", "runuser", "sudo"})
LISTED = ("systemctl", "--system", "-p", "Id,MainPID", "show", "--", "*.service")
OPENER = "opener"  # of an owner's facts: the pid that has to be the main one of its unit


def opener(process: Process, ancestors: Sequence[Process], cgroup: str) -> Process | None:
    """Give who was started by systemd and is in a session by now: the process, or who has started it."""
    if not SCOPE.search(cgroup):
        return None
    if _marked(process, process):
        return process
    found = next((a for a in ancestors if a.comm in OPENING and _marked(a, process)), None)
    return None if process.inner not in (0, process.pid) else found


def _marked(started: Process, process: Process) -> bool:
    """Tell whether systemd exec'd *started*: by its own mark, or the one that *process* has inherited."""
    marks = (p.at_exec.variables.get("SYSTEMD_EXEC_PID") for p in (started, process))
    return str(started.inner or started.pid) in marks


def named(owner: Owner, known: Known) -> Owner | None:
    """Name the unit whose main process has opened the session; None: there is none, or not known yet."""
    pid = owner.facts.get(OPENER)
    output = known.run(*LISTED) if pid else None
    if not pid:
        return owner
    blocks = map(properties, output.stdout.split(b"\n\n")) if output and output.good else ()
    names = [b["Id"][0] for b in blocks if b.get("MainPID") == (pid,) and "Id" in b]
    return owner._replace(name=names[0]) if names else None


def confirmed(owner: Owner, answers: Answers) -> Owner | None:
    """Give the owner with its name, if systemd has told one."""
    return named(owner, Known(answers))

"""What runit, daemontools and s6 have in common: a folder, a program `run` in it, and a watcher of its own.

The watcher (`runsv`, `supervise`, `s6-supervise`) stands in the folder of the service: its working directory
tells which one that is. It adds nothing to the environment that it hands on, so what the tree of watchers was
started with is the first source, and `run` is the second.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    Disruption,
    Hazard,
    Need,
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
from envcheck.supervisors.ancestry import INHERITED, is_handed_on
from envcheck.supervisors.known import Known
from envcheck.supervisors.needs import PROGRAM

FORK = "it reaches the same process: new workers inherit its environment"


class Services:
    """One of the three; a module of it is one value of this class."""

    def __init__(
        self, kind: str, watcher: str, restart: tuple[str, ...], wrong: Sequence[tuple[str, ...]]
    ) -> None:
        self.kind = kind
        self.watcher = watcher
        self.command = restart
        self.wrong = wrong

    def owner(self, process: Process, ancestors: Sequence[Process]) -> Owner | None:
        del process
        for distance, ancestor in enumerate(ancestors):
            if ancestor.comm == self.watcher and (folder := _folder(ancestor, ancestors[distance + 1 :])):
                return Owner(self.kind, folder, "ancestor", distance, ancestor.pid, supervising=ancestor)
        return None

    def start(self, owner: Owner, process: Process, known: Known) -> Start:
        del known
        run = posixpath.join(owner.name, "run")
        first = inherited(owner.supervising, process)
        # s6-supervise gives `run` the name of the service, the others give it nothing (s6-supervise.c).
        argument = (posixpath.basename(owner.name),) if self.kind == "s6" else ()
        return Start(
            applied=(first,) if first else (),
            command=(run, *argument),
            folder=owner.name,
            needs=(Need(PROGRAM, (run,), f"what {self.watcher} runs"),),
            user=str(owner.supervising.uid) if owner.supervising else "",
        )

    def restart(
        self, owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
    ) -> tuple[Step, ...]:
        del server, configured, snapshot, policy
        folder = owner.name if owner else ""
        why = f"{self.watcher} ends the server and runs {folder}/run again, which reads its sources"
        return (Step((*self.command, folder), why, Disruption.DOWNTIME),)

    def insufficient(self, owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
        del server, configured
        folder = owner.name if owner else ""
        return tuple(Step((*words, folder), FORK) for words in self.wrong)

    def hazards(self, owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
        del snapshot
        if owner is None or not any(g.reexeced for g in server.generations):
            return ()
        message = (
            "it was re-executed: when the old master ends, run is started anew and may find the port taken"
        )
        return (Hazard(None, "reexec-under-supervisor", message),)


SCANNERS = frozenset({"runsvdir", "svscan", "s6-svscan"})


def _folder(watcher: Process, above: Sequence[Process]) -> str:
    """Give the folder of a service; where another user's working directory may not be read, by the arguments.

    A scanner is told the folder of all services, and tells its watchers the name of one in it.
    """
    name = watcher.argv[1] if len(watcher.argv) > 1 else ""
    if watcher.cwd or name.startswith("/"):
        return watcher.cwd or name
    scanner = next((p for p in above[:1] if p.comm in SCANNERS), None)
    base = next((word for word in scanner.argv[1:] if word.startswith("/")), "") if scanner else ""
    return posixpath.join(base, name) if base and name else ""


def inherited(watcher: Process | None, process: Process) -> Applied | None:
    """Give the environment that a supervising process was started with, which what it starts inherits."""
    if watcher is None:
        return None
    source = Source(INHERITED, f"the environment of {watcher.comm} {watcher.pid}", Stage.EXEC)
    reading = watcher.at_exec
    if not reading.usable:
        return Applied(source, None, watcher.started, f"its environment could not be read ({reading.status})")
    given = reading.variables.items()
    assignments = tuple(Assignment(n, v, 0) for n, v in given if is_handed_on(n, v, process))
    return Applied(source, Parsed(assignments), watcher.started)

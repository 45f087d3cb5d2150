"""A container from within: the server, or what starts and reaps it, is the first process of it.

Nobody inside can start it again: when the first process ends, so does the container, and whoever keeps that
decides what comes. What it is given is written outside.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from envcheck.model import Action, Configured, Hazard, Owner, Process, Server, Snapshot, Start, Step
from envcheck.secrecy import Policy
from envcheck.supervisors import containers
from envcheck.supervisors.known import Known
from envcheck.supervisors.programs import SERVERS

RESTART_IS = Action.RECREATE
ENDS_ALL = True
OUTSIDE = "what the container is given is written outside of it"


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Where the cgroup names the container, its engine is out of reach all the same; marks tell more."""
    above = ancestors[0] if ancestors else None
    first = process.pid == 1 or (above is not None and above.pid == 1 and _starts_a_server(above))
    if not first:
        return None
    found = containers.container(process.cgroup)
    if found is not None:
        return Owner("container", found.name, "cgroup", -1, facts=found.facts)
    return Owner("container", process.running.variables.get("HOSTNAME", ""), "marks", 1)


def _starts_a_server(init: Process) -> bool:
    """Tell an init of containers that was told to run a server; one that has adopted it was not."""
    names = [posixpath.basename(word) for word in init.argv]
    return names[:1] != [] and names[0] in containers.INITS and any(map(SERVERS.fullmatch, names[1:]))


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process, known
    return Start((containers.gap(f"container {owner.name}".strip(), OUTSIDE),))


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Nobody in it can."""
    del owner, server, configured, snapshot, policy
    return ()


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del owner, configured
    why = "it is the first process: the container ends, and what starts it again gives it the same variables"
    masters = [g.master for g in server.generations if g.master]
    return tuple(Step(("kill", "-TERM", str(m.pid)), why) for m in masters)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del owner, server, snapshot
    return ()


def advice(owner: Owner | None, snapshot: Snapshot) -> str:
    del owner, snapshot
    return (
        "have the container created anew from outside of it: nobody in it can start its first process again "
        "(podman run --replace, docker compose up --force-recreate, kubectl rollout restart)"
    )

"""A server that was started by hand, or by something that is not known: stop it, then start it again.

What the first start got from its shell cannot be known: `hazards` says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.model import (
    Configured,
    Disruption,
    Generation,
    Hazard,
    Owner,
    Process,
    Server,
    Snapshot,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.servers import SERVERS
from envcheck.supervisors import starting
from envcheck.supervisors.known import Known
from envcheck.supervisors.starting import DELETED

# Seconds that a server has to end gracefully: gunicorn's graceful_timeout and unicorn's timeout are below.
PATIENCE = "90"

# A process that has ended but was not reaped yet is no reason to wait on: its port is free.
WAIT = r'while grep -qs "^State:.[^ZX]" "/proc/$0/status"; do sleep 0.1; done'


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Nobody owns what nobody is known to watch over."""
    del process, ancestors
    return None


def start(owner: Owner, process: Process, known: Known) -> Start:
    """What is given by hand is not written anywhere."""
    del owner, process, known
    return Start()


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    """There is no command but the server's own signals."""
    del owner, server, configured
    return ()


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    del owner
    return (*end(server), starting.start(server, configured, snapshot, policy))


def end(server: Server) -> tuple[Step, ...]:
    """Stop a server by the pids of its masters, and wait for them."""
    module = SERVERS[server.kind]
    masters = [g.master for g in server.generations if g.master]
    return (*(module.stop(master) for master in masters), *stop_orphans(server), *waits(server))


def end_half(server: Server, generations: Sequence[Generation], why: str) -> tuple[Step, ...]:
    """Stop one half of an upgrade: the other one goes on serving."""
    module = SERVERS[server.kind]
    masters = [g.master for g in generations if g.master]
    stops = [module.stop(master)._replace(why=why, disruption=Disruption.CONNECTIONS) for master in masters]
    return (*stops, *_wait(*masters))


def waits(server: Server, *others: Process) -> tuple[Step, ...]:
    """Wait until the masters have ended, and *others*."""
    masters = [g.master for g in server.generations if g.master]
    return _wait(*masters, *orphans(server), *others)


def _wait(*processes: Process) -> tuple[Step, ...]:
    return tuple(
        Step(("timeout", PATIENCE, "sh", "-c", WAIT, str(p.pid)), f"wait until {p.pid} has ended")
        for p in processes
    )


def orphans(server: Server) -> list[Process]:
    """Give the workers whose master is gone."""
    return [p for g in server.generations if g.master is None for p in g.workers]


def stop_orphans(server: Server) -> list[Step]:
    why = "a worker without a master: nothing else reaches it"
    return [Step(("kill", "-QUIT", str(p.pid)), why, Disruption.CONNECTIONS) for p in orphans(server)]


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del owner
    found = [
        Hazard(
            None,
            "unknown-start",
            "what a shell or a wrapper did before the first start is not known, and is not done again",
        )
    ]
    if server.arguments is None:
        found.append(
            Hazard(
                None,
                "unknown-start",
                "its command line is hidden by a process title: use the one you start it with",
            )
        )
    if (server.first.cwd or "").endswith(DELETED):
        message = "its folder has been deleted, perhaps by a deploy: start it in the one that is there now"
        found.append(Hazard(None, "unknown-start", message))
    parent = snapshot.ancestors.get(server.first.parent)
    if parent and parent.pid != 1:
        message = (
            f"its parent {server.first.parent} ({parent.comm}) may start it again by itself, with what it has"
        )
        found.append(Hazard(None, "unknown-start", message))
    return tuple(found)

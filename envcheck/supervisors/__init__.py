"""Who keeps servers running, what a fresh start by it gives, and how to have one: one module each.

A module says *which* files and read-only commands tell what a fresh process gets, and how to read the
answers; it reads nothing itself. A server that nobody is known to watch over is `unsupervised`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from envcheck.model import Configured, Hazard, Owner, Process, Server, Snapshot, Start, Step
from envcheck.secrecy import Policy
from envcheck.supervisors import (
    circus,
    daemontools,
    herder,
    honcho,
    monit,
    openrc,
    runit,
    s6,
    supervisord,
    systemd,
    sysv,
    tmux,
    unsupervised,
    wrappers,
)
from envcheck.supervisors.known import Known


class Supervisor(Protocol):
    """One way in which servers are kept running."""

    def owner(self, process: Process, ancestors: Sequence[Process]) -> Owner | None:
        """Tell from /proc alone whether it keeps this master running; *ancestors*: nearest first."""
        ...

    def start(self, owner: Owner, process: Process, known: Known) -> Start:
        """Say what a fresh start would give, as far as it is known; what is not is `wanted` of *known*."""
        ...

    def restart(
        self, owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
    ) -> tuple[Step, ...]:
        """Give the steps after which the server runs in an environment read anew from its sources."""
        ...

    def insufficient(self, owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
        """Give its own popular commands that do not bring the change in, each with the reason."""
        ...

    def hazards(self, owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
        """Say what such a restart may lose or break."""
        ...


# The one without an owner; the others are asked in this order, and the nearest to the server wins.
UNSUPERVISED: Supervisor = unsupervised

SUPERVISORS: dict[str, Supervisor] = {
    "runit": runit,
    "daemontools": daemontools,
    "s6": s6,
    "herder": herder,
    "openrc": openrc,
    "monit": monit,
    "tmux": tmux,
    "sysv": sysv,
    "supervisord": supervisord,
    "circus": circus,
    "honcho": honcho,
    "systemd": systemd,
}


def fresh(owner: Owner, process: Process, known: Known) -> Start:
    """Say what a fresh start would give: by the supervisor, then by the wrappers in what it starts."""
    return wrappers.follow(SUPERVISORS[owner.kind].start(owner, process, known), process, known)


def supervisor(owner: Owner | None) -> Supervisor:
    return UNSUPERVISED if owner is None else SUPERVISORS[owner.kind]

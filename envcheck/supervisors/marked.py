"""Supervisors that leave a mark in the environment: who they are is told, not yet what they give.

Marks are inherited and outlive who set them, so they count only where no ancestor and no cgroup tells more.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from envcheck.supervisors import unsupervised
from envcheck.supervisors.known import Known

Words = tuple[tuple[str, ...], ...]


class Marked:
    """One of them: the ancestor or the variable that shows it, and its commands with NAME for the service."""

    def __init__(
        self,
        kind: str,
        mark: str,
        restart: Words = (),
        wrong: tuple[tuple[tuple[str, ...], str], ...] = (),
        ancestor: str = "",
    ) -> None:
        self.kind = kind
        self.mark = mark
        self.commands = restart
        self.wrong = wrong
        self.ancestor = ancestor

    def owner(self, process: Process, ancestors: Sequence[Process]) -> Owner | None:
        name = process.running.variables.get(self.mark, "")
        if self.ancestor:
            for distance, ancestor in enumerate(ancestors):
                if ancestor.comm.startswith(self.ancestor):
                    name = name or next(iter(ancestor.argv[1:2]), "")
                    return Owner(self.kind, name, "ancestor", distance, ancestor.pid, supervising=ancestor)
        return Owner(self.kind, name, "marks") if name else None

    def start(self, owner: Owner, process: Process, known: Known) -> Start:
        """Nothing is compared: how it builds an environment is not understood yet."""
        del owner, process, known
        return Start()

    def restart(
        self, owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
    ) -> tuple[Step, ...]:
        if not self.commands:
            return unsupervised.restart(owner, server, configured, snapshot, policy)
        why = f"{self.kind} ends the server and starts it by its definition"
        return tuple(Step(self._named(words, owner), why, Disruption.DOWNTIME) for words in self.commands)

    def insufficient(self, owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
        del server, configured
        return tuple(Step(self._named(words, owner), why) for words, why in self.wrong)

    def hazards(self, owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
        if not self.commands:
            return unsupervised.hazards(owner, server, snapshot)
        message = f"what {self.kind} gives a fresh start is not understood yet: name the sources in the spec"
        return (Hazard(None, "unknown-start", message),)

    @staticmethod
    def _named(words: tuple[str, ...], owner: Owner | None) -> tuple[str, ...]:
        return tuple(owner.name if w == "NAME" and owner else w for w in words)

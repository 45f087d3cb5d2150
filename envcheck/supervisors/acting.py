"""Whose restart it takes: that of the server's own supervisor, or of who keeps that one running.

A record has what was to be said at the host, where all could be asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from envcheck.model import Action, Configured, Disruption, Hazard, Owner, Server, Snapshot, Stage, Start, Step
from envcheck.noise import same
from envcheck.secrecy import Policy
from envcheck.sources import chain
from envcheck.supervisors import supervisor, unsupervised
from envcheck.supervisors.ownership import HANDING_ON, STOPPED

# They read all that they give when they start: who keeps them running restarts them, and nothing less helps.
READING_ONCE = frozenset({"honcho", "foreman"})

# Commands that mean a process by its pid, wherever it is.
BY_PID = frozenset({"kill", "timeout"})


def acting(server: Server, configured: Configured) -> tuple[Owner | None, Configured]:
    """Give the innermost owner whose restart brings all in, and what is configured as it sees it."""
    owner, start = server.owner, configured.start
    wrong = _wrong(server, configured)
    while owner is not None and owner.outer is not None and start is not None and start.outer is not None:
        wrong = _behind(start, wrong)
        if not wrong and owner.kind not in READING_ONCE:
            break
        owner, start = owner.outer, start.outer
    return owner, configured if owner is server.owner else configured._replace(start=start)


def _wrong(server: Server, configured: Configured) -> dict[str, str | None]:
    """Give of what the server has not as it should be how it should be."""
    has = server.first.running.variables
    winners = {n: s[-1] for n, s in configured.settings.items() if s[-1].source.stage is Stage.EXEC}
    wrong = {
        n: s.assignment.value
        for n, s in winners.items()
        if not s.assignment.dynamic and not same(n, s.assignment.value, has.get(n))
    }
    return wrong | dict.fromkeys(configured.removed)


def _behind(start: Start, wrong: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give of what is wrong that which the supervisor hands on otherwise, as long as it runs."""
    kept = chain.values(start.kept or ())
    return {n: v for n, v in wrong.items() if start.kept is not None and not same(n, v, kept.get(n))}


def amounts_to(server: Server, configured: Configured) -> Action:
    """Say what a restart is in the words of who does it: a container has to be created anew."""
    if configured.plan:
        return configured.plan.amounts_to
    owner, _ = acting(server, configured)
    said: Action = getattr(supervisor(owner), "RESTART_IS", Action.RESTART)
    return said


def restart(server: Server, configured: Configured, snapshot: Snapshot, policy: Policy) -> tuple[Step, ...]:
    """Give the steps after which the server has an environment read anew from all its sources."""
    if configured.plan:
        return configured.plan.steps
    owner, seen = acting(server, configured)
    steps = supervisor(owner).restart(owner, server, seen, snapshot, policy)
    steps = _from_outside(steps, owner)
    return (*_going_on(owner), *_newer_ended(server, owner), *steps) if steps else ()


def _going_on(owner: Owner | None) -> tuple[Step, ...]:
    """Let a supervisor that was stopped go on first: it would not hear of what follows."""
    supervising = owner.supervising if owner else None
    if owner is None or supervising is None or supervising.state != STOPPED:
        return ()
    why = f"{owner.kind} was stopped by a signal: it takes no command before this"
    return (Step(("kill", "-CONT", str(supervising.pid)), why, Disruption.NONE),)


def _from_outside(steps: tuple[Step, ...], owner: Owner | None) -> tuple[Step, ...]:
    """Let no command be run on the host that is one of a supervisor in a container: it would mean another.

    Signals reach a process by the pid that the host has for it.
    """
    supervising = owner.supervising if owner else None
    if owner is None or supervising is None or supervising.inner in (0, supervising.pid):
        return steps
    if owner.kind == "systemd":  # its steps say for themselves which manager they mean
        return steps
    why = "its supervisor is in a pid namespace of its own: give this command inside of the container"
    hazard = Hazard(None, "unknown-start", why)
    return tuple(
        step if step.argv[0] in BY_PID else step._replace(runnable=False, hazards=(*step.hazards, hazard))
        for step in steps
    )


def watched(owner: Owner | None) -> bool:
    """Tell whether somebody waits for the end of the very process that it has started.

    Such a one knows nothing of a master that this process has exec'd beside itself.
    """
    return owner is not None and owner.evidence != "marks"


def ends_upgrades(owner: Owner | None) -> bool:
    """Tell whether a server that execs itself anew may end by it: a herder alone goes with the new master."""
    return watched(owner) and not getattr(supervisor(owner), "GOES_WITH_UPGRADES", False)


def _newer_ended(server: Server, owner: Owner | None) -> tuple[Step, ...]:
    """End what the supervisor does not know of first: it would stay behind, and hold the port."""
    if owner is None or not watched(owner) or getattr(supervisor(owner), "ENDS_ALL", False):
        return ()
    why = f"{owner.kind} knows the older master alone: this one would stay behind, with what it has"
    return unsupervised.end_half(server, server.generations[1:][::-1], why)


def insufficient(
    server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Give the popular commands that are not enough; a restart by the inner supervisor may be one of them."""
    if configured.plan:
        return configured.plan.insufficient
    owner, seen = acting(server, configured)
    told = supervisor(owner).insufficient(owner, server, seen)
    inner = server.owner
    if inner is None or owner is inner:
        return told
    module = supervisor(inner)
    why = f"{inner.kind} {inner.pid} keeps what it was itself started with, and hands that on"
    restarts = (
        () if inner.kind in READING_ONCE else module.restart(inner, server, configured, snapshot, policy)
    )
    again = tuple(Step(step.argv, why, runnable=step.runnable) for step in restarts)
    return (*again, *module.insufficient(inner, server, configured), *told)


def hazards(server: Server, configured: Configured, snapshot: Snapshot) -> tuple[Hazard, ...]:
    """Say what such a restart may lose or break."""
    if configured.plan:
        return configured.plan.hazards
    owner, _ = acting(server, configured)
    return (*supervisor(owner).hazards(owner, server, snapshot), *_nested(server, configured, owner))


def _nested(server: Server, configured: Configured, acts: Owner | None) -> tuple[Hazard, ...]:
    """Say what is started anew beside the server, or what nobody can tell of its supervisor."""
    owner = server.owner
    if owner is None or owner.kind not in HANDING_ON or owner.supervising is None:
        return ()
    if acts is not owner:
        message = f"all that {owner.kind} {owner.pid} keeps running is started anew with it"
        return (Hazard(None, "others-restarted", message),)
    if configured.start is not None and configured.start.outer is None:
        message = (
            f"what a fresh start of {owner.kind} {owner.pid} itself would give is not known: what it "
            "hands on is taken for configured"
        )
        return (Hazard(None, "unknown-start", message),)
    return ()

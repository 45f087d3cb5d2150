"""What of a plan who looks may carry out: as it stands, by sudo, or by asking somebody for it."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.escaping import command, escape
from envcheck.judge import sudo
from envcheck.model import AppReport, Hazard, Server, Snapshot, Step
from envcheck.supervisors import privilege
from envcheck.supervisors.known import Known

PASSWORD = "password"  # noqa: S105 - a cause
ASKS = "sudo asks for a password, which has to be typed in: --apply cannot"
PERHAPS = "; sudo may ask for a password, and whether it would let you is not known"
BY_SUDO = (
    "a signal that sudo sends cannot be held to the very process that was looked at: run the steps yourself"
)
HELD = "kill"


def wanted(server: Server, uid: int, known: Known) -> None:
    """Ask what decides about rights; sudo only where something is not this user's own to do."""
    if uid and not privilege.suffices(server, uid, known):
        known.run(*sudo.LIST)


def allowed(steps: Sequence[Step], server: Server, snapshot: Snapshot) -> tuple[Step, ...]:
    """Make of each step what this user may run, or what to ask for; a record is not for who reads it."""
    if snapshot.uid == 0 or snapshot.key is not None:
        return tuple(steps)
    listed = sudo.rules(snapshot.answers.outputs.get(sudo.LIST))
    return tuple(_step(step, listed, server, snapshot) for step in steps)


def _step(step: Step, listed: sudo.Rules, server: Server, snapshot: Snapshot) -> Step:
    right = privilege.right(step.argv, server, snapshot)
    if right.given:
        return step
    # Root may signal anybody; a user's manager listens to that user alone.
    users = ("root", right.user) if step.argv[0] == HELD else (right.user,)
    run = next((r for user in dict.fromkeys(users) if (r := sudo.command(listed, step.argv, user))), None)
    if run is None:
        perhaps = "" if listed.known else PERHAPS
        ask = f"ask for: {command(step.argv)} (as {escape(right.shown)}{perhaps})"
        return step._replace(runnable=False, ask=ask)
    hazards = (Hazard(None, PASSWORD, "sudo asks for your password"),) if run.password else ()
    return step._replace(argv=run.argv, hazards=(*step.hazards, *hazards))


def asked_for(steps: Sequence[Step]) -> str:
    """Say all that is to be asked for."""
    return "; ".join(dict.fromkeys(step.ask for step in steps if step.ask))


def complete(steps: Sequence[Step]) -> bool:
    """Tell whether the steps are all known, whoever may run them."""
    return all(step.runnable for step in steps) or any(step.ask for step in steps)


def hindrance(app: AppReport) -> tuple[str, str]:
    """Say why the plan cannot be carried out by who looks, and the way round that; "": it can."""
    steps = app.remedy.steps
    if ask := asked_for(steps):
        return "not allowed to run its steps", ask
    way = "; ".join(command(step.argv) for step in steps)
    if any(h.cause == PASSWORD for step in steps for h in step.hazards):
        return ASKS, f"run the steps yourself: {way}"
    if any(
        step.argv[0] == "sudo" and HELD in (w.rpartition("/")[2] for w in step.argv[1:4]) for step in steps
    ):
        return BY_SUDO, f"run the steps yourself: {way}"
    return "", ""

"""What can be done: commands, what they may break, and what a restart takes."""

from __future__ import annotations

from typing import NamedTuple

from envcheck.model.words import Action, Disruption


class Hazard(NamedTuple):
    variable: str | None
    cause: str
    message: str


class Step(NamedTuple):
    argv: tuple[str, ...]
    why: str
    disruption: Disruption | None = None
    runnable: bool = True
    hazards: tuple[Hazard, ...] = ()  # what this very command may lose, or why it cannot be run


class Plan(NamedTuple):
    """What a restart takes, by whoever keeps the server running, as it was computed at the host itself."""

    steps: tuple[Step, ...] = ()
    insufficient: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    amounts_to: Action = Action.RESTART
    advice: str = ""
    preloads: bool | None = None  # whether the master loads the application

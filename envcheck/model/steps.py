"""What can be done: commands, what they may break, and what a restart takes. And what was done."""

from typing import NamedTuple

from envcheck.model.words import Action, Disruption, Result


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
    ask: str = ""  # what to ask for, where who looks may not run it; then it is not runnable


class Plan(NamedTuple):
    """What a restart takes, by whoever keeps the server running, as it was computed at the host itself."""

    steps: tuple[Step, ...] = ()
    insufficient: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    amounts_to: Action = Action.RESTART
    advice: str = ""
    preloads: bool | None = None  # whether the master loads the application


class Taken(NamedTuple):
    """A step that was tried."""

    step: Step
    status: str  # ok, failed, timeout, missing, denied, exited, oversized, interrupted, error
    code: int | None  # its exit status; None: it has none
    seconds: float
    said: str = ""  # the last line that it printed, without secrets, as it can be printed again


class Outcome(NamedTuple):
    """What came of a remedy that was to be carried out."""

    result: Result
    exit_code: int
    steps: tuple[Taken, ...] = ()
    not_done: tuple[Step, ...] = ()
    verified: bool = False
    why: str = ""  # both as they can be printed: commands in them can be pasted
    way_back: str = ""

"""The shape of the tables of cures: what a server's signals do, by where and how a variable has changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from envcheck.model import Action, Change, Stage

# For each stage the action for a variable that was added, changed, changed but kept, removed.
Cures = Mapping[Stage, tuple[Action, Action, Action, Action]]
ORDER = (Change.ADDED, Change.CHANGED, Change.KEPT, Change.REMOVED)

What = tuple[Stage, Change]
Reasons = Mapping[What, str]


def look_up(cures: Cures, what: What) -> Action:
    stage, change = what
    return cures[stage][ORDER.index(change)]


def by_stage(stage: Stage, why: str) -> dict[What, str]:
    """Give the same reason for every change."""
    return {(stage, change): why for change in Change}


def first(reasons: Reasons, whats: Collection[What]) -> list[str]:
    """Give one reason at most: that of the earliest stage."""
    return [why for what, why in reasons.items() if what in whats][:1]

"""What to do, for people: commands that can be pasted, what is not enough, what to beware of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from envcheck.escaping import command, escape
from envcheck.model import Remedy, Step
from envcheck.secrecy import MASK


def remedy_lines(remedy: Remedy, width: int) -> Iterator[str]:
    if remedy.insufficient:
        yield ""
        yield "not enough:"
        for step in remedy.insufficient:
            yield from step_lines(step, width)
    yield from hazards(remedy, width)
    if remedy.note:
        yield ""
        yield from wrapped(f"do: {remedy.note}", width, "")
    if remedy.steps:
        yield ""
        yield f"do: {remedy.action}{incomplete(remedy)}"
        for step in remedy.steps:
            yield from step_lines(step, width)


def incomplete(remedy: Remedy) -> str:
    """Say what is to be done before the first of the steps."""
    masked = any(MASK in word for step in remedy.steps for word in step.argv)
    notes = ["fill in what is masked"] if masked and not remedy.sufficient else []
    if any(step.ask for step in remedy.steps):
        notes.append("not all of it is yours to do: do not begin before the rest is agreed on")
    if not remedy.sufficient and not all(step.runnable or step.ask for step in remedy.steps):
        notes.append("the start step is not complete: do not begin before it is")
    return "".join(f" ({note})" for note in notes)


def hazards(remedy: Remedy, width: int) -> Iterator[str]:
    if remedy.hazards:
        yield ""
        yield "beware:"
        for message in merged(remedy):
            yield from wrapped(message, width, "  ")


def merged(remedy: Remedy) -> Iterable[str]:
    """Say a hazard that many variables share once."""
    groups: dict[str, list[str]] = {}
    for hazard in remedy.hazards:
        groups.setdefault(hazard.message, []).append(escape(hazard.variable) if hazard.variable else "")
    for message, names in groups.items():
        named = ", ".join(n for n in names if n)
        yield f"{named + ': ' if named else ''}{escape(message)}"


def step_lines(step: Step, width: int) -> list[str]:
    """Write a command as it can be pasted: never broken, its reason on the line before."""
    reason = wrapped(escape(step.why), width - len("  # "), "")
    comment = [f"  # {line.strip()}" for line in reason]
    if step.ask:
        return [*comment, f"  {step.ask}"]
    return [*comment, f"  {command(step.argv)}"]


def wrapped(text: str, width: int, indent: str) -> list[str]:
    return wrap(
        text,
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )

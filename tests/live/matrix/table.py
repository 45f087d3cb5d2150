"""The table of all cells in docs/advice.md: written from outcomes, and read back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from live.matrix.cells import Cell
from live.matrix.prove import Outcome

PAGE = Path(__file__).parents[3] / "docs" / "advice.md"
BEGIN, END = "<!-- table: matrix -->\n", "<!-- end -->"
HEAD = (
    "| server | preload | origin | change | remedy | not enough | outcome | failed requests | longest gap |\n"
)
RULE = "|---|---|---|---|---|---|---|---|---|\n"


def settled(outcome: Outcome) -> tuple[str, ...]:
    """What must be the same in every run: the cell, and what came of it."""
    cell = outcome.cell
    steps = "; ".join(outcome.steps)
    tried = "; ".join(f"{a.step}" + (" (down)" if a.came == "down" else "") for a in outcome.attempts)
    return (
        cell.server,
        "yes" if cell.preload else "no",
        cell.origin,
        cell.change,
        f"{outcome.action}: {steps}",
        tried,
        "WRONG" if outcome.wrong else "proven",
    )


def line(outcome: Outcome) -> str:
    told = " | ".join(settled(outcome)[4:])
    return (
        f"{told} | {outcome.failed} of {outcome.requests} | {outcome.gap * 1000:.0f} ms {outcome.wrong[:900]}"
    )


def row(outcome: Outcome) -> str:
    measured = (f"{outcome.failed} of {outcome.requests}", f"{outcome.gap * 1000:.0f} ms")
    return f"| {' | '.join((*settled(outcome), *measured))} |\n"


def write(outcomes: Iterable[Outcome], cells: Iterable[Cell]) -> None:
    """Put rows into the table between its marks, in the order of all cells; the rest is written by hand."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    body, _, after = rest.partition(END)
    found = {_words(text)[:4]: f"{text}\n" for text in body.splitlines()[2:]}
    found |= {settled(outcome)[:4]: row(outcome) for outcome in outcomes}
    rows = "".join(found.get(settled(Outcome(cell))[:4], "") for cell in cells)
    PAGE.write_text(f"{before}{BEGIN}{HEAD}{RULE}{rows}{END}{after}")


def read() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Give what the page says of each cell, less what was measured."""
    _, _, rest = PAGE.read_text().partition(BEGIN)
    lines = rest.partition(END)[0].splitlines()[2:]
    return {found[:4]: found[:7] for found in map(_words, lines)}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.strip("|").split("|"))

"""The matrix: of every kind of cell at least one, and a choice of the rest. `make proof` does all of them."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest
from live.harness import need, root_only
from live.matrix import table
from live.matrix.cells import Cell
from live.matrix.crew import crew
from live.matrix.origins import CELLS
from live.matrix.prove import Outcome

PROVEN = 30  # rows at least
MORE = 3  # cells beside one of each kind

pytestmark = root_only


def chosen(seed: str) -> list[Cell]:
    """Choose one cell of each kind, and some more; the same for the same seed."""
    lot = random.Random(seed)  # noqa: S311 - nothing secret
    cells = lot.sample(CELLS, len(CELLS))
    first = {cell.kind: cell for cell in cells}
    rest = [cell for cell in cells if first[cell.kind] is not cell]
    wanted = {*first.values(), *rest[:MORE]}
    return [cell for cell in CELLS if cell in wanted]


CHOSEN = chosen(os.environ.get("ENVCHECK_MATRIX_SEED", "1"))


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Mapping[Cell, Future[Outcome]]]:
    need("gunicorn", "unicorn", "envdir", "runsv", "supervise", "s6-supervise", "systemctl", "nm")
    with crew(CHOSEN) as begun:
        yield begun


@pytest.mark.parametrize("cell", CHOSEN, ids=str)
def test_the_advice_holds(cell: Cell, outcomes: Mapping[Cell, Future[Outcome]]) -> None:
    outcome = outcomes[cell].result(600)
    assert outcome.wrong == ""
    found = table.settled(outcome)
    assert table.read().get(found[:4], found) == found


def test_the_page_shows_what_is_proven_and_no_other_cells() -> None:
    rows = table.read()
    cells = [table.settled(Outcome(cell))[:4] for cell in CELLS]
    assert [row for row in rows if row not in cells] == []
    assert {row[-1] for row in rows.values()} == {"proven"}
    assert len(rows) >= PROVEN

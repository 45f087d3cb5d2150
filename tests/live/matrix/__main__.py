"""`make proof`: prove every cell, and write the table of docs/advice.md. Words: only cells with them."""

from __future__ import annotations

import sys
import time

from live.matrix import table
from live.matrix.crew import crew
from live.matrix.origins import CELLS
from live.matrix.prove import Outcome


def main(words: list[str]) -> int:
    cells = [c for c in CELLS if all(w in str(c).split() for w in words)]
    start = time.monotonic()
    outcomes: list[Outcome] = []
    with crew(cells) as futures:
        for cell, future in futures.items():
            outcome = future.result()
            outcomes.append(outcome)
            print(f"{time.monotonic() - start:6.1f} {cell}: {table.line(outcome)}", flush=True)
    wrong = [o for o in outcomes if o.wrong]
    print(f"{len(outcomes)} cells, {len(outcomes) - len(wrong)} proven, {len(wrong)} wrong")
    if not words:
        table.write(outcomes)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

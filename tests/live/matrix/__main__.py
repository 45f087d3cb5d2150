"""`make proof`: prove every cell, and write their rows of docs/advice.md. Words: only cells with them."""

from __future__ import annotations

import sys
import time
from concurrent.futures import as_completed

from live.matrix import table
from live.matrix.crew import crew
from live.matrix.origins import CELLS


def main(words: list[str]) -> int:
    cells = [c for c in CELLS if all(w in str(c).split() or w == c.origin for w in words)]
    start = time.monotonic()
    with crew(cells) as futures:
        for future in as_completed(futures.values()):
            outcome = future.result()
            table.write([outcome], CELLS)
            print(f"{time.monotonic() - start:6.1f} {outcome.cell}: {table.line(outcome)}", flush=True)
        outcomes = [future.result() for future in futures.values()]
    wrong = [o for o in outcomes if o.wrong]
    print(f"{len(outcomes)} cells, {len(outcomes) - len(wrong)} proven, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Many cells at once: each in a folder of its own, those of systemd each with a machine to itself."""

from __future__ import annotations

import queue
import shutil
import tempfile
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from live.harness import kill_all_in
from live.matrix.cells import Cell
from live.matrix.origins import ORIGINS
from live.matrix.place import World
from live.matrix.prove import Outcome, prove
from live.servers import without_titles
from live.systemd.machine import Machine

HANDS = 6  # cells at once beside those of systemd: most of the time of one is waiting
MACHINES = 4


@contextmanager
def crew(cells: Iterable[Cell]) -> Generator[dict[Cell, Future[Outcome]]]:
    """Begin to prove all the cells; give what will come of each."""
    wanted = list(cells)
    site = Path(tempfile.mkdtemp(prefix="envcheck-matrix-")).resolve()
    site.chmod(0o755)
    world = World(site, without_titles(site / "bare"))
    machines: queue.Queue[Machine] = queue.Queue()

    def proven(cell: Cell, home: Path) -> Outcome:
        return prove(cell, lambda: ORIGINS[cell.origin].make(cell, home, world))

    def proven_there(cell: Cell, home: Path) -> Outcome:
        machine = machines.get()
        try:
            there = world._replace(machine=machine)
            return prove(cell, lambda: ORIGINS[cell.origin].make(cell, home, there))
        finally:
            machines.put(machine)

    with ExitStack() as stack:
        stack.callback(shutil.rmtree, site)
        stack.callback(kill_all_in, site)
        if any(ORIGINS[c.origin].systemd for c in wanted):
            for _ in range(MACHINES):
                machines.put(stack.enter_context(Machine(site)))
        here, there = (stack.enter_context(ThreadPoolExecutor(size)) for size in (HANDS, MACHINES))
        stack.callback(here.shutdown, wait=False, cancel_futures=True)
        stack.callback(there.shutdown, wait=False, cancel_futures=True)
        futures: dict[Cell, Future[Outcome]] = {}
        for number, cell in enumerate(wanted):
            home = site / str(number)
            home.mkdir()
            systemd = ORIGINS[cell.origin].systemd
            futures[cell] = (
                there.submit(proven_there, cell, home) if systemd else here.submit(proven, cell, home)
            )
        yield futures

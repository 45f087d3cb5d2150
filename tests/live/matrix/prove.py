"""One cell done: in sync, changed, stale, what is insufficient tried, the remedy carried out, all of it seen.

What is true is learnt from HTTP and from the memory of the workers; envcheck's word is compared with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from live.checking import Json, Verdict
from live.harness import wait_for
from live.matrix.cells import NAME, Cell
from live.matrix.memory import live
from live.matrix.place import Place
from live.matrix.shorten import shorten

LOAD = str(Path(__file__).with_name("load.py"))
CALM = 0.3  # seconds in which nothing may change before a state is taken for lasting
LIMIT = 12.0  # seconds after which a server that has no complete set of processes is down


class Attempt(NamedTuple):
    """A step that is called insufficient, and what came of it."""

    step: str
    came: str  # kept: the drift remained; down: the server no longer serves


class Outcome(NamedTuple):
    cell: Cell
    action: str = ""
    steps: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    wrong: str = ""  # what envcheck said and was not so; "": all was seen as it said
    failed: int = 0
    requests: int = 0
    gap: float = 0.0  # seconds


def prove(cell: Cell, make: Callable[[], Place]) -> Outcome:
    """Prove one cell; a failure is an outcome too."""
    place = make()
    outcome = Outcome(cell)
    try:
        return _proven(place, outcome)
    except Exception as error:  # noqa: BLE001 - all of it is what went wrong in this cell
        return outcome._replace(wrong=f"{type(error).__name__}: {error}"[:2000])
    finally:
        place.end()


def _proven(place: Place, outcome: Outcome) -> Outcome:
    begin(place)
    verdict = place.check()
    outcome = outcome._replace(
        action=verdict.remedy["action"],
        steps=_short(place, verdict.remedy["steps"]),
    )
    if not verdict.remedy["sufficient"] or not verdict.remedy["steps"]:
        return outcome._replace(wrong=f"no sufficient steps: {verdict.app}")
    attempts = tuple(_attempts(place, verdict))
    outcome = outcome._replace(attempts=attempts)
    if wrong := [a for a in attempts if a.came not in ("kept", "down")]:
        return outcome._replace(wrong="; ".join(f"{a.step}: {a.came}" for a in wrong))
    steps = place.check().remedy["steps"]
    with _load(place) as measured:
        for step in steps:
            assert step.get("runnable", True), step
            done = place.run(step["argv"])
            assert done.returncode == 0, (step, done.stdout[-1000:], done.stderr[-1000:])
        _cured(place)
    return outcome._replace(
        failed=int(measured["failed"]), requests=int(measured["requests"]), gap=measured["gap"]
    )


def begin(place: Place) -> None:
    """Start it with the old value, see it in sync, change the source, see it stale."""
    cell = place.cell
    place.put(cell.before)
    place.start()
    assert place.server.http(NAME) == {cell.before}
    if not place.server.rules:  # else what they ask for is what comes after the change
        first = place.check()
        assert _well(first), ("not in sync at first", first.app)
    _change(place)
    stale = place.check()
    assert stale.status == 1, ("the change is not seen", stale.app)


def _change(place: Place) -> None:
    place.put(place.cell.after)
    if place.half_done:
        place.server.upgrade()


def _cured(place: Place) -> None:
    after = place.cell.after

    def right() -> bool:
        generations = place.server.generations()
        whole = [len(w) for w in generations.values()] == [place.server.workers]
        return whole and place.server.http(NAME) == {after}

    wait_for(right, f"HTTP does not say {after} of all workers of one master", 20)
    [workers] = place.server.generations().values()
    for worker in workers:
        assert live(worker).get(NAME) == after, f"not in the memory of {worker}"
    verdict = place.check()
    assert _well(verdict), ("not in sync in the end", verdict.app)


def _well(verdict: Verdict) -> bool:
    """It has what is configured; that only the memory of a manager holds it is told, and is as it was set."""
    return verdict.status == 0 and {cause for _, cause in verdict.wrong().values()} <= {"ephemeral"}


def _attempts(place: Place, verdict: Verdict) -> Iterator[Attempt]:
    """Do all that is called insufficient, each with a server that is as it was."""
    gist = _gist(place, verdict)
    for name in _short(place, verdict.remedy["insufficient"]):
        steps = _as_it_was(place, gist).remedy["insufficient"]
        yield _attempt(place, name, steps[_short(place, steps).index(name)])
    _as_it_was(place, gist)


def _as_it_was(place: Place, gist: tuple[object, ...]) -> Verdict:
    """Judge again; where the last step has left something else behind, from a new beginning."""
    masters = 2 if place.half_done else 1
    if [len(w) for w in place.server.generations().values()] == [place.server.workers] * masters:
        now = place.check()
        if _gist(place, now) == gist:
            return now
    place.stop()
    place.put(place.cell.before)
    place.start()
    _change(place)
    now = place.check()
    assert _gist(place, now) == gist, ("the same again is judged otherwise", now.app)
    return now


def _gist(place: Place, verdict: Verdict) -> tuple[object, ...]:
    owner = verdict.app["supervisor"]
    plans = (verdict.remedy["steps"], verdict.remedy["insufficient"])
    return owner and owner["kind"], *(sorted(_short(place, plan)) for plan in plans)


def _short(place: Place, steps: list[Json]) -> tuple[str, ...]:
    names = place.names()
    return tuple(shorten(s["argv"], names) for s in steps)


def _attempt(place: Place, name: str, step: Json) -> Attempt:
    before = place.server.pids()
    place.run(step["argv"])
    if step.get("disruption") == "downtime" and _ended(place):
        return Attempt(name, "down")
    lasting = _settled(place, before)
    if not lasting:
        return Attempt(name, "down" if step.get("disruption") == "downtime" else "DOWN, and not said")
    if place.server.http(NAME) == {place.cell.after}:
        return Attempt(name, "CURED")
    status = place.check().status
    return Attempt(name, "kept" if status in (1, 3) else f"STATUS {status}")


def _ended(place: Place) -> bool:
    """Tell whether the server ends, as it is said of the step: who watches it may take its time."""
    start = time.monotonic()
    while place.server.pids() and time.monotonic() - start < LIMIT:
        time.sleep(0.05)
    return not place.server.pids()


def _settled(place: Place, before: set[int]) -> bool:
    """Wait until something has come of a step, and stays; tell whether the server still serves."""
    server = place.server
    start = time.monotonic()
    seen: set[int] = set()
    since = start
    while time.monotonic() - start < LIMIT:
        now = server.pids()
        if now != seen:
            seen, since = now, time.monotonic()
        calm = time.monotonic() - since > CALM
        changed = now != before or time.monotonic() - start > 1.0
        whole = now and all(len(w) >= server.workers for w in server.generations().values())
        if calm and changed and whole and server.ask() is not None:
            return True
        time.sleep(0.03)
    return False


@contextmanager
def _load(place: Place) -> Generator[dict[str, float]]:
    """Ask the server all the time, in a process of its own; what came of it is known at the end."""
    measured: dict[str, float] = {}
    argv = [sys.executable, "-I", "-S", LOAD, str(place.server.port)]
    client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield measured
    finally:
        out, _ = client.communicate(timeout=30)
        measured.update(json.loads(out))

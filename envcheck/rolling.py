"""Carry out a restart on many hosts: one alone first, then the others, none after one that fails.

A host on which there is nothing to do shows nothing: the first that is restarted is alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import NamedTuple

from envcheck.judge import verdict
from envcheck.model import HostReport, Report, Result
from envcheck.restarting import concluded, how_it_ended, not_tried

LEFT = "it was interrupted before"
NEXT = "the restart on {} {} before"
INTERRUPTED = 128  # and above: exit statuses of what a signal has ended
ENDING = 30.0  # seconds for the hosts that are worked on to tell where they were interrupted
TICK = 0.2
WORST_LAST = (verdict.OK, verdict.COULD_NOT_TELL, verdict.REFUSED, verdict.NOT_VERIFIED)


class Turn(NamedTuple):
    """One host whose turn will come. *report* is its plan, *run* carries it out, *leave* ends that early."""

    report: Report
    run: Callable[[], Report]
    leave: Callable[[int], None]

    @property
    def name(self) -> str:
        return self.report.hosts[0].name


def order(names: Sequence[str], canary: str | None) -> list[str]:
    """Put the canary first."""
    return sorted(names, key=lambda name: name != canary)


def roll(turns: Sequence[Turn], parallel: int) -> Report:
    """Carry out one after another, after the first restart at most *parallel* at once; give one report.

    Turns that are being carried out when another fails come to their end.
    """
    rolling = Rolling(turns, parallel)
    rolling.run()
    done = [rolling.done[turn.name] for turn in turns]
    codes = [rolling.left, *(report.exit_code for report in done)]
    return Report(tuple(host for report in done for host in report.hosts), max(codes, key=_badness))


def _badness(code: int) -> int:
    return code if code >= INTERRUPTED else WORST_LAST.index(code)


class Rolling:
    def __init__(self, turns: Sequence[Turn], parallel: int) -> None:
        self.parallel = parallel
        self.waiting = deque(turns)
        self.running: list[Turn] = []
        self.results: SimpleQueue[tuple[Turn, Report | BaseException]] = SimpleQueue()
        self.done: dict[str, Report] = {}  # by the name of the host
        self.shown = False  # whether a restart has come out well
        self.stopped = ""  # why no further one is tried
        self.left = verdict.OK  # the exit status where a signal has ended it

    def run(self) -> None:
        while self.waiting and not self.shown and not self.stopped:
            self._one()
        try:
            while self.running or (self.waiting and not self.stopped):
                if self.parallel == 1:
                    self._one()  # in this thread, which signals reach
                else:
                    self._some()
        except SystemExit as leaving:
            if not self.running:
                raise
            self._leave(leaving)
        for turn in self.waiting:
            self._note(turn, _left_out(turn.report, self.stopped))

    def _one(self) -> None:
        turn = self.waiting.popleft()
        self._note(turn, turn.run())

    def _some(self) -> None:
        while self.waiting and not self.stopped and len(self.running) < self.parallel:
            turn = self.waiting.popleft()
            self.running.append(turn)
            # A thread that hangs must not keep the program from ending.
            threading.Thread(target=self._work, args=(turn,), daemon=True).start()
        self._await()

    def _work(self, turn: Turn) -> None:
        try:
            self.results.put((turn, turn.run()))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is seen
            self.results.put((turn, error))

    def _await(self) -> None:
        try:
            turn, report = self.results.get(timeout=TICK)
        except Empty:
            return
        self.running.remove(turn)
        if isinstance(report, BaseException):
            raise report
        self._note(turn, report)

    def _leave(self, leaving: SystemExit) -> None:
        """Let those that are worked on tell where they were interrupted."""
        self.left = leaving.code if isinstance(leaving.code, int) else INTERRUPTED
        self.stopped = self.stopped or LEFT
        for turn in self.running:
            turn.leave(self.left)
        end = time.monotonic() + ENDING
        while self.running:
            if time.monotonic() > end:
                raise leaving
            self._await()

    def _note(self, turn: Turn, report: Report) -> None:
        self.done[turn.name] = report
        self.shown = self.shown or not _idle(report.hosts[0])
        if report.exit_code and not self.stopped:
            self.stopped = NEXT.format(turn.name, _end_of(report.hosts[0]))


def _idle(host: HostReport) -> bool:
    """Tell whether there was nothing to do."""
    results = {app.outcome.result for app in host.apps if app.outcome}
    return results == {Result.NOTHING_TO_DO}


def _end_of(host: HostReport) -> str:
    """Say how it ended on a host that stops the others."""
    bad = [app.outcome for app in host.apps if app.outcome and app.outcome.exit_code]
    return how_it_ended(bad[0].result) if bad else "could not be planned"


def _left_out(report: Report, why: str) -> Report:
    """Report a host whose turn does not come."""
    [host] = report.hosts
    apps = tuple(app if app.outcome else not_tried(app, why) for app in host.apps)
    return concluded(report, apps)

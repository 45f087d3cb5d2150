"""This machine: the probe is called in-process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from envcheck import probe
from envcheck.hosts import Answer, Request, Watch

if TYPE_CHECKING:
    import psutil

TICK = 0.2  # seconds between looks for processes that have ended and are not reaped


class Local:
    name = "localhost"

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        # The probe is typed for Python 3.6, where a list does not say of what.
        return cast("list[Answer]", probe.answer(list(requests)))  # pyright: ignore[reportUnknownMemberType]

    def rest(self) -> None:
        """Do nothing: nothing is held."""

    def acting(self) -> Local:
        return self

    def leave(self, code: int) -> None:
        """Do nothing: there is one such machine, and the thread that a signal reaches works with it."""

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def act(self, request: Request) -> Answer:
        from envcheck.probe import act  # noqa: PLC0415 - only where something is to be changed

        return cast("Answer", act.act(dict(request)))  # pyright: ignore[reportUnknownMemberType]

    def watch(self, pids: Sequence[int]) -> Watch:
        import psutil  # noqa: PLC0415 - only where something is to be changed

        watched: list[psutil.Process] = []
        for pid in pids:
            try:
                watched.append(psutil.Process(pid))  # it remembers the start: no later one is meant
            except psutil.NoSuchProcess:
                continue

        def wait(seconds: float) -> None:
            end = time.monotonic() + seconds
            alive = watched
            while alive and time.monotonic() < end:
                _, alive = psutil.wait_procs(alive, min(TICK, end - time.monotonic()))
                alive = [process for process in alive if not _ended(process)]

        return wait


def _ended(process: psutil.Process) -> bool:
    """Tell whether it has ended, even if nobody has reaped it."""
    import psutil  # noqa: PLC0415 - only where something is to be changed

    try:
        return process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True

"""A host that is reached by a command there, on which a plan is carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from envcheck.errors import HostError
from envcheck.hosts import Answer, Request, Watch
from envcheck.hosts.remote import Remote, Timing, Way

T = TypeVar("T")

MARGIN = 10.0  # seconds for the answer about a step whose own time is over
LOST = "the process that held the plan has ended"


class ActingRemote(Remote):
    """One process on the host reads and acts from the first question on, and holds what is held.

    Each question has a deadline of its own. Where the process is lost, or the user leaves, nothing more is
    done: whatever is asked then is asked of another one, which can only read.
    """

    acts = True

    def __init__(self, way: Way, timing: Timing, tell: Callable[[str], None]) -> None:
        super().__init__(way, timing, tell)
        self._code: int | None = None  # the exit status with which the user leaves

    def acting(self) -> ActingRemote:
        return self

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        return self._answered(lambda: super(ActingRemote, self).ask(requests), self._timing.total)

    def act(self, request: Request) -> Answer:
        if request["do"] == "end":
            # Here nothing is held for a later plan: the process goes, and all it holds with it.
            self.close()
            return {"status": "ok", "detail": ""}
        if not self.acts:
            raise HostError("closed", "carrying out the plan", LOST)
        seconds = self._timing.total + float(request.get("timeout", 0.0)) + MARGIN
        return self._answered(lambda: super(ActingRemote, self).ask([request])[0], seconds)

    def watch(self, pids: Sequence[int]) -> Watch:
        """Wait for nothing: each of the looks that follow tells what is left."""
        del pids
        return lambda _seconds: None

    def leave(self, code: int) -> None:
        self._code = code
        self.close()

    def _answered(self, ask: Callable[[], T], seconds: float) -> T:
        self._leave_if_told()
        try:
            if self._conversation is not None:
                self._conversation.stream.extend(seconds)
            answer = ask()
        except Exception:
            self._leave_if_told()
            self._lose()
            raise
        except BaseException:
            self._lose()
            raise
        self._leave_if_told()
        return answer

    def _leave_if_told(self) -> None:
        code, self._code = self._code, None
        if code is not None:
            self._lose()
            raise SystemExit(code)

    def _lose(self) -> None:
        """Let go of the process, which ends with its input; what else it would answer is of no use."""
        self.close()
        self.acts = False

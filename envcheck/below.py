"""A process that hangs, and all that it has started: what waits for one of those waits on for ever."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from envcheck.probe.scan import children


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it with all that is below it; it is reaped."""
    below = _below(process.pid) if process.poll() is None else []
    process.kill()
    for pid in below:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _below(pid: int) -> list[int]:
    direct = children(pid) or []
    return [*direct, *(below for child in direct for below in _below(child))]

"""`check --wait`: look until all is well, and stays so."""

from __future__ import annotations

import sys
from collections.abc import Callable

from envcheck import waiting
from envcheck.cli import output
from envcheck.durations import duration
from envcheck.errors import UsageError
from envcheck.escaping import escape
from envcheck.judge import verdict
from envcheck.model import Report, Severity


def patiently(look: Callable[[], Report], wait: str, stable_for: str, fail_on: Severity) -> Report:
    """Give the last report; where the time was over first, it is never a good one.

    Raises:
        UsageError: The durations are none, or all would have to be well for longer than is waited.
    """
    if not wait:
        raise UsageError("--stable-for goes with --wait", "as in --wait 60s --stable-for 5s")
    patience = waiting.Patience(duration(wait), duration(stable_for or "0s"))
    if patience.stable > patience.seconds:
        raise UsageError(f"--stable-for {stable_for} is longer than --wait {wait}")

    def tell(wrong: str) -> None:
        if sys.stderr and sys.stderr.isatty():
            output.tell(f"waiting: {escape(wrong)}")

    last, wrong = waiting.wait(lambda: waiting.judged(look(), fail_on), patience, tell)
    if not wrong:
        return last.report._replace(timed_out=False)
    output.tell(f"timed out after {wait}: {escape(wrong)}")
    # What is right, but not settled, is not known to stay so.
    code = last.report.exit_code or verdict.COULD_NOT_TELL
    return last.report._replace(timed_out=True, exit_code=code)

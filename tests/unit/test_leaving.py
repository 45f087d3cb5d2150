"""A signal ends a run wherever it strikes, and what has to be cleaned up then is cleaned up."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PRELUDE = """\
import signal, weakref
from envcheck.cli import leaving
leaving.on_signals()
"""
IN_A_CALLBACK = """\
class Thing: pass
thing = Thing()
watch = weakref.ref(thing, lambda _: signal.raise_signal({0}))
del thing
signal.pause()
"""
WHILE_IT_CLEANS_UP = """\
try:
    signal.raise_signal({0})
finally:
    signal.raise_signal({0})
    print("clean", flush=True)
"""
AT_ITS_END = """\
leaving.in_any_case()
signal.raise_signal({0})
print("clean", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("code", "interrupted", "said"),
    [(IN_A_CALLBACK, True, ""), (WHILE_IT_CLEANS_UP, True, "clean\n"), (AT_ITS_END, False, "clean\n")],
)
def test_it_ends(number: signal.Signals, code: str, said: str, *, interrupted: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code.format(int(number))],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    status = 128 + number if interrupted else 0
    assert (done.returncode, done.stdout, done.stderr) == (status, said, "")

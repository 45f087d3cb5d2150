"""Which modules a command loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from .timing import ENVIRONMENT

# What a local check that draws nothing has no use for.
HEAVY = frozenset(
    ["asyncio", "cryptography", "fabric", "invoke", "paramiko", "psutil", "pydantic", "rich", "unittest"]
)
RUN = """\
import sys
from envcheck.cli import run
status = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(status)
"""


def loaded(arguments: Sequence[str]) -> tuple[int, frozenset[str]]:
    """Run envcheck; give its exit status, and the modules that it had loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        check=False,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, frozenset(done.stderr.splitlines()[-1].split())

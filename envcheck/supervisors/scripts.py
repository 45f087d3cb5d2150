"""Init scripts: programs that are not followed, and the shell files that they are known to read.

What such a file exports is certain; what it only sets reaches the server if the script exports it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envcheck.model import Applied, Assignment, Source, Stage, Start
from envcheck.sources import chain
from envcheck.supervisors.known import Known


def start(script: str, files: Sequence[str], known: Known) -> Start:
    """Say what is known of a start by *script*; nothing where there is no such script."""
    facts = known.file(script)
    if facts is None or facts.status == "missing":
        return Start()
    source = Source("script", script, Stage.EXEC)
    gap = Applied(source, None, facts.changed, "dynamic: what the script does is not followed")
    sources = (Source("file", path, Stage.EXEC, "shell", optional=True) for path in files)
    read = [done for s in sources for done in chain.read(s, known.file(s.path), {})]
    return Start((gap, *map(_open, read)))


def _open(applied: Applied) -> Applied:
    """Add what is set and not exported: whether it arrives is for the script to say."""
    if applied.parsed is None:
        return applied
    hidden = re.compile(r"([A-Za-z_]\w*) is set, but not exported")
    found = [(hidden.fullmatch(p.message), p.line) for p in applied.parsed.problems]
    unsure = tuple(Assignment(m[1], None, line or 0, dynamic=True) for m, line in found if m)
    return applied._replace(
        parsed=applied.parsed._replace(assignments=(*applied.parsed.assignments, *unsure))
    )

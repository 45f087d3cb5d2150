"""Say what envcheck computes for units: run inside the machine. Arguments: the units; prints JSON.

It asks for a few at a time, as of a host that has many, and again where the manager of a machine that is
short of time did not answer: what is computed without an answer is told with its gaps, and is not wrong.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence

from envcheck import asking, collect
from envcheck.hosts.local import Local
from envcheck.model import Generation, Owner, Process, Server, Start
from envcheck.sources import chain
from envcheck.supervisors import systemd
from envcheck.supervisors.known import Known

AT_ONCE = 40
PATIENCE = 60.0  # seconds


def manager(pid: int) -> Process:
    [found] = collect.collect(Local(), None, [pid]).strays
    return found


def main(units: list[str]) -> dict[str, object]:
    first = manager(1)
    facts = {"pids": "", "started": "", "exec": "yes"}
    owners = {u: Owner("systemd", u, "cgroup", 0, 1, facts, first) for u in units}
    alone = (Generation(first, (), "current", reexeced=False, environment_read=None),)
    servers = [Server("gunicorn", u, alone, None, (o,)) for u, o in owners.items()]
    said: dict[str, object] = {}
    for few in batched(servers, AT_ONCE):
        known = answered(few)
        said |= {s.name: as_json(systemd.start(s.owners[0], first, known)) for s in few}
    return said


def batched(servers: Sequence[Server], size: int) -> Iterator[tuple[Server, ...]]:
    for at in range(0, len(servers), size):
        yield tuple(servers[at : at + size])


def answered(servers: tuple[Server, ...]) -> Known:
    """Give what is known once the manager has answered, or PATIENCE is over."""
    end = time.monotonic() + PATIENCE
    while True:
        answers = asking.ask(Local(), asking.Told(servers)).answers
        late = any(output.status == "timeout" for output in answers.outputs.values())
        if not late or time.monotonic() > end:
            return Known(answers)


def as_json(start: Start) -> dict[str, object]:
    refused = [a.source.path for a in start.applied if a.parsed and a.parsed.refused]
    loaded = None if start.loaded is None else chain.values(start.loaded.applied)
    gaps = [(a.source.path, a.why) for a in start.applied if a.parsed is None]
    broken = start.loaded and any(a.parsed and a.parsed.refused for a in start.loaded.applied)
    return {
        "disk": chain.values(start.applied),
        "loaded": loaded,
        "unstartable": bool(start.unstartable or refused),
        "loaded_unstartable": bool(broken),
        "dynamic": [a.name for p in start.applied if p.parsed for a in p.parsed.assignments if a.dynamic],
        "why": start.unstartable,
        "gaps": gaps,
        "command": start.command,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))

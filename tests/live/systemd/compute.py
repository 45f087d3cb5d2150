"""Say what envcheck computes for units: run inside the machine. Arguments: the units; prints JSON."""

from __future__ import annotations

import json
import sys

from envcheck import asking, collect
from envcheck.hosts.local import Local
from envcheck.model import Generation, Owner, Process, Server, Start
from envcheck.sources import chain
from envcheck.supervisors import systemd
from envcheck.supervisors.known import Known


def manager(pid: int) -> Process:
    [found] = collect.collect(Local(), None, [pid]).strays
    return found


def main(units: list[str]) -> dict[str, object]:
    first = manager(1)
    facts = {"pids": "", "started": "", "exec": "yes"}
    owners = {u: Owner("systemd", u, "cgroup", 0, 1, facts, first) for u in units}
    alone = (Generation(first, (), "current", reexeced=False, environment_read=None),)
    servers = [Server("gunicorn", u, alone, None, (o,)) for u, o in owners.items()]
    known = Known(asking.ask(Local(), asking.Told(tuple(servers))).answers)
    return {u: as_json(systemd.start(o, first, known)) for u, o in owners.items()}


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

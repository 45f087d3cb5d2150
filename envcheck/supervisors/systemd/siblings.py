"""Other services that read the same environment files, and were started before these changed.

They are asked for only where a file has changed since the server was started: one command more, there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from envcheck.model import Applied, Hazard, Owner, Snapshot
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import loaded

_ASKED = "Id,ActiveState,EnvironmentFiles,ExecMainStartTimestamp"
TOLD = 1.0  # seconds: systemctl tells no parts of one
FILE = "file"  # the kind of source that an environment file is


def wanted(applied: Iterable[Applied], since: float | None) -> bool:
    """Tell whether others may be stale too."""
    return since is not None and any(a.source.kind == FILE and a.changed > since for a in applied)


def ask(owner: Owner, known: Known) -> tuple[loaded.Properties, ...]:
    """Give all services of the unit's manager, as far as they are known."""
    user = owner.facts.get("user")
    runtime = (f"XDG_RUNTIME_DIR={owner.facts['runtime']}",) if user else ()
    scope = "--user" if user else "--system"
    output = known.run("env", *runtime, "TZ=UTC", "systemctl", scope, "-p", _ASKED, "show", "--", "*.service")
    if output is None or not output.good:
        return ()
    return tuple(loaded.properties(block) for block in output.stdout.split(b"\n\n"))


def stale(owner: Owner, snapshot: Snapshot) -> Iterator[Hazard]:
    """Name those that a restart of this one leaves as they are; servers are judged for themselves."""
    known = Known(snapshot.answers)
    mine = dict(_files(loaded.ask(owner, known).unit or {}, known))
    servers = {o.name for server in snapshot.servers for o in server.owners}
    for unit in ask(owner, known) if mine else ():
        name = next(iter(unit.get("Id", ())), "")
        started = loaded.moment(next(iter(unit.get("ExecMainStartTimestamp", ())), ""))
        if name in servers or unit.get("ActiveState") != ("active",) or not started:
            continue
        shared = [path for path, _ in _files(unit, known) if mine.get(path, 0.0) >= started + TOLD]
        if shared:
            message = f"{name} reads the same source, and was started before it changed: {', '.join(shared)}"
            yield Hazard(None, "sibling", message)


def _files(unit: Mapping[str, tuple[str, ...]], known: Known) -> Iterator[tuple[str, float]]:
    """Give the environment files of a unit that can be read, and when they changed."""
    for line in unit.get("EnvironmentFiles", ()):
        match = loaded.FILE.fullmatch(line)
        facts = known.file(match[1]) if match else None
        if match and facts and facts.status == "ok":
            yield match[1], facts.changed

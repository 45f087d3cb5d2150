"""Upstart's job files: `env`, `export`, `script ... end script` and `exec` (init(5) of Upstart 1.12).

Only read, never run: there is no Upstart on the systems that this is tested on.
"""

from __future__ import annotations

import re

from envcheck.model import Applied, Assignment, Configured, Disruption, Parsed, Source, Stage, Start, Step
from envcheck.sources import chain
from envcheck.sources.text import decode
from envcheck.supervisors.known import Known

# init(5): a job gets PATH and TERM of init's own, and the names of the job and of its instance.
GIVEN = ("PATH", "TERM")
ENV = re.compile(r"env\s+([A-Za-z_]\w*)=(?:\"([^\"$\\]*)\"|'([^']*)'|([^\s\"'$\\]*))\s*(?:#.*)?$")
WHY = {
    "stop": "ends the herder, which ends the server",
    "start": "runs the job anew: its sources are read again",
}


def command(verb: str, job: str, disruption: Disruption | None = None, why: str = "") -> Step:
    return Step(("initctl", verb, job), why or WHY[verb], disruption)


def job(name: str, known: Known) -> Start:
    """Say what a start of the job gives."""
    source = Source("upstart", f"/etc/init/{name}.conf", Stage.EXEC)
    if not name or "/" in name:
        return Start()  # nothing tells which sources it was started through
    facts = known.file(source.path)
    if facts is None:
        return Start((Applied(source, None, 0.0, "it was not read"),))
    if facts.status != "ok":
        return Start((Applied(source, None, facts.changed, chain.why(facts)),))
    lines = decode(facts.content).splitlines()
    given = [Assignment(n, None, 0, dynamic=True) for n in GIVEN]
    given += [Assignment("UPSTART_JOB", name, 0), Assignment("UPSTART_INSTANCE", "", 0)]
    init = Applied(
        Source("supervisor-environment", "the environment of init", Stage.EXEC), Parsed(tuple(given)), 0.0
    )
    made = [_assignment(line.strip(), number) for number, line in enumerate(lines, 1)]
    stanzas = Applied(source, Parsed(tuple(a for a in made if a)), facts.changed)
    return Start((init, stanzas), command=_command(lines), folder=_folder(lines))


def insufficient(name: str, configured: Configured) -> tuple[Step, ...]:
    """`restart` keeps the job as it was loaded: its own `env` lines, that is, not the files that it reads."""
    stanzas = [
        a for a in configured.applied if a.source.kind == "upstart" and a.parsed and a.parsed.assignments
    ]
    why = "restart keeps the definition that the job was started with, with the old values of its env lines"
    return (command("restart", name, why=why),) if name and stanzas else ()


def _assignment(line: str, number: int) -> Assignment | None:
    if not line.startswith(("env ", "env\t")):
        return None
    match = ENV.fullmatch(line)
    if match is None:
        name = re.match(r"env\s+([A-Za-z_]\w*)", line)
        return Assignment(name[1], None, number, dynamic=True) if name else None
    return Assignment(match[1], match[2] or match[3] or match[4] or "", number)


def _command(lines: list[str]) -> tuple[str, ...]:
    """Give what the job runs: both stanzas go through a shell."""
    inside: list[str] | None = None
    for line in lines:
        words = line.strip()
        if inside is not None:
            if words == "end script":
                return ("sh", "-e", "-c", "\n".join(inside))
            inside.append(line)
        elif words == "script":
            inside = []
        elif words.startswith("exec "):
            return ("sh", "-e", "-c", words)
    return ()


def _folder(lines: list[str]) -> str:
    found = [line.split(None, 1)[1].strip() for line in lines if re.match(r"\s*chdir\s+/", line)]
    return found[-1] if found else "/"

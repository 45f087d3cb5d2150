"""supervisord: programs in an ini file, started with its own environment and what the file adds.

Source of the knowledge: supervisor 4.3.0 (options.py, process.py `_spawn_as_child`, supervisorctl.py
`do_update`). What it has loaded cannot be asked for (no RPC tells the environment): a file that changed after
supervisord started, and says something else than the process has, is taken for not loaded.
"""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.model import Applied, Assignment, Need, Owner, Parsed, Problem, Process, Source, Stage, Start
from envcheck.supervisors import ancestry, starting
from envcheck.supervisors.known import Known
from envcheck.supervisors.needs import FOLDER
from envcheck.supervisors.refusals import RejectError
from envcheck.supervisors.supervisord_config import Defined
from envcheck.supervisors.supervisord_loading import DEFINITION, KIND, UNKNOWN, defined_as, load, words_of
from envcheck.supervisors.supervisord_steps import hazards, insufficient, restart

__all__ = ["hazards", "insufficient", "owner", "restart", "start"]

# What it sets for each process anew, whatever its own environment has.
OWN = ("SUPERVISOR_ENABLED", "SUPERVISOR_SERVER_URL", "SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME")
# What it has loaded it goes on with: seen with 4.3.0.
NOT_LOADED = (
    "`update` fails and supervisord started anew does not come up, though `restart` starts what is loaded"
)
TAKES_AWAY = "`update` ends it for good, though `restart` starts what is loaded"


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = ancestry.nearest(process, ancestors, KIND)
    has = {**process.at_exec.variables, **process.running.variables}
    names = (has.get("SUPERVISOR_GROUP_NAME", ""), has.get("SUPERVISOR_PROCESS_NAME", ""))
    url = url if "@" not in (url := has.get("SUPERVISOR_SERVER_URL", "")) else ""  # no password
    if found is None:
        return _lost(process, ":".join(names), url) if all(names) else None
    facts = {
        "child": "\0".join(found.child.argv),
        "since": str(found.child.started),
        "url": url,
        "client": ancestry.program_beside(found.process, KIND, wanted="supervisorctl"),
    }
    return Owner(
        kind=KIND,
        name=":".join(names) if all(names) else UNKNOWN,
        distance=found.distance,
        pid=found.process.pid,
        facts=facts,
        supervising=found.process,
    )


def _lost(process: Process, name: str, url: str) -> Owner | None:
    """Tell from its marks whose child a master was that now is one of init.

    Its supervisord is gone, or it is the new half of an upgrade whose old half has ended. What has put itself
    into the background was never watched, whatever marks it has inherited.
    """
    if process.parent != 1 or starting.backgrounds(process.argv):
        return None
    why = (
        f"supervisord started {name}, and master {process.pid} is not its child any more: nothing that "
        "supervisord does reaches it, and a start finds the address in use"
    )
    return Owner(KIND, name, "marks", facts={"url": url, "orphaned": why})


def start(owner: Owner, process: Process, known: Known) -> Start:
    if owner.supervising is None:  # which configuration it reads is not known
        return Start()
    base = ancestry.inherited(owner, process, OWN)
    since = float(owner.facts["since"])
    found = load(owner, known)
    if found is None:
        source = Source(KIND, "the configuration of supervisord", Stage.EXEC)
        return Start((base, Applied(source, None, 0.0, "it was not found, or not read")), since=since)
    if found.gap:
        source = Source(KIND, found.gap.path, Stage.EXEC, "supervisor")
        return Start((base, Applied(source, None, found.gap.changed, str(found.gap))), since=since)
    if found.refusal:
        return _refused(base, found.refusal, since)
    configuration = found.configuration
    if configuration is None:
        return Start((base,), since=since)
    defined = defined_as(owner, configuration)
    if defined is None:
        source = Source(KIND, found.path, Stage.EXEC, "supervisor")
        why = "the process is not defined there any more"
        unstartable = f"{found.path} does not define {owner.name} any more"
        return Start(
            (base, Applied(source, None, configuration.changed, why)),
            (),
            unstartable=unstartable,
            fails=TAKES_AWAY,
            since=since,
        )
    applied = (base, _marks(owner, defined), configuration.common, defined.environment)
    command, unstartable = words_of(defined)
    folder = ancestry.absolute(owner.supervising, defined.folder) if owner.supervising else None
    started = owner.supervising.started if owner.supervising else 0.0
    edited = any(a.changed > started for a in applied if a.source.kind in DEFINITION)
    needed = (Need(FOLDER, (folder,), f"directory= of {owner.name}"),) if folder and defined.folder else ()
    own = str(owner.supervising.uid) if owner.supervising else ""
    return Start(
        applied,
        command,
        unstartable=unstartable,
        since=since,
        folder=folder,
        needs=needed,
        edited=edited,
        user=defined.user or own,
    )


def _refused(base: Applied, refusal: RejectError, since: float) -> Start:
    place = f"{refusal.path}:{refusal.line}" if refusal.line else refusal.path
    problem = Problem(refusal.line, f"{refusal}: supervisord refuses the configuration")
    source = Source(KIND, refusal.path, Stage.EXEC, "supervisor")
    applied = (base, Applied(source, Parsed((), (problem,), refused=True), 0.0))
    why = f"supervisord refuses its configuration: {refusal} ({place})"
    return Start(applied, (), unstartable=why, fails=NOT_LOADED, since=since)


def _marks(owner: Owner, defined: Defined) -> Applied:
    """Give what supervisord itself sets; of the address of its server only what the program names."""
    marks = {
        "SUPERVISOR_ENABLED": "1",
        **({"SUPERVISOR_SERVER_URL": defined.server_url} if defined.server_url else {}),
        "SUPERVISOR_PROCESS_NAME": defined.name,
        "SUPERVISOR_GROUP_NAME": defined.group,
    }
    source = Source("supervisord-marks", f"supervisord {owner.pid}", Stage.EXEC)
    assignments = (Assignment(name, value, 1) for name, value in marks.items())
    started = owner.supervising.started if owner.supervising else 0.0
    return Applied(source, Parsed(tuple(assignments)), started)

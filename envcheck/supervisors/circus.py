"""circus: watchers in an ini file, which get [env], [env:NAME], and the environment of circusd on request.

Source of the knowledge: circus 0.19 (circusd.py, config.py, arbiter.py `reload_from_config`). What circusd
has loaded stays until `reloadconfig`; a mere restart of a watcher gives it the same again.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    Disruption,
    Hazard,
    Need,
    Owner,
    Parsed,
    Problem,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.supervisors import ancestry, circus_config
from envcheck.supervisors.circus_config import (
    ENDPOINT,
    MARK,
    Configuration,
    Watcher,
)
from envcheck.supervisors.known import Known
from envcheck.supervisors.needs import FOLDER
from envcheck.supervisors.refusals import RejectError, UnreadError

KIND = "circus"
PROGRAM = "circusd"
MODULE = "circus.circusd"
UNKNOWN = "?"

# circusd.py `main`: the options that take a word.
VALUED = ("--log-level", "--log-output", "--logger-config", "--pidfile")


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = ancestry.nearest(process, ancestors, PROGRAM)
    if found is None:
        return None
    mark = {**process.at_exec.variables, **process.running.variables}.get(MARK, "")
    facts = {
        "mark": mark,
        "child": "\0".join(found.child.argv),
        "since": str(found.child.started),
        "client": ancestry.program_beside(found.process, PROGRAM, wanted="circusctl"),
    }
    return Owner(
        KIND, _plain(mark) or UNKNOWN, "ancestor", found.distance, found.process.pid, facts, found.process
    )


def _plain(mark: str) -> str:
    """Give the watcher that the name of a section means, if it means one: `env:web`, not `env:web*`."""
    name = mark.partition(":")[2] if mark.startswith("env:") else ""
    return "" if set(name) & set(",*?[") else name.strip()


class _Found(NamedTuple):
    path: str
    configuration: Configuration | None = None
    gap: UnreadError | None = None
    refusal: RejectError | None = None


def _path(owner: Owner) -> str | None:
    """Give the configuration that a spec or its command line names; None: a process title hides it."""
    if told := owner.facts.get("configuration"):
        return told
    supervising = owner.supervising
    words = ancestry.words_after(supervising, PROGRAM, MODULE) if supervising else None
    if not words or supervising is None:
        return None
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            return ancestry.absolute(supervising, word)
        if "=" not in word and any(option.startswith(word) for option in VALUED):
            next(rest, None)
    return None


def _load(owner: Owner, known: Known) -> _Found | None:
    path = _path(owner)
    if path is None:
        return None
    running = owner.supervising.running if owner.supervising else None
    if running is None or not running.usable:
        return _Found(
            path, gap=UnreadError(path, "it refers to the environment of circusd, which is not known")
        )
    try:
        return _Found(path, circus_config.load(path, running.variables, known))
    except UnreadError as error:
        return _Found(path, gap=error)
    except RejectError as error:
        return _Found(path, refusal=error)


def start(owner: Owner, process: Process, known: Known) -> Start:
    since = float(owner.facts["since"])
    found = _load(owner, known)
    if found is None:
        why = (
            "a process title hides which file that is: name it in a spec, as a source 'circus: PATH'; or let "
            "what starts circusd be known (a unit), or start it without setproctitle"
        )
        return Start((_gap("the configuration of circusd", why),), since=since)
    if found.gap:
        return Start((_gap(found.gap.path, str(found.gap), found.gap.changed),), since=since)
    if found.refusal:
        return _refused(found.refusal, since)
    if found.configuration is None:
        return Start(since=since)
    watcher = _watcher(owner, found.configuration)
    if watcher is None:
        why = "which of its watchers this is cannot be told, or it is not there any more"
        gone = owner.name != UNKNOWN
        unstartable = f"{found.path} defines no watcher {owner.name} any more" if gone else ""
        return Start(
            (_gap(found.path, why, found.configuration.changed),), (), unstartable=unstartable, since=since
        )
    applied = (*_copied(owner, process, watcher), *watcher.applied, *_dynamic(found.path, watcher))
    command, unstartable = _command(watcher)
    folder = ancestry.absolute(owner.supervising, watcher.folder) if owner.supervising else None
    started = owner.supervising.started if owner.supervising else 0.0
    edited = any(a.changed > started for a in applied if a.source.kind == KIND)
    needed = (Need(FOLDER, (folder,), f"working_dir of {owner.name}"),) if folder and watcher.folder else ()
    return Start(
        applied, command, unstartable=unstartable, since=since, folder=folder, needs=needed, edited=edited
    )


def _gap(path: str, why: str, changed: float = 0.0) -> Applied:
    return Applied(Source(KIND, path, Stage.EXEC), None, changed, why)


def _refused(refusal: RejectError, since: float) -> Start:
    place = f"{refusal.path}:{refusal.line}" if refusal.line else refusal.path
    problem = Problem(refusal.line, f"{refusal}: circusd refuses the configuration")
    applied = Applied(Source(KIND, refusal.path, Stage.EXEC), Parsed((), (problem,), refused=True), 0.0)
    return Start(
        (applied,), (), unstartable=f"circusd refuses its configuration: {refusal} ({place})", since=since
    )


def _copied(owner: Owner, process: Process, watcher: Watcher) -> tuple[Applied, ...]:
    """Give circusd's own environment, where `copy_env` asks for it: references in it are resolved too."""
    if not watcher.copy_env or owner.supervising is None:
        return ()
    base = ancestry.inherited(owner, process)
    own = owner.supervising.running.variables
    if base.parsed is None:
        return (base,)
    values = (
        a._replace(value=circus_config.resolve(a.value or "", own)) if a.name not in ancestry.REWRITTEN else a
        for a in base.parsed.assignments
    )
    return (base._replace(parsed=Parsed(tuple(values))),)


def _dynamic(path: str, watcher: Watcher) -> tuple[Applied, ...]:
    if not watcher.dynamic:
        return ()
    assignments = tuple(Assignment(name, "", 1, dynamic=True) for name in watcher.dynamic)
    return (Applied(Source("circus-virtualenv", path, Stage.EXEC), Parsed(assignments), 0.0),)


def _command(watcher: Watcher) -> tuple[tuple[str, ...], str]:
    """Cut it into words as process.py `format_args` does; with `shell` they are for sh again."""
    try:
        words = tuple(word for text in watcher.command for word in shlex.split(text))
    except ValueError:
        return (), "its command cannot be cut into words: a quote is not closed"
    return (("/bin/sh", "-c", shlex.join(words)) if watcher.shell else words), "" if words else "no command"


def _watcher(owner: Owner, configuration: Configuration) -> Watcher | None:
    """Find the watcher by its name, else by its command."""
    if owner.name != UNKNOWN:
        return next((w for w in configuration.watchers if w.name == owner.name), None)
    if len(configuration.watchers) == 1:
        return configuration.watchers[0]
    argv = tuple(owner.facts["child"].split("\0"))
    alike = [w for w in configuration.watchers if ancestry.started_by(_command(w)[0], argv)]
    marked = [w for w in alike or configuration.watchers if _mark(w) == owner.facts["mark"]]
    return marked[0] if len(marked) == 1 else alike[0] if len(alike) == 1 else None


def _mark(watcher: Watcher) -> str:
    """Give the `__name__` that its processes get."""
    names = [
        a.value or ""
        for done in watcher.applied
        if done.parsed
        for a in done.parsed.assignments
        if a.name == MARK
    ]
    return names[-1] if names else ""


# --- its restart ---------------------------------------------------------------------------------


def _client(owner: Owner, configuration: Configuration | None) -> tuple[str, ...]:
    endpoint = configuration.endpoint if configuration else ENDPOINT
    named = () if endpoint == ENDPOINT else ("--endpoint", endpoint)
    return (owner.facts.get("client", "circusctl"), *named)


def _edited(configured: Configured) -> bool:
    return configured.start is not None and configured.start.edited


def _differs(server: Server, configured: Configured) -> bool:
    has = server.first.running.variables
    winners = [(n, s[-1]) for n, s in configured.settings.items() if s[-1].source.kind == KIND]
    return any(has.get(name) != setting.assignment.value for name, setting in winners)


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    del policy
    if owner is None:
        return ()
    found = _load(owner, Known(snapshot.answers))
    configuration = found.configuration if found else None
    watcher = _watcher(owner, configuration) if configuration else None
    client = _client(owner, configuration)
    name = watcher.name if watcher else owner.name
    # Without a name `restart` would restart all that circusd watches.
    named = () if name == UNKNOWN else (name,)
    again = Step((*client, "restart", *named), "stop it and start it anew", Disruption.DOWNTIME)
    if not _edited(configured):
        return (again,)
    why = "read the configuration again: it stops and starts the watchers whose definition has changed"
    reload = Step((*client, "reloadconfig"), why, Disruption.DOWNTIME)
    return (reload,) if _differs(server, configured) else (reload, again)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del server
    if owner is None:
        return ()
    client = owner.facts.get("client", "circusctl")
    named = () if owner.name == UNKNOWN else (owner.name,)
    if not _edited(configured):
        why = "its configuration has not changed: it restarts nothing"
        return (Step((client, "reloadconfig"), why),)
    keeps = "circusd starts it with the configuration that it read before the change; stop and start too"
    return Step((client, "restart", *named), keeps), Step((client, "reload", *named), keeps)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del owner, server, snapshot
    return ()

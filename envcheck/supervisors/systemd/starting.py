"""What a fresh start of a unit gives: by its files on disk, and by what the manager has loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envcheck.model import Applied, Assignment, Need, Owner, Parsed, Process, Source, Stage, Start
from envcheck.sources import chain
from envcheck.sources.text import decode
from envcheck.supervisors.known import MEMORY, Known
from envcheck.supervisors.needs import FOLDER, PROGRAM
from envcheck.supervisors.systemd import (
    command,
    disk,
    environment,
    loaded,
    names,
    needs,
    search,
    sessions,
    siblings,
)
from envcheck.supervisors.systemd.definition import Definition
from envcheck.supervisors.systemd.loaded import Loaded
from envcheck.supervisors.systemd.specifiers import Scope

ELSEWHERE = "it belongs to the systemd of another pid namespace: run envcheck in there"
# What a manager has whatever its files say.
BASE = frozenset(("PATH", "LANG", "LANGUAGE", "XDG_RUNTIME_DIR", "HOME", "USER", "LOGNAME", "SHELL"))
GENERATORS = ("/run", "/etc", "/usr/local/lib", "/usr/lib")
NEW_ENOUGH = 999  # of a manager that does not say its version


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process
    told = sessions.named(owner, known)
    if told is None:
        return Start()
    owner = told
    if owner.facts.get("foreign"):
        return Start((Applied(Source(environment.UNIT, owner.name, Stage.EXEC), None, 0.0, ELSEWHERE),))
    said = loaded.ask(owner, known)
    if why := stray(owner, said):
        return Start(stray=why)
    scope = _scope(owner, said, known)
    files = search.files(scope.name, said.names, disk.search_path(said.manager), known)
    if files.fragment is not None:
        scope = scope._replace(fragment=files.fragment.path)
    found = disk.definition(files, scope)
    applied = _dated(tuple(_chain(owner, found, said, known, disk_too=True)), files.changed)
    applied = (*_unread(files), *applied)
    argv = _argv(found, chain.values(applied))
    now = _loaded(owner, said, known, found)
    since = _since(owner, said)
    if siblings.wanted(applied, since):
        siblings.ask(owner, known)
    if known.wanted and now is not None:
        return _foreseen(now, said)
    differs = now is not None and (
        chain.values(now.applied) != chain.values(applied)
        or _words(found) != loaded.argv(said, _words(found))
    )
    return Start(
        applied,
        argv,
        now if differs else None,
        "" if said.pending or known.wanted else disk.unstartable(files, found, known=said.unit is not None),
        since=since,
        read_at=said.manager.loaded if said.manager else 0.0,
        folder=_folder(found),
        needs=() if said.pending or known.wanted else needs.needs(found),
        traits=_traits(said),
        user=needs.user(found),
    )


def _foreseen(now: Start, said: Loaded) -> Start:
    """Let what is loaded stand for the files until they are known: most likely they lead to the same."""
    named = ((FOLDER, now.folder or ""), (PROGRAM, now.command[0] if now.command else ""))
    wanted = tuple(Need(kind, (path,), "") for kind, path in named if path.startswith("/"))
    return now._replace(needs=wanted, user=said.one("User") or "root")


def _traits(said: Loaded) -> frozenset[str]:
    """Give what decides about its popular commands: its type, whether it reloads, whether it stays loaded."""
    told = {said.one("Type"), said.one("UnitFileState")}
    return frozenset(told | ({"reloads"} if said.one("ExecReload") else set[str]()) - {""})


def _folder(found: Definition) -> str | None:
    """Give where the command is started; None where that is somebody's home."""
    word = found.single.get("WorkingDirectory")
    text = word.text.removeprefix("-") if word else ""
    if text == "~" or (not text and found.scope.manager is not None):
        return None
    return text or "/"


def _scope(owner: Owner, said: Loaded, known: Known) -> Scope:
    variables: Mapping[str, str] | None = None
    if owner.facts.get("user"):
        variables = dict(said.manager.environment) if said.manager else {}
    architecture = said.manager.architecture if said.manager else ""
    return Scope(names.parse(owner.name), "", known, architecture, variables)


def _chain(
    owner: Owner, found: Definition, said: Loaded, known: Known, *, disk_too: bool
) -> Iterator[Applied]:
    """Give every source in order. *disk_too*: with what a reload of the manager's own files would bring."""
    applied = [*_reloaded(owner, said, known, found.scope)] if disk_too else [_manager(said)]
    version = said.manager.version if said.manager else NEW_ENOUGH
    applied += environment.sources(found, _passed(owner), known, version)
    applied += environment.unset(found, chain.values(applied))
    yield from applied


def _manager(said: Loaded) -> Applied:
    source = Source("supervisor-environment", MEMORY, Stage.EXEC)
    if said.manager is None:
        return Applied(source, None, 0.0, said.why or "it is not known yet")
    held = said.manager.environment
    return Applied(source, Parsed(tuple(Assignment(n, v, 0) for n, v in held.items())), 0.0)


def _reloaded(owner: Owner, said: Loaded, known: Known, scope: Scope) -> Iterator[Applied]:
    """Give what the manager would have after a reload.

    It does not tell which of its variables come from DefaultEnvironment= and which were set by hand: where
    its files have changed since they were read, what they do not set may be either, and is not known.
    """
    own = _manager(said)
    files = disk.defaults(known, scope)
    if said.manager is None or own.parsed is None:
        yield own
        return
    changed = files.changed > said.manager.loaded
    loose = {a.name for a in own.parsed.assignments} - BASE - set(files.names)
    by_hand = _by_hand(owner, known) if loose and not changed else None
    kept = tuple(
        a._replace(
            dynamic=changed and a.name in loose,
            fleeting=a.name in loose and by_hand is not None and a.name not in by_hand,
        )
        for a in own.parsed.assignments
    )
    yield own._replace(parsed=Parsed(kept))
    for file, sets in files.files:
        assignments = tuple(
            Assignment(name, value, line)
            for name, (value, line) in sets.items()
            if changed or said.manager.environment.get(name, value) == value
        )
        if assignments:
            source = Source("systemd-manager", file.path, Stage.EXEC)
            yield Applied(source, Parsed(assignments), file.facts.changed)


def _by_hand(owner: Owner, known: Known) -> frozenset[str] | None:
    """Give what pid 1 was booted with: all else was set by hand. None: it may come from somewhere else.

    A user's manager is given the environment of a session; generators print whatever they want.
    """
    if owner.facts.get("user"):
        return None
    found = [known.glob(f"{folder}/systemd/system-environment-generators/*") for folder in GENERATORS]
    line = known.file("/proc/cmdline")
    passed = _passed(owner)
    if passed is None or line is None or line.status != "ok" or any(g is None or g for g in found):
        return None
    words = decode(line.content).split()
    booted = [w.partition("systemd.setenv=")[2].partition("=")[0] for w in words]
    return frozenset([*passed, *booted])


def _passed(owner: Owner) -> Mapping[str, str] | None:
    manager = owner.supervising
    return manager.running.variables if manager is not None and manager.running.usable else None


def _dated(applied: tuple[Applied, ...], folders: float) -> tuple[Applied, ...]:
    """Let the unit be as young as its drop-in folders: what is no longer in them has changed it too."""
    at = next((i for i, a in enumerate(applied) if a.source.dialect == "Environment"), None)
    if at is None:
        return applied
    first = applied[at]
    return (*applied[:at], first._replace(changed=max(first.changed, folders)), *applied[at + 1 :])


def _unread(files: search.Files) -> Iterator[Applied]:
    """Give a gap for every drop-in folder that may not be read."""
    for folder in files.unread:
        source = Source(environment.UNIT, folder.path, Stage.EXEC)
        yield Applied(source, None, folder.facts.changed, chain.why(folder.facts))


def _argv(found: Definition, env: Mapping[str, str]) -> tuple[str, ...]:
    return command.argv(found.commands[0][0], found.scope, env) if found.commands else ()


def _words(found: Definition) -> tuple[str, ...]:
    """Give the words of the first command, without what variables in them stand for."""
    return command.words(found.commands[0][0], found.scope) if found.commands else ()


def _loaded(owner: Owner, said: Loaded, known: Known, on_disk: Definition) -> Start | None:
    """Say what a start without a reload of the manager gives."""
    if said.unit is None:
        return None
    found = loaded.definition(said, on_disk.scope)
    applied = tuple(_chain(owner, found, said, known, disk_too=False))
    words = loaded.argv(said, _words(on_disk))
    argv = (*words[:1], *command.expand_all(words[1:], chain.values(applied)))
    return Start(applied, argv, folder=_folder(found))


def _since(owner: Owner, said: Loaded) -> float | None:
    """Give when the unit's main process was started, where it is the master or an ancestor of it."""
    times = dict(zip(owner.facts["pids"].split(), owner.facts["started"].split(), strict=True))
    moment = times.get(said.one("MainPID"))
    return float(moment) if moment else None


def stray(owner: Owner, said: Loaded) -> str:
    """Say why the unit has not started this master, although it is in its cgroup; "" if it has."""
    if said.unit is None or owner.facts.get("exec") == "yes":
        return ""
    main = said.one("MainPID")
    pids = owner.facts["pids"].split()
    # A forking unit without a pid file may not know its main process: then the mark of the start decides.
    if main in pids[:-1] or (main == "0" and _of_this_start(owner, said) and said.one("Type") == "forking"):
        return ""
    whose = f"its main process is {main}" if main != "0" else "it has no main process"
    marked = owner.facts.get("invocation") and not _of_this_start(owner, said)
    older = ", and it bears the mark of another start" if marked else ""
    return (
        f"it runs in the cgroup of {owner.name}, but that unit does not own it: {whose}{older}; a restart of "
        f"{owner.name} may end it or not, and does not start it again"
    )


def _of_this_start(owner: Owner, said: Loaded) -> bool:
    return owner.facts.get("invocation", "") == said.one("InvocationID")

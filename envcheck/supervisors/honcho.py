"""honcho: a Procfile and .env files, read when it starts; to have them read again it has to be started again.

Source of the knowledge: honcho 2.0 (command.py, environ.py `expand_processes`, process.py).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    Owner,
    Parsed,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.sources import chain
from envcheck.sources.text import decode
from envcheck.supervisors import ancestry, handing_on, procfile
from envcheck.supervisors.handing_on import hazards
from envcheck.supervisors.known import Known

__all__ = ["hazards", "insufficient", "owner", "restart", "start"]

KIND = "honcho"
NAME = "HONCHO_PROCESS_NAME"

# command.py: the options that take a word, and those that do not.
VALUED = {
    "-e": "env",
    "-d": "app_root",
    "-f": "procfile",
    "-p": "port",
    "-c": "concurrency",
    "-q": "quiet",
    "--env": "env",
    "--app-root": "app_root",
    "--procfile": "procfile",
    "--port": "port",
    "--concurrency": "concurrency",
    "--quiet": "quiet",
}
DEFAULT_PORT = "5000"
NEXT_TYPE = 100  # by which the port of the next type of process is higher


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Find it: it forks once for each process, so the outermost of them is honcho itself."""
    found = ancestry.nearest(process, ancestors, KIND)
    if found is None:
        return None
    main, distance = found.process, found.distance
    for ancestor in ancestors[found.distance + 1 :]:
        if ancestor.pid != main.parent or not ancestry.runs(ancestor, KIND):
            break
        main, distance = ancestor, distance + 1
    has = {**process.at_exec.variables, **process.running.variables}
    facts = {"since": str(found.child.started)}
    return Owner(KIND, has.get(NAME) or "run", "ancestor", distance, main.pid, facts, main)


class _Call(NamedTuple):
    """The command line of honcho."""

    options: Mapping[str, str]
    task: str
    words: tuple[str, ...]


def _call(words: Sequence[str]) -> _Call:
    options: dict[str, str] = {}
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if plain[:1] == ["run"] and not word.startswith("-"):
            return _Call(options, "run", (word, *rest))
        if not word.startswith("-"):
            plain.append(word)
        elif word[:2] in VALUED:
            options[VALUED[word[:2]]] = word[2:] or (rest.pop(0) if rest else "")
        elif key := next((VALUED[o] for o in VALUED if name != "--" and o.startswith(name)), ""):
            options[key] = value if equals else (rest.pop(0) if rest else "")
    return _Call(options, plain[0] if plain else "", tuple(plain[1:]))


class _Values(NamedTuple):
    own: Mapping[str, str]  # of honcho itself
    env: Mapping[str, str]  # of the .env files


class _StopError(Exception):
    """It cannot be said, or honcho would not start it: *unstartable* tells which."""

    def __init__(self, path: str, why: str, *, unstartable: bool) -> None:
        super().__init__(why)
        self.path = path
        self.unstartable = unstartable


def start(owner: Owner, process: Process, known: Known) -> Start:
    base = ancestry.inherited(owner, process)
    since = float(owner.facts["since"])
    main = owner.supervising
    words = ancestry.words_after(main, KIND) if main else None
    if main is None or words is None:
        return Start((base, _gap("Procfile", "its command line is hidden")), since=since)
    call = _call(words)
    root = ancestry.absolute(main, call.options.get("app_root", "."))
    files = _files(root, call.options.get("env", ".env"), known)
    refused = next((f for f in files if f.parsed and f.parsed.refused), None)
    mark = Source("honcho-marks", f"honcho {owner.pid}", Stage.EXEC)
    marks = Applied(mark, Parsed((Assignment(NAME, owner.name, 1),)), main.started)
    if refused:
        return Start(
            (base, marks, *files),
            (),
            unstartable=f"{refused.source.path} is not what honcho takes",
            since=since,
        )
    if call.task == "run":
        return Start((base, *files), call.words, since=since, folder=main.cwd)
    try:
        found = _process(owner.name, call, root, _Values(chain.values([base]), chain.values(files)), known)
    except _StopError as stop:
        unstartable = f"{stop.path}: {stop}" if stop.unstartable else ""
        return Start(
            (base, marks, *files, _gap(stop.path, str(stop))), (), unstartable=unstartable, since=since
        )
    if found is None:
        return Start((base, marks, *files), since=since)
    port, command = found
    return Start((base, marks, *files, port), command, since=since, folder=main.cwd)


def _gap(path: str, why: str) -> Applied:
    return Applied(Source(KIND, path, Stage.EXEC), None, 0.0, why)


def _files(root: str, names: str, known: Known) -> list[Applied]:
    """Read the .env files in their order; one that is not there is left out."""
    applied: list[Applied] = []
    for name in names.split(","):
        path = posixpath.normpath(posixpath.join(root, name.strip()))
        facts = known.file(path)
        if facts is not None and facts.status == "folder":
            continue
        source = Source("file", path, Stage.EXEC, "dotenv-honcho", optional=True)
        if facts is not None and (done := chain.apply(source, facts, {})):
            applied.append(done)
    return applied


def _process(
    name: str, call: _Call, root: str, values: _Values, known: Known
) -> tuple[Applied, tuple[str, ...]] | None:
    """Give the port and the command of one process; None: the host has not answered yet."""
    own, env = values
    named = call.options.get("procfile") or env.get("PROCFILE") or own.get("PROCFILE") or "Procfile"
    path = posixpath.normpath(posixpath.join(root, named))
    facts = known.file(path)
    if facts is None:
        return None
    if facts.status != "ok":
        raise _StopError(path, chain.why(facts), unstartable=facts.status == "missing")
    types = _types(decode(facts.content), path)
    wanted = list(call.words) or list(types)
    kind, _, number = name.rpartition(".")
    if kind not in types or kind not in wanted or not number.isdigit():
        raise _StopError(path, f"it has no process {kind or name} any more", unstartable=True)
    pairs = (pair.partition("=") for pair in call.options.get("concurrency", "").split(","))
    counts = {pair[0]: pair[2] for pair in pairs}
    text = env.get("PORT") or call.options.get("port") or own.get("PORT") or DEFAULT_PORT
    try:
        before = sum(NEXT_TYPE for _ in wanted[: wanted.index(kind)])
        port = int(text) + before + int(number) - 1
        missing = int(number) > int(counts.get(kind, "1"))
    except ValueError:
        raise _StopError(path, "a port or a number of processes is no number", unstartable=True) from None
    if missing:
        raise _StopError(path, f"it has no process {name} any more", unstartable=True)
    line, command = types[kind]
    source = Source("honcho-port", path, Stage.EXEC)
    applied = Applied(source, Parsed((Assignment("PORT", str(port), line),)), facts.changed)
    return applied, ("/bin/sh", "-c", command)


def _types(text: str, path: str) -> dict[str, tuple[int, str]]:
    """Read a Procfile: the line and the command of each type."""
    types: dict[str, tuple[int, str]] = {}
    for entry in procfile.entries(text.replace("\r\n", "\n").splitlines()):
        if entry.name in types:
            raise _StopError(path, "it names a process twice", unstartable=True)
        types[entry.name] = (entry.line, entry.command)
    return types


# --- its restart ---------------------------------------------------------------------------------


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Stop it with all that it started, and give its own command line again."""
    del configured
    main = owner.supervising if owner else None
    if owner is None or main is None:
        return ()
    return handing_on.steps(owner, main, server, snapshot, policy)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del server, configured
    if owner is None:
        return ()
    why = "honcho ends by it, and leaves the server behind with the environment that it has"
    return (Step(("kill", "-HUP", str(owner.pid)), why),)

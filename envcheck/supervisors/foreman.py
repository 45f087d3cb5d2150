"""foreman: a Procfile and .env files, read when it starts: to have them read again, it has to start again.

Source of the knowledge: foreman 0.87 (cli.rb, engine.rb, process.rb, procfile.rb). `foreman start` hides its
options behind the title `foreman: master`: what it makes of its files is known only where another supervisor
tells how it is started, or where it is a `foreman run`, which has no title.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from envcheck.model import (
    Applied,
    Assignment,
    Configured,
    FileFacts,
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
from envcheck.supervisors import ancestry, foreman_options, handing_on, procfile
from envcheck.supervisors.foreman_options import Call
from envcheck.supervisors.handing_on import hazards
from envcheck.supervisors.known import Known

__all__ = ["advice", "hazards", "insufficient", "owner", "restart", "start"]

KIND = "foreman"
TITLE = "foreman: master"
NAME = "PS"  # the variable that tells a process which one of the Procfile it is

DEFAULT_PORT = "5000"
NEXT_TYPE = 100  # by which the port of the next line of the Procfile is higher

_NUMBER = re.compile(r"\s*([-+]?\d+)")
_REPLACED = re.compile(r"\\(\\|[0-9&])")


class _StopError(Exception):
    """It cannot be said, or foreman would not start it: *unstartable* tells which."""

    def __init__(self, path: str, why: str, *, unstartable: bool = True) -> None:
        super().__init__(why)
        self.path = path
        self.unstartable = unstartable


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = ancestry.nearest(process, ancestors, KIND, TITLE)
    if found is None:
        return None
    has = {**process.at_exec.variables, **process.running.variables}
    facts = {"since": str(found.child.started)}
    pid = found.process.pid
    return Owner(KIND, has.get(NAME) or "run", "ancestor", found.distance, pid, facts, found.process)


def start(owner: Owner, process: Process, known: Known) -> Start:
    base = ancestry.inherited(owner, process)
    since = float(owner.facts["since"])
    main = owner.supervising
    words = ancestry.words_after(main, KIND) if main else None
    if main is None or words is None:
        return Start((base, _gap("Procfile", "its title hides its command line")), since=since)
    applied = [base]
    try:
        call = _call(main, words, known)
        if call is None:
            return Start((base,), since=since)
        applied += _files(main, call, known)
        if call.task == "run":
            return _run(call, main, applied, known)._replace(since=since)
        found = _process(owner.name, call, main, applied, known)
    except _StopError as stop:
        unstartable = f"{stop.path}: {stop}" if stop.unstartable else ""
        return Start((*applied, _gap(stop.path, str(stop))), unstartable=unstartable, since=since)
    if found is None:
        return Start(tuple(applied), since=since)
    given, command = found
    return Start((*applied, given), command, since=since, folder=_folder(call, main))


def _gap(path: str, why: str) -> Applied:
    return Applied(Source(KIND, path, Stage.EXEC), None, 0.0, why)


def _call(main: Process, words: Sequence[str], known: Known) -> Call | None:
    """Read its command line and its `.foreman`; None: the host has not answered yet."""
    path = ancestry.absolute(main, ".foreman")
    facts = known.file(path)
    if facts is None:
        return None
    if facts.status not in ("ok", "missing", "folder"):
        raise _StopError(path, chain.why(facts), unstartable=False)
    given = foreman_options.call(words)
    if given.fault:
        raise _StopError("foreman", given.fault, unstartable=False)
    defaults = foreman_options.defaults(facts.content) if facts.status == "ok" else {}
    if defaults is None:
        raise _StopError(path, "it is no YAML mapping")
    return given._replace(options={**defaults, **given.options})


def _files(main: Process, call: Call, known: Known) -> list[Applied]:
    """Read the .env files in their order: those that are named have to be there."""
    named = call.options.get("env")
    root = ancestry.absolute(main, call.options.get("root", "."))
    paths = (
        [posixpath.join(root, ".env")]
        if named is None
        else [ancestry.absolute(main, n) for n in named.split(",")]
    )
    applied: list[Applied] = []
    for path in paths:
        facts = known.file(path)
        if facts is None or (named is None and facts.status == "folder"):
            continue
        if named is not None and facts.status in ("missing", "folder"):
            raise _StopError(path, "foreman does not start without it")
        source = Source("file", path, Stage.EXEC, "dotenv-foreman", optional=named is None)
        if done := chain.apply(source, facts, {}):
            applied.append(done)
        if done and done.parsed and done.parsed.refused:
            raise _StopError(path, "it is not what foreman takes")
    return applied


def _procfile(call: Call, main: Process) -> str:
    if "procfile" in call.options:
        return ancestry.absolute(main, call.options["procfile"])
    return posixpath.join(ancestry.absolute(main, call.options.get("root", ".")), "Procfile")


def _folder(call: Call, main: Process) -> str:
    """Give where it starts its processes: beside the Procfile, where no root is named."""
    root = call.options.get("root")
    return ancestry.absolute(main, root) if root else posixpath.dirname(_procfile(call, main))


class _Type(NamedTuple):
    place: int  # among the processes of the Procfile
    line: int
    command: str


def _types(facts: FileFacts, path: str) -> dict[str, _Type]:
    """Read a Procfile: what does not have the form of a process is ignored."""
    lines = decode(facts.content).replace("\r\n", "\n").split("\n")
    types: dict[str, _Type] = {}
    for place, entry in enumerate(procfile.entries(lines)):
        if entry.name in types:
            raise _StopError(path, "it names a process twice, and which one this is, not", unstartable=False)
        types[entry.name] = _Type(place, entry.line, entry.command)
    return types


def _read(path: str, known: Known) -> FileFacts | None:
    facts = known.file(path)
    if facts is not None and facts.status != "ok":
        missing = facts.status in ("missing", "folder")
        raise _StopError(path, chain.why(facts), unstartable=missing)
    return facts


def _process(
    name: str, call: Call, main: Process, applied: Sequence[Applied], known: Known
) -> tuple[Applied, tuple[str, ...]] | None:
    """Give what is set for one process, and its command; None: the host has not answered yet."""
    path = _procfile(call, main)
    facts = _read(path, known)
    if facts is None:
        return None
    kind, _, number = name.rpartition(".")
    types = _types(facts, path)
    formation = f"{call.words[0]}=1" if call.words else call.options.get("formation", "all=1")
    if kind not in types or not number.isdigit() or int(number) > foreman_options.count(formation, kind):
        raise _StopError(path, f"it has no process {name} any more")
    own, env = chain.values(applied[:1]), chain.values(applied[1:])
    first = next((t for t in (call.options.get("port"), env.get("PORT"), own.get("PORT")) if t), DEFAULT_PORT)
    base = _NUMBER.match(first)
    port = (int(base[1]) if base else 0) + NEXT_TYPE * types[kind].place + int(number) - 1
    given = {"PORT": str(port), NAME: name}
    line = types[kind].line
    source = Source("foreman-process", path, Stage.EXEC)
    parsed = Parsed(tuple(Assignment(n, v, line) for n, v in given.items()))
    command = ("/bin/sh", "-c", expanded(types[kind].command, {**env, **given}))
    return Applied(source, parsed, facts.changed), command


def _run(call: Call, main: Process, applied: Sequence[Applied], known: Known) -> Start:
    """Give what `foreman run` starts: a command, or, as its only word, a process of the Procfile."""
    start = Start(tuple(applied), call.words, folder=main.cwd)
    if len(call.words) != 1:
        return start
    facts = known.file(_procfile(call, main))
    if facts is None or facts.status != "ok":
        return start
    named = _types(facts, _procfile(call, main)).get(call.words[0])
    if named is None:
        return start
    command = ("/bin/sh", "-c", expanded(named.command, chain.values(applied[1:])))
    return start._replace(command=command, folder=_folder(call, main))


def expanded(command: str, env: Mapping[str, str]) -> str:
    """Put values into a command as foreman does: one name after another, whatever follows `$NAME`."""
    for name, value in env.items():
        sign = f"${name}"
        command = command.replace(sign, _meant(value, sign))
    return command


def _meant(value: str, sign: str) -> str:
    """Give a value as String#gsub puts it in: a backslash with a digit or `&` means what was matched."""
    meant = {"\\": "\\", "0": sign, "&": sign}
    return _REPLACED.sub(lambda match: meant.get(match[1], ""), value)


# --- its restart ---------------------------------------------------------------------------------


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """End the server: foreman ends by that. Then give foreman's own command line again."""
    del configured
    main = owner.supervising if owner else None
    if owner is None or main is None or ancestry.words_after(main, KIND) is None:
        return ()
    return handing_on.steps(owner, server.first, server, snapshot, policy)


def advice(owner: Owner | None, snapshot: Snapshot) -> str:
    del snapshot
    pid = owner.pid if owner else ""
    return f"end foreman {pid} and give the command line again that it was started with: its title hides that"


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del server, configured
    if owner is None:
        return ()
    why = "foreman ends by it, with all that it has started, and nothing starts it again"
    return (Step(("kill", "-HUP", str(owner.pid)), why),)

"""Print an environment by layer: of a process, or what a file (file:PATH) sets; values are hidden."""

from __future__ import annotations

import posixpath
from typing import Annotated

import typer

from envcheck import collect, raw
from envcheck.cli import options
from envcheck.errors import EnvcheckError, UsageError
from envcheck.hosts.local import Local
from envcheck.judge import matching
from envcheck.judge.cause import HELP
from envcheck.model import Problem, Process, Reading, Snapshot, Source, Stage
from envcheck.report.environment import FILE, Environment, as_json, as_text
from envcheck.sources import DIALECTS, chain
from envcheck.spec.sources import PLAIN

Dialect = Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="The grammar of a file.")]


def command(
    target: Annotated[str, typer.Argument(metavar="TARGET|file:PATH", help="What to show.")],
    *,
    dialect: Dialect = None,
    formats: options.Formats = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
) -> None:
    wanted = options.formats(formats, ["text", "json"])
    policy = options.policy(reveal)
    if target.startswith("file:"):
        layers = {FILE: _of_file(options.absolute(target.removeprefix("file:"), "file"), dialect)}
        status = 0
    else:
        process = _process(target, live=not no_live)
        layers = {"at_exec": _of(process.at_exec), "live": _of(process.live)}
        status = 0 if process.running.usable else EnvcheckError.exit_status
    for name, path in wanted:
        render = as_json if name == "json" else as_text
        options.emit(render(layers, policy), path, color=color)
    raise typer.Exit(status)


def _process(target: str, *, live: bool) -> Process:
    """Find the process that a target means: itself, or the master of a server."""
    pids = matching.pids([target])
    snapshot: Snapshot = collect.collect(Local(), None, pids, matching.files([target]), live=live)
    if pids:
        known = [*snapshot.strays, *(p for s in snapshot.servers for p in s.processes)]
        found = [p for p in known if p.pid in pids]
    else:
        found = [s.first for s in matching.targets(snapshot, target)]
    if not found:
        raise matching.nothing(snapshot, target, "process")
    return _one(found, target)


def _one(found: list[Process], target: str) -> Process:
    if len(found) > 1:
        pids = ", ".join(str(p.pid) for p in found)
        raise UsageError(f"{target} means several servers", f"name one of them by its pid: {pids}")
    return found[0]


def _of(reading: Reading) -> Environment:
    problems = tuple(Problem(None, anomaly) for anomaly in reading.anomalies)
    problems += tuple(Problem(None, text) for text in (reading.detail, HELP.get(reading.status, "")) if text)
    return Environment(
        reading.status, reading.variables if reading.usable else {}, (), {}, problems, frozenset()
    )


def _of_file(path: str, dialect: str | None) -> Environment:
    """Read a file, or an envdir, by its grammar.

    Raises:
        EnvcheckError: It cannot be read.
        UsageError: No such dialect, or none can be guessed from the path.
    """
    source = _source(path, dialect)
    facts = raw.file_facts(Local().ask([chain.request(source)])[0])
    applied = chain.apply(source, facts, {})
    if applied is None or applied.parsed is None:
        raise EnvcheckError(f"unable to read {path}: {applied.why if applied else 'it is missing'}")
    configured = chain.configure([source], {path: facts})
    last = {name: settings[-1] for name, settings in configured.settings.items()}
    return Environment(
        "refused" if applied.parsed.refused else "ok",
        {n: s.assignment.value for n, s in last.items() if s.assignment.value is not None},
        tuple(n for n, s in last.items() if s.assignment.value is None),
        {n: s.origin for n, s in last.items()},
        applied.parsed.problems,
        frozenset(n for n, s in last.items() if s.assignment.dynamic),
    )


def _source(path: str, dialect: str | None) -> Source:
    folder = dialect == "envdir" or (dialect is None and posixpath.isdir(path))
    if dialect is None and not folder:
        dialect = PLAIN.get(posixpath.dirname(path))
    if folder:
        return Source("envdir", path, Stage.EXEC)
    if dialect not in DIALECTS:
        known = ", ".join(["envdir", *DIALECTS])
        what = f"no such dialect: {dialect}" if dialect else "the path does not tell how the file is read"
        raise UsageError(what, f"--dialect is one of {known}")
    return Source("file", path, Stage.EXEC, dialect)

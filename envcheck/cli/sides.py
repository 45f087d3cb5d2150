"""What a side of `show` and `diff` means: a process by layer, what is configured for it, or a file."""

from __future__ import annotations

import posixpath

from envcheck import collect, raw
from envcheck.errors import EnvcheckError, UsageError
from envcheck.hosts import Host
from envcheck.judge import configure, matching
from envcheck.judge.evidence import HELP
from envcheck.model import Configured, Problem, Process, Reading, Server, Snapshot, Source, Spec, Stage
from envcheck.report.environment import Environment
from envcheck.sources import DIALECTS, chain
from envcheck.spec.sources import PLAIN


def process(host: Host, target: str, spec: Spec | None, *, live: bool) -> Process:
    """Find the process that a target means: itself, or the master of a server, also as an app of the spec."""
    if spec and any(app.name == target for app in spec.apps):
        return _server(host, target, spec, live=live)[1].first
    pids = matching.pids([target])
    snapshot: Snapshot = collect.collect(host, None, pids, matching.files([target]), live=live)
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


def of_reading(reading: Reading) -> Environment:
    problems = tuple(Problem(None, anomaly) for anomaly in reading.anomalies)
    problems += tuple(Problem(None, text) for text in (reading.detail, HELP.get(reading.status, "")) if text)
    return Environment(
        reading.status, reading.variables if reading.usable else {}, (), {}, problems, frozenset()
    )


def of_file(host: Host, path: str, dialect: str | None) -> Environment:
    """Read a file, or an envdir, by its grammar.

    Raises:
        EnvcheckError: It cannot be read.
        UsageError: No such dialect, or none can be guessed from the path.
    """
    source = source_of(host, path, dialect)
    facts = raw.file_facts(host.ask([chain.request(source)])[0])
    applied, *gaps = chain.read(source, facts, {}) or (None,)
    if applied is None or applied.parsed is None:
        raise EnvcheckError(f"unable to read {path}: {applied.why if applied else 'it is missing'}")
    configured = chain.configure([source], {path: facts})
    found = of_configured(configured, applied.parsed.problems, refused=applied.parsed.refused)
    return found._replace(status="partial") if any(not gap.only for gap in gaps) else found


def of_configured(configured: Configured, problems: tuple[Problem, ...], *, refused: bool) -> Environment:
    """Give the winners of a chain as an environment; what a refused source would set, nobody gets."""
    none = {a.source for a in configured.refused}
    given = {n: [s for s in settings if s.source not in none] for n, settings in configured.settings.items()}
    last = {name: settings[-1] for name, settings in given.items() if settings}
    dynamic = frozenset(n for n, s in last.items() if s.assignment.dynamic)
    values = {n: "" if n in dynamic else s.assignment.value for n, s in last.items()}
    return Environment(
        "refused" if refused else "ok",
        {n: value for n, value in values.items() if value is not None},
        tuple(n for n, value in values.items() if value is None),
        {n: s.origin for n, s in last.items()},
        problems,
        dynamic,
    )


def of_target(host: Host, target: str, spec: Spec | None, *, live: bool) -> Environment:
    """Say what a fresh start of the server that *target* means would give."""
    snapshot, server = _server(host, target, spec, live=live)
    apps = spec.apps if spec else ()
    app = next((app for app in apps if server in matching.of_app(snapshot, app)), None)
    configured = configure(server, app, snapshot)
    if not configured.known:
        raise EnvcheckError(
            f"what {target} would get from a fresh start is not known",
            "no spec names its sources, and no known supervisor runs it",
        )
    gaps = tuple(Problem(None, f"{gap.source.path}: {gap.why}") for gap in configured.gaps)
    told = tuple(
        problem._replace(message=f"{applied.source.path}: {problem.message}")
        for applied in configured.applied
        for problem in (applied.parsed.problems if applied.parsed else ())
    )
    if configured.unread:
        told += (Problem(None, f"the server's own configuration may set more: {configured.unread}"),)
    environment = of_configured(configured, gaps + told, refused=bool(configured.refused))
    loaded = configured.as_loaded
    return environment._replace(
        status="partial" if gaps else environment.status,
        loaded=None if loaded is None else {n: s.assignment if s else None for n, s in loaded.items()},
    )


def _server(host: Host, target: str, spec: Spec | None, *, live: bool) -> tuple[Snapshot, Server]:
    snapshot = collect.collect(host, spec, matching.pids([target]), matching.files([target]), live=live)
    apps = {app.name: app for app in spec.apps} if spec else {}
    found = matching.of_app(snapshot, apps[target]) if target in apps else matching.targets(snapshot, target)
    if not found:
        raise matching.nothing(snapshot, target, "server")
    first = _one([s.first for s in found], target)
    return snapshot, next(s for s in found if s.first.pid == first.pid)


def source_of(host: Host, path: str, dialect: str | None) -> Source:
    """Say how a path is read: a folder is an envdir; a few places tell the dialect of a file."""
    if dialect is None:
        facts = raw.file_facts(host.ask([{"op": "file", "path": path}])[0])
        if facts.status not in ("ok", "folder"):
            raise EnvcheckError(f"unable to read {path}: {chain.why(facts)}")
        dialect = "envdir" if facts.status == "folder" else PLAIN.get(posixpath.dirname(path))
    if dialect == "envdir":
        return Source("envdir", path, Stage.EXEC)
    if dialect not in DIALECTS:
        known = ", ".join(["envdir", *DIALECTS])
        what = f"no such dialect: {dialect}" if dialect else "the path does not tell how the file is read"
        raise UsageError(what, f"--dialect is one of {known}")
    return Source("file", path, Stage.EXEC, dialect)

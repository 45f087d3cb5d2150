"""The sources of a service's environment, in the order in which systemd applies them.

systemd.exec(5), "Environment Variables in Spawned Processes", and observed: what the manager has; what
systemd itself adds; ExecSearchPath=; PassEnvironment=; Environment=; EnvironmentFile=, whatever the order of
the lines; and at last UnsetEnvironment=. What cannot be known beforehand (INVOCATION_ID, JOURNAL_STREAM,
SYSTEMD_EXEC_PID, NOTIFY_SOCKET, LISTEN_*, ...) is set by no source here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from envcheck.model import Applied, Assignment, FileFacts, Parsed, Problem, Source, Stage
from envcheck.opening import DIRECTORIES
from envcheck.sources import chain, dialect
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import dynamic_user
from envcheck.supervisors.systemd.definition import (
    Definition,
    EnvironmentFile,
    Place,
    Variable,
    Word,
    pid_file,
)
from envcheck.supervisors.systemd.disk import problems_of

UNIT = "systemd-unit"
COMMENTS_END_LINES = 254  # the first version whose comments in an EnvironmentFile= end with their line

# Where the folders of a service are, and what tells it of them.
FOLDERS = {
    "RuntimeDirectory": ("RUNTIME_DIRECTORY", "/run"),
    "StateDirectory": ("STATE_DIRECTORY", "/var/lib"),
    "CacheDirectory": ("CACHE_DIRECTORY", "/var/cache"),
    "LogsDirectory": ("LOGS_DIRECTORY", "/var/log"),
    "ConfigurationDirectory": ("CONFIGURATION_DIRECTORY", "/etc"),
}
NO_SHELLS = frozenset({"nologin", "false"})
NOBODY = "nobody"
NOBODY_NAMED = Word("", Place("", 0))
MAGIC = frozenset("*?[")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def sources(
    found: Definition, passed: Mapping[str, str] | None, known: Known, version: int
) -> Iterator[Applied]:
    """Give all sources but what the manager has. *passed*: the environment of the manager's own process."""
    yield from _placed(found, "systemd", _own(found, known))
    yield from _placed(found, "ExecSearchPath", _search_path(found))
    yield from _passed(found, passed)
    if (pam := found.single.get("PAMName")) and pam.text:
        why = "dynamic: only the PAM modules of the service could tell what they set"
        yield Applied(Source("pam", pam.text, Stage.EXEC), None, 0.0, why)
    yield from _units(found)
    for file in found.files:
        yield from _environment_file(file, known, version)


def unset(found: Definition, before: Mapping[str, str]) -> Iterator[Applied]:
    """Remove what UnsetEnvironment= names, or sets exactly so, from what is set *before*."""
    gone: list[Variable] = []
    for word in found.lists.get("UnsetEnvironment", ()):
        name, equals, value = word.text.partition("=")
        if not equals or before.get(name) == value:
            gone.append(Variable(name, "", word.place))
    for applied in _placed(found, "UnsetEnvironment", gone):
        removed = tuple(a._replace(value=None) for a in applied.parsed.assignments) if applied.parsed else ()
        yield applied._replace(parsed=Parsed(removed))


def _placed(found: Definition, dialect: str, variables: Iterable[Variable]) -> Iterator[Applied]:
    """Make one source of what each file sets. *dialect* keeps the kinds of lines in one file apart."""
    by_file: dict[str, list[Assignment]] = {}
    for v in variables:
        assignment = Assignment(
            v.name, v.value, v.place.line, dynamic=not v.known, changed=_changed(found, v.place.path)
        )
        by_file.setdefault(v.place.path, []).append(assignment)
    for path, assignments in by_file.items():
        source = Source(UNIT, path, Stage.EXEC, dialect)
        yield Applied(source, Parsed(tuple(assignments)), _changed(found, path))


def _changed(found: Definition, path: str) -> float:
    return found.sources[path].facts.changed if path in found.sources else 0.0


def _units(found: Definition) -> Iterator[Applied]:
    """Give Environment= of each file, in the order of the files; one that sets nothing is a source too."""
    placed = {a.source.path: a for a in _placed(found, "Environment", found.environment.values())}
    for path in dict.fromkeys((*found.sources, *placed)):
        source = Source(UNIT, path, Stage.EXEC, "Environment")
        applied = placed.get(path) or Applied(source, Parsed(), _changed(found, path))
        facts = found.sources[path].facts if path in found.sources else FileFacts("ok")
        if facts.status != "ok":
            yield Applied(source, None, facts.changed, chain.why(facts))
        elif found.broken.startswith(f"{path}: "):
            yield Applied(source, None, facts.changed, found.broken.removeprefix(f"{path}: "))
        elif applied.parsed:
            yield applied._replace(parsed=applied.parsed._replace(problems=problems_of(found, path)))


# --- what systemd itself adds ------------------------------------------------------------------------


def _own(found: Definition, known: Known) -> Iterator[Variable]:
    for key in DIRECTORIES:
        yield from _folders(found, key)
    if (pid := found.single.get("PIDFile")) and pid.text:
        yield Variable("PIDFILE", pid_file(pid.text), pid.place)
    user = found.single.get("User", NOBODY_NAMED)
    if found.scope.manager is not None:
        return
    if found.is_set("DynamicUser"):
        place = (user if user.text else found.single["DynamicUser"]).place
        name = user.text or dynamic_user.name(found.scope.name.prefix)
        yield from (Variable(variable, name, place) for variable in ("LOGNAME", "USER"))
    elif user.text:
        yield from _account(user, known)


def _folders(found: Definition, key: str) -> Iterator[Variable]:
    words = found.lists.get(key, [])
    if words and found.scope.manager is None:
        name, base = FOLDERS[key]
        paths = sorted({posixpath.join(base, w.text.partition(":")[0]) for w in words})
        yield Variable(name, ":".join(paths), words[-1].place)


def _account(user: Word, known: Known) -> Iterator[Variable]:
    """Give what passwd(5) has of User=; a home of `/` and a shell that lets nobody in are left out."""
    facts = known.file("/etc/passwd")
    text = facts.content.decode("utf-8", "surrogateescape") if facts else ""
    rows = [line.split(":") for line in text.splitlines()]
    row = next((r for r in rows if len(r) > 6 and user.text in (r[0], r[2])), None)  # noqa: PLR2004
    if row is None:
        return
    name, home, shell = row[0], row[5], row[6]
    yield Variable("LOGNAME", name, user.place)
    yield Variable("USER", name, user.place)
    if name == NOBODY:  # systemd knows it by itself: no home, no shell
        return
    if home not in ("", "/"):
        yield Variable("HOME", home, user.place)
    if shell.startswith("/") and posixpath.basename(shell) not in NO_SHELLS:
        yield Variable("SHELL", shell, user.place)


def _search_path(found: Definition) -> Iterator[Variable]:
    if words := found.lists.get("ExecSearchPath"):
        yield Variable("PATH", ":".join(w.text for w in words), words[-1].place)


def _passed(found: Definition, passed: Mapping[str, str] | None) -> Iterator[Applied]:
    words = found.lists.get("PassEnvironment", ())
    if words and passed is None:
        why = "PassEnvironment= takes from the manager's own environment, which could not be read"
        yield Applied(Source(UNIT, words[0].place.path, Stage.EXEC, "PassEnvironment"), None, 0.0, why)
    elif passed:
        given = [Variable(w.text, passed[w.text], w.place) for w in words if w.text in passed]
        yield from _placed(found, "PassEnvironment", given)


# --- EnvironmentFile= --------------------------------------------------------------------------------


def _environment_file(file: EnvironmentFile, known: Known, version: int) -> Iterator[Applied]:
    """Read what a line names: several files where it is a pattern."""
    if not file.known:
        yield _gap(file, file.pattern, "dynamic: what a specifier in its path stands for is not known")
        return
    # A pattern even where it holds nothing special: a backslash takes the meaning from what follows.
    pattern = ESCAPED.sub(lambda m: f"[{m[1]}]" if m[1] in MAGIC else m[1], file.pattern)
    paths = known.glob(pattern) if MAGIC & set(pattern) else (pattern,)
    if paths is None:
        return
    if not paths and not file.optional:
        yield _refused(file, file.pattern, "no file matches")
    for path in paths:
        facts = known.file(path)
        if facts is not None:
            yield from _one_file(file, path, facts, version)


def _one_file(file: EnvironmentFile, path: str, facts: FileFacts, version: int) -> Iterator[Applied]:
    kind = "systemd254" if version >= COMMENTS_END_LINES else "systemd"
    source = Source("file", path, Stage.EXEC, kind, file.optional)
    if facts.status in ("missing", "folder"):
        if not file.optional:
            yield _refused(file, path, chain.why(facts))
        return
    if facts.status != "ok":
        yield Applied(source, None, facts.changed, chain.why(facts))
        return
    parsed = chain.dropped(dialect(kind)(facts.content, {}), facts.content)
    if parsed.refused and file.optional:
        ignored = Problem(
            parsed.problems[0].line, f"{parsed.problems[0].message}; `-`: it is skipped silently"
        )
        parsed = Parsed((), (ignored,))
    yield Applied(source, parsed, facts.changed)


def _gap(file: EnvironmentFile, path: str, why: str) -> Applied:
    return Applied(Source("file", path, Stage.EXEC, "", file.optional), None, 0.0, why)


def _refused(file: EnvironmentFile, path: str, why: str) -> Applied:
    """Say that the service cannot start without a file, which is a gap too."""
    message = f"{why}, and {_told(file.place)} needs it"
    parsed = Parsed((), (Problem(None, message),), refused=True)
    return Applied(Source("file", path, Stage.EXEC, "systemd"), parsed, 0.0, why)


def _told(place: Place) -> str:
    return f"{place.path}:{place.line}" if place.line else place.path


def values(applied: Sequence[Applied]) -> dict[str, str]:
    return chain.values(applied)

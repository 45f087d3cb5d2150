"""What of a snapshot may be kept: no hidden value, no content of a file, no answer of a supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from envcheck import judge
from envcheck.command_line import mask_arguments
from envcheck.judge import matching
from envcheck.judge.discretion import mask_of
from envcheck.judge.findings import findings
from envcheck.judge.hidden import token
from envcheck.judge.remedy import plan
from envcheck.model import (
    App,
    Applied,
    Assignment,
    Configured,
    FileFacts,
    Key,
    Owner,
    Parsed,
    Process,
    Reading,
    Recorded,
    Server,
    Snapshot,
    Spec,
)
from envcheck.record.codec import WORDS, is_object
from envcheck.secrecy import Policy

T = TypeVar("T")
# The environment of a supervisor: what it hands on stands in the configured.
NOT_KEPT = Reading("not-kept")

Mask = Callable[[str], str]


def redacted(
    snapshot: Snapshot, servers: Sequence[Server], spec: Spec | None, policy: Policy, *, kept: bool
) -> Snapshot:
    """Make a snapshot that holds no secret and can be judged elsewhere.

    *servers*: those to keep. *kept*: whether the key of *policy* is one that others have too.
    """
    apps = {
        s.first.pid: [a for a in (spec.apps if spec else ()) if s in matching.of_app(snapshot, a)]
        for s in servers
    }
    told = judge.told_by(policy, {a.name: a for named in apps.values() for a in named}.values())
    computed = {
        s.first.pid: [_computed(s, app, snapshot, policy) for app in (None, *apps[s.first.pid])]
        for s in servers
    }
    mask = mask_of(told, _environments(snapshot, [r for of in computed.values() for r in of])) or str
    cleaners = {s.first.pid: _Cleaner(judge.told_by(policy, apps[s.first.pid]), mask) for s in servers}
    clean = _Cleaner(told, mask)
    uids = {0, snapshot.uid, *(p.uid for s in servers for p in s.processes)}
    return Snapshot(
        host=snapshot.host,
        taken=snapshot.taken,
        uid=snapshot.uid,
        servers=tuple(cleaners[s.first.pid].clean(s) for s in servers),
        files=clean.clean({path: _facts(facts) for path, facts in snapshot.files.items()}),
        inside={
            pid: clean.clean({path: _facts(facts) for path, facts in files.items()})
            for pid, files in snapshot.inside.items()
            if pid in cleaners
        },
        commands=clean.clean(snapshot.commands),
        users={uid: clean.clean(name) for uid, name in snapshot.users.items() if uid in uids},
        gaps=clean.clean(snapshot.gaps),
        strays=clean.clean(snapshot.strays),
        real=clean.clean(snapshot.real),
        recorded=tuple(cleaners[r.pid].clean(r) for of in computed.values() for r in of),
        key=Key(policy.key_id, kept),
    )


def _computed(server: Server, app: App | None, snapshot: Snapshot, policy: Policy) -> Recorded:
    """Compute what only the sources, and the answers of supervisors, can tell."""
    context = judge.context_of(server, app, snapshot)
    found = findings(context, app.expectations if app else ())
    restart = plan(context, found, snapshot, judge.told_by(policy, [app] if app else []))
    return Recorded(server.first.pid, app.name if app else "", context.configured._replace(plan=restart))


def _environments(snapshot: Snapshot, computed: Iterable[Recorded]) -> list[Mapping[str, str]]:
    """Give all environments in which there may be a secret that stands elsewhere as well."""
    processes = [*snapshot.strays, *snapshot.ancestors.values()]
    for server in snapshot.servers:
        processes += [*server.processes, *(o.supervising for o in server.owners if o.supervising)]
    running = [r.variables for p in processes for r in (p.at_exec, p.live)]
    known = [
        (*c.settings.values(), c.others, [s for s in (c.as_loaded or {}).values() if s])
        for c in (r.configured for r in computed)
    ]
    placed = (s.assignment for chains in known for places in chains for s in places)
    return [*running, *({a.name: a.value} for a in placed if a.value is not None)]


def _facts(facts: FileFacts) -> FileFacts:
    """Keep of a file whether it is there, and of a pid file the pid."""
    is_pid = matching.number(facts.content.strip().decode("ascii", "replace")) is not None
    return FileFacts(facts.status, facts.content if is_pid else b"", facts.changed, detail=facts.detail)


class _Cleaner:
    """Goes through a value: texts are masked, values of variables become tokens."""

    def __init__(self, policy: Policy, mask: Mask) -> None:
        self._policy = policy
        self._mask = mask
        self._texts: dict[str, str] = {}
        self._special: dict[type, Callable[[Any], Any]] = {
            str: self._text,
            Reading: self._reading,
            Assignment: self._assignment,
            Process: self._process,
            Server: self._server,
            Owner: self._owner,
            Configured: lambda configured: self._fields(_without_doubles(configured)),
        }

    def clean(self, value: T) -> T:
        return cast("T", self._clean(value))

    def _clean(self, value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
        special = self._special.get(value.__class__)
        if special is not None:
            return special(value)
        if is_object(value):
            return {self._clean(key): self._clean(item) for key, item in value.items()}
        if hasattr(value, "_fields"):
            return self._fields(value)
        if value.__class__ is tuple:
            return tuple(self._clean(item) for item in value)
        return value  # numbers, bytes, words of our own

    def _fields(self, value: Any) -> Any:  # noqa: ANN401
        pairs = zip(value._fields, value, strict=True)
        return type(value)(*(item if name in WORDS else self._clean(item) for name, item in pairs))

    def _text(self, text: str) -> str:
        if text not in self._texts:
            self._texts[text] = self._mask(text).replace("\0", r"\x00")
        return self._texts[text]

    def _assignment(self, assignment: Assignment) -> Assignment:
        value = assignment.value
        hidden = None if value is None else token(self._policy, assignment.name, value)
        return assignment._replace(name=self._text(assignment.name), value=hidden)

    def _reading(self, reading: Reading) -> Reading:
        pairs = {self._text(n): token(self._policy, n, v) for n, v in reading.variables.items()}
        cleaned: Reading = self._fields(reading._replace(variables={}))
        return cleaned._replace(variables=pairs)

    def _process(self, process: Process) -> Process:
        argv = self._arguments(process.argv, process)
        cleaned: Process = self._fields(process._replace(argv=argv, cgroup=""))
        return cleaned

    def _owner(self, owner: Owner) -> Owner:
        """Keep who it is, since when, and of the facts that it has lost the server: what is judged by."""
        facts = {name: text for name, text in owner.facts.items() if name == "orphaned"}
        by = owner.supervising
        bare = None if by is None else by._replace(at_exec=NOT_KEPT, live=NOT_KEPT)
        cleaned: Owner = self._fields(owner._replace(supervising=bare, facts=facts, outer=None))
        return cleaned

    def _server(self, server: Server) -> Server:
        if server.arguments is not None:
            server = server._replace(arguments=self._arguments(server.arguments, server.first))
        cleaned: Server = self._fields(server)
        return cleaned

    def _arguments(self, argv: Sequence[str], process: Process) -> tuple[str, ...]:
        return mask_arguments(argv, self._policy.secrets(process.running.variables), self._policy)[0]


def _without_doubles(configured: Configured) -> Configured:
    """Leave out what stands in `settings` too, and what only the computing of the plan needed."""
    start = configured.start
    if start is not None:
        start = start._replace(applied=(), command=(), folder=None, outer=None, loaded=None)
    return configured._replace(applied=tuple(map(_bare, configured.applied)), start=start)


def _bare(applied: Applied) -> Applied:
    parsed = applied.parsed
    return applied if parsed is None else applied._replace(parsed=Parsed((), parsed.problems, parsed.refused))

"""judge(snapshot, spec) -> Report: pure. What was seen goes in, what is to be said of it comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from envcheck.judge import afresh, matching, siblings
from envcheck.judge.as_loaded import as_loaded
from envcheck.judge.constraints import counted, expanded
from envcheck.judge.differences import differences, uncompared
from envcheck.judge.discretion import discreet
from envcheck.judge.evidence import Context
from envcheck.judge.findings import findings
from envcheck.judge.hidden import comparable
from envcheck.judge.reloads import of_reloads
from envcheck.judge.remedy import remedy
from envcheck.judge.verdict import COULD_NOT_TELL, OK, exit_code, state
from envcheck.judge.waivers import pressing, waived
from envcheck.model import (
    App,
    Applied,
    AppReport,
    Configured,
    FileFacts,
    Gap,
    HostReport,
    Listed,
    Parsed,
    Plan,
    Report,
    Server,
    Setting,
    Severity,
    Snapshot,
    Source,
    Spec,
    Stage,
    Start,
)
from envcheck.secrecy import Policy
from envcheck.servers import SERVERS
from envcheck.sources import chain
from envcheck.supervisors import NAMED, fresh, informed, told
from envcheck.supervisors.known import Known

NOT_RECORDED = "the record does not have it: it was taken without this spec, or with another (snapshot -s)"

FEW = 8  # servers that are named one by one

Case = tuple[str, Server, App | None]


def judge(
    snapshot: Snapshot,
    spec: Spec | None,
    targets: Sequence[str],
    policy: Policy,
    fail_on: Severity = Severity.ERROR,
) -> Report:
    """Judge what the targets mean: without any, every app of the spec, or every server found."""
    cases: list[Case] = []
    unmatched: list[str] = []
    for target, found in _wanted(snapshot, spec, targets):
        cases += found
        if not found:
            unmatched.append(target)
    apps = tuple(_app(case, snapshot, policy) for case in cases)
    if any(siblings.stale_sources(app) for app in apps):
        beside = [_app(case, snapshot, policy) for case in _beside(snapshot, spec, cases)]
        apps = tuple(discreet(app) for app in siblings.told(apps, beside))
    # A pid means one process: which folders others run in says nothing about it.
    vague = any(not target.isdigit() for target in unmatched)
    unnamed = tuple(_unnamed(snapshot) if vague else ())
    hidden = any(gap.hides for gap in snapshot.gaps) or bool(unnamed)
    # What was asked for by name and found is judged in full, whatever else cannot be seen.
    unseen = hidden and (bool(unmatched) or not (targets or spec))
    gaps = snapshot.gaps + unnamed + tuple(_gaps(apps))
    reasons = {target: why for target in unmatched if (why := matching.reason(snapshot, target))}
    status = "partial" if unseen else "ok"
    taken = None if snapshot.key is None else snapshot.taken
    key, kept = snapshot.key or ("", False)
    host = HostReport(snapshot.host, status, gaps, apps, tuple(unmatched), reasons, taken, key, kept)
    return Report((host,), exit_code((host,), fail_on))


def _wanted(
    snapshot: Snapshot, spec: Spec | None, targets: Sequence[str]
) -> Iterator[tuple[str, list[Case]]]:
    """Give for each target, or app of the spec, the servers to judge and the app to judge them by."""
    apps = {app.name: app for app in spec.apps} if spec else {}
    if not targets and spec is None:
        yield "any server", [(s.name, s, None) for s in snapshot.servers]
    for app in apps.values() if not targets else ():
        yield f"app {app.name}", _of_app(snapshot, app)
    for target in targets:
        if target in apps:
            yield f"app {target}", _of_app(snapshot, apps[target])
        else:
            found = matching.targets(snapshot, target)
            yield target, [case for s in found for case in _apps_of(snapshot, s, apps.values())]


def _beside(snapshot: Snapshot, spec: Spec | None, cases: Iterable[Case]) -> list[Case]:
    """Give the servers that were not asked about."""
    asked = {server.first.pid for _, server, _ in cases}
    apps = spec.apps if spec else ()
    return [
        case for s in snapshot.servers if s.first.pid not in asked for case in _apps_of(snapshot, s, apps)
    ]


def _of_app(snapshot: Snapshot, app: App) -> list[Case]:
    return [(app.name, server, app) for server in matching.of_app(snapshot, app)]


def _apps_of(snapshot: Snapshot, server: Server, apps: Iterable[App]) -> list[Case]:
    """Find what the spec says of a server that was named in another way."""
    named: list[Case] = [(app.name, server, app) for app in apps if server in matching.of_app(snapshot, app)]
    return named or [(server.name, server, None)]


def configure(server: Server, app: App | None, snapshot: Snapshot) -> Configured:
    """Say what a fresh process would get: by the spec's sources, else by what its supervisor would give."""
    if snapshot.key is not None:
        return _recorded(server, app, snapshot)
    module, files = SERVERS[server.kind], snapshot.seen_by(server)
    own = [(source, files.get(source.path)) for source in module.own_sources(server, files)]
    found = _chain(server, app, snapshot)
    begun = afresh.started(server, found)
    whole = chain.combine(found.applied, afresh.own_settings(begun, files))
    found = found._replace(settings=whole.settings)
    return found._replace(
        as_loaded=_as_loaded(server, found, files),
        options=begun.where,
        unread=module.unread(server, files),
        broken=module.broken(server, files),
        own=tuple(
            Applied(s, Parsed(), facts.changed)
            for s, facts in own
            if facts and facts.status == "ok" and s.stage is Stage.CONFIG
        ),
        others=(*module.other_settings(server, files), *afresh.given_before(begun, files)),
        preloads=module.preloads(server, files),
        reexec_hook=module.reexec_hook(server, files),
    )


def _as_loaded(
    server: Server, found: Configured, files: Mapping[str, FileFacts]
) -> dict[str, Setting | None] | None:
    loaded = found.start.loaded if found.start else None
    if loaded is None:
        return None
    late = [a for a in found.applied if a.source.stage is Stage.APPLICATION]
    return as_loaded(server, loaded, late, found, files)


def _recorded(server: Server, app: App | None, snapshot: Snapshot) -> Configured:
    """Take what was computed when the record was made; a source that it does not know is a gap."""
    told = {r.app: r.configured for r in snapshot.recorded if r.pid == server.first.pid}
    found = told.get(app.name if app else "", told.get("", Configured(plan=Plan())))
    known = {a.source for a in found.applied}
    wanted = app.sources if app else ()
    absent = (
        s
        for s in wanted
        if s.kind not in NAMED and s not in known and not (s.optional and s.path in snapshot.seen_by(server))
    )
    gaps = tuple(Applied(source, None, 0.0, NOT_RECORDED) for source in absent)
    return found._replace(applied=(*found.applied, *gaps), known=found.known or bool(gaps))


def _chain(server: Server, app: App | None, snapshot: Snapshot) -> Configured:
    """Say what its sources give, without what the server itself sets."""
    files = snapshot.seen_by(server)
    sources = app.sources if app else ()
    owner = server.owner
    known = Known(snapshot.answers)
    starts = {s: told(s, server, known) for s in sources if s.kind in NAMED}
    given = {s: start.applied for s, start in starts.items()}
    unstartable = next((s.unstartable for s in starts.values() if s.unstartable), "")
    if owner is None:
        found = chain.configure(sources, files, told=given)
        return found._replace(start=Start(unstartable=unstartable) if unstartable else None)
    start = fresh(owner, server.first, known)
    if any(s.stage is not Stage.APPLICATION for s in sources):
        # The spec says what the chain is; when it began is still what the supervisor tells.
        found = chain.configure(sources, files, told=given)
        edited = any(s.edited for s in starts.values())
        return found._replace(start=Start(since=start.since, unstartable=unstartable, edited=edited))
    late = chain.configure(sources, files).applied
    return chain.combine((*start.applied, *late))._replace(start=start)


def _dated(server: Server, start: Start | None) -> Server:
    """Take the start of the exec chain for the time at which the environment was read, where it is known."""
    since = start.since if start else None
    if since is None:
        return server
    dated = tuple(
        g._replace(environment_read=min(since, g.environment_read or since)) for g in server.generations
    )
    return server._replace(generations=dated)


def context_of(server: Server, app: App | None, snapshot: Snapshot) -> Context:
    """Give what a server is judged on, and the evidence is taken from."""
    configured = configure(server, app, snapshot)
    server = informed(server, app.sources if app else ())
    return Context(_dated(server, configured.start), configured, snapshot.taken)


def _app(case: Case, snapshot: Snapshot, policy: Policy) -> AppReport:
    name, server, app = case
    context = context_of(server, app, snapshot)
    asked = expanded(app, context) if app else App(name, (), (), ())
    policy = told_by(policy, [asked])
    rules = tuple(comparable(rule, snapshot, policy) for rule in asked.expectations)
    found = findings(context, rules, asked.constraints, asked.ignore)
    more = counted(context, asked, len(matching.of_app(snapshot, asked)))
    found = waived((*found, *more, *of_reloads(context, snapshot)), asked, snapshot)
    plan = remedy(context, pressing(found), snapshot, policy)
    return discreet(AppReport(name, context.server, state(found), context.configured, found, plan, policy))


def listed(snapshot: Snapshot, servers: Iterable[Server], policy: Policy) -> Listed:
    """Judge servers each for itself, without a spec."""
    return Listed(snapshot, tuple(_app((s.name, s, None), snapshot, policy) for s in servers))


def merge(reports: Iterable[Report], fail_on: Severity, made: float | None = None) -> Report:
    """Make one report of those of many hosts."""
    hosts = tuple(host for report in reports for host in report.hosts)
    status = exit_code(hosts, fail_on)
    if len(hosts) == 1:
        return Report(hosts, status, made)
    apart = uncompared(hosts)
    # Who gives a key to a record wants it compared; without one it can be judged, and no more.
    wanted = any(host.kept for host in hosts) and bool(apart)
    status = COULD_NOT_TELL if wanted and status == OK else status
    return Report(hosts, status, made, differences=differences(hosts), uncompared=apart)


def told_by(policy: Policy, apps: Iterable[App]) -> Policy:
    """Add what specs say of which variables are secret."""
    apps = list(apps)
    rules = [rule for app in apps for rule in app.expectations]
    together = {n for app in apps for c in app.constraints if c.secret for n in c.members}
    return policy._replace(
        secret=policy.secret | {r.name for r in rules if r.secret is True} | together,
        shown=policy.shown | {r.name for r in rules if r.secret is False},
    )


def judge_again(
    snapshot: Snapshot, spec: Spec | None, server: Server, name: str, policy: Policy
) -> AppReport:
    """Judge a server as the app of that name, by whatever pids it may run now."""
    app = next((a for a in spec.apps if a.name == name), None) if spec else None
    return _app((name, server, app), snapshot, policy)


def _unnamed(snapshot: Snapshot) -> Iterator[Gap]:
    """Servers that may be the ones meant: which application they run could not be seen. All are told once."""
    found = [f"{s.kind} {s.first.pid}" for s in snapshot.servers if s.first.cwd is None]
    if not found:
        return
    named = ", ".join(found[:FEW]) + (f" and {len(found) - FEW} more" if len(found) > FEW else "")
    alone = len(found) == 1
    yield Gap(
        f"which application {named} runs" if alone else f"which applications {len(found)} servers run",
        f"not allowed to read {'its working directory' if alone else f'their working directories: {named}'}",
        "run as root, or with sudo (on other hosts: --sudo)",
    )


def _gaps(apps: Sequence[AppReport]) -> Iterator[Gap]:
    """A source that should be there and could not be read: each once."""
    unread = [(app, a) for app in apps for a in (*app.configured.gaps, *app.configured.refused) if a.why]
    seen = {(_place(a.source, app.server), a.why): None for app, a in unread}
    for what, why in seen:
        hint = "run as a user who may read it" if why == chain.WHY["denied"] else ""
        yield Gap(what, why, hint)


def _place(source: Source, server: Server) -> str:
    """Say of a file in another root who sees it: what a supervisor names may be on the host."""
    there = server.first.apart and source.kind in ("file", "envdir")
    return f"{source.path}, as process {server.first.pid} sees it" if there else source.path

"""Ask a host, and build a Snapshot from its raw answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from envcheck import asking, opening, raw, turnover
from envcheck.hosts import Answer, Host, Request
from envcheck.judge.matching import SOCKETS
from envcheck.model import (
    Answers,
    Gap,
    Match,
    Server,
    Snapshot,
    Spec,
)
from envcheck.servers.grouping import servers as group
from envcheck.sources import chain
from envcheck.supervisors import NAMED
from envcheck.supervisors.ownership import owned

# How often a host is scanned anew when a process ended while it was read: a worker that has been replaced in
# between would not be seen, and a part must not be taken for the whole.
SCANS = 3


def collect(
    host: Host,
    spec: Spec | None = None,
    pids: Sequence[int] = (),
    paths: Sequence[str] = (),
    *,
    live: bool = True,
) -> Snapshot:
    """Read all servers of a host, and the sources that the spec names, in a handful of round trips.

    *pids* are read whatever they are; *paths* are files that the targets name.
    """
    named = _named_files(spec, paths)
    patterns = _patterns(spec, paths)
    linked: Request = {"op": "glob", "patterns": patterns, "real": True}
    facts, scan, found, passwd, asked, links, *sources = _look(
        host, pids, [linked, *named.values()], live=live, sockets=not named.keys().isdisjoint(SOCKETS)
    )
    files = {path: raw.file_facts(answer) for path, answer in zip(named, sources, strict=True)}
    listening: dict[int, str] = {}
    for path in SOCKETS:
        listening |= raw.listening(files[path].content) if path in files else {}
    scanned = {p["pid"]: p for p in [*asked.get("processes", ()), *scan.get("processes", ())]}
    processes = [raw.process(p, facts, listening) for p in scanned.values() if p.get("stat")]
    ancestors = {p["pid"]: raw.process(p, facts, {}) for p in scan.get("ancestors", ()) if p.get("stat")}
    table = ancestors | {p.pid: p for p in processes}
    servers = tuple(owned(s, table) for s in group(processes))
    looping = turnover.looping(servers, float(facts["now"]), partial(_masters, host, facts))
    sources_named = [s for a in (spec.apps if spec else ()) for s in a.sources]
    ahead = {tuple(one["argv"]): raw.output(one) for one in scan.get("ahead", ())}
    beside = {path: raw.file_facts(answer) for path, answer in scan.get("beside", {}).items()}
    begun = asking.Told(servers, Answers(outputs=ahead), files, beside=beside)
    told = asking.ask(host, begun, sources_named, int(facts["uid"]))
    servers = told.servers
    members = {p.pid for s in servers for p in s.processes}
    return Snapshot(
        host=host.name,
        taken=float(facts["now"]),
        uid=int(facts["uid"]),
        servers=servers,
        files=told.files,
        commands=dict(found.get("paths", {})),
        users=raw.users(raw.file_facts(passwd).content),
        gaps=tuple(_gaps(facts, scan, live=live)),
        strays=tuple(p for p in processes if p.pid in pids and p.pid not in members),
        ancestors=ancestors,
        answers=told.answers,
        looping=looping,
        inside=told.inside,
        real={pattern: tuple(links.get("paths", {}).get(pattern, ())) for pattern in patterns},
    )


def _patterns(spec: Spec | None, paths: Sequence[str]) -> list[str]:
    """Give the paths and globs of the user that may lead through symbolic links."""
    matches = (m for a in (spec.apps if spec else ()) for m in a.matches)
    return list(dict.fromkeys([*paths, *(cwd for m in matches for cwd in m.cwd if cwd.startswith("/"))]))


def _look(
    host: Host, pids: Sequence[int], more: Sequence[Request], *, live: bool, sockets: bool
) -> list[Answer]:
    """Ask for all that needs no other answer; again if a process ended meanwhile."""
    requests: list[Request] = [
        *opening.requests(live=live, sockets=sockets),
        {"op": "process", "pids": list(pids), "live": live},
        *more,
    ]
    answers = host.ask(requests)
    for _ in range(SCANS - 1):
        if not any(p["status"] == "exited" for p in answers[1].get("processes", ())):
            break
        answers = host.ask(requests)
    return answers


def _masters(host: Host, facts: Answer) -> tuple[Server, ...]:
    """Group the servers once more, without their live environments."""
    [scan] = host.ask([opening.scan(live=False)])
    return group([raw.process(p, facts, {}) for p in scan.get("processes", ()) if p.get("stat")])


def _named_files(spec: Spec | None, paths: Sequence[str]) -> dict[str, Request]:
    """Give a request for every file that the spec or a target names."""
    apps = spec.apps if spec else ()
    sources = [s for a in apps for s in a.sources if s.kind not in NAMED]
    requests: dict[str, Request] = {s.path: chain.request(s) for s in sources}
    matches: list[Match] = [m for a in apps for m in a.matches]
    sockets = SOCKETS if any(m.listen for m in matches) else ()
    for path in [*paths, *sockets, *(p for m in matches for p in m.pidfile)]:
        requests.setdefault(path, {"op": "file", "path": path})
    return requests


def _gaps(facts: Answer, scan: Answer, *, live: bool) -> Iterable[Gap]:
    if scan["status"] != "ok":
        yield Gap("the process table", str(scan.get("detail", scan["status"])))
    if facts.get("hidepid") not in ("", "0", "off", None) and facts["uid"] != 0:
        yield Gap(
            "other users' processes",
            "cannot see them: /proc is mounted with hidepid",
            "run as root, or with sudo (on other hosts: --sudo)",
        )
    if live and not facts["python"]:
        yield Gap(
            "live environments",
            "no python3 runs there that is 3.6 or newer, and a shell reads none: servers are judged by what "
            "they were started with",
            "install python3 there, or repair it",
            hides=False,
        )

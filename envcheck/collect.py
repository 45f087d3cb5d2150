"""Ask a host, and build a Snapshot from its raw answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from envcheck import environ
from envcheck.hosts import Answer, Host, Request
from envcheck.judge.matching import SOCKETS
from envcheck.model import (
    Answers,
    FileFacts,
    Gap,
    Match,
    Output,
    Process,
    Reading,
    Server,
    Snapshot,
    Source,
    Spec,
)
from envcheck.servers import SERVERS
from envcheck.servers.grouping import servers as group
from envcheck.sources import chain
from envcheck.supervisors import fresh
from envcheck.supervisors.known import Known
from envcheck.supervisors.ownership import owners

# Programs through which a server may be started again by hand.
PROGRAMS = ("envdir", "chpst", "s6-envdir", "setsid", "runuser", "unicorn", "unicorn_rails", "bundle")

# How often a host is scanned anew when a process ended while it was read: a worker that has been replaced in
# between would not be seen, and a part must not be taken for the whole.
SCANS = 3

# How often supervisors may have further questions: an include in an include is one more.
ROUNDS = 12


def collect(
    host: Host,
    spec: Spec | None = None,
    pids: Sequence[int] = (),
    paths: Sequence[str] = (),
    *,
    live: bool = True,
) -> Snapshot:
    """Read all servers of a host, and the sources that the spec names, in two or three round trips.

    *pids* are read whatever they are; *paths* are files (pid files) that the targets name.
    """
    named = _named_files(spec, paths)
    for attempt in range(SCANS):
        facts, scan, asked, found, *answers = host.ask(
            [
                {"op": "host"},
                _scan_request(live=live),
                {"op": "process", "pids": list(pids), "live": live},
                {"op": "which", "names": list(PROGRAMS)},
                {"op": "file", "path": "/etc/passwd"},
                *named.values(),
            ]
        )
        whole = attempt == SCANS - 1 or not any(p["status"] == "exited" for p in scan.get("processes", ()))
        if whole:
            break
    passwd, *sources = answers
    files = {path: file_facts(answer) for path, answer in zip(named, sources, strict=True)}
    listening: dict[int, str] = {}
    for path in SOCKETS:
        listening |= _listening(files[path].content) if path in files else {}
    scanned = {p["pid"]: p for p in [*asked.get("processes", ()), *scan.get("processes", ())]}
    processes = [_process(p, facts, listening) for p in scanned.values() if p.get("stat")]
    ancestors = {p["pid"]: _process(p, facts, {}) for p in scan.get("ancestors", ()) if p.get("stat")}
    table = ancestors | {p.pid: p for p in processes}
    servers = tuple(s._replace(owners=owners(s.first, table)) for s in group(processes))
    files |= _own_files(host, servers, files)
    members = {p.pid for s in servers for p in s.processes}
    return Snapshot(
        host=host.name,
        taken=float(facts["now"]),
        uid=int(facts["uid"]),
        servers=servers,
        files=files,
        commands=dict(found.get("paths", {})),
        users=_users(file_facts(passwd).content),
        gaps=tuple(_gaps(facts, scan)),
        strays=tuple(p for p in processes if p.pid in pids and p.pid not in members),
        ancestors=ancestors,
        answers=_answers(host, servers),
    )


def _scan_request(*, live: bool) -> Request:
    words = sorted({w for s in SERVERS.values() for w in s.WORDS})
    interpreters = sorted({i for s in SERVERS.values() for i in s.INTERPRETERS})
    return {"op": "scan", "words": words, "interpreters": interpreters, "live": live}


def _named_files(spec: Spec | None, paths: Sequence[str]) -> dict[str, Request]:
    """Give a request for every file that the spec or a target names."""
    apps = spec.apps if spec else ()
    requests: dict[str, Request] = {s.path: chain.request(s) for a in apps for s in a.sources}
    matches: Iterable[Match] = (m for a in apps for m in a.matches)
    for path in [*paths, *(p for m in matches for p in m.pidfile)]:
        requests.setdefault(path, {"op": "file", "path": path})
    return requests


def _own_files(host: Host, servers: Sequence[Server], known: Mapping[str, FileFacts]) -> dict[str, FileFacts]:
    """Read the configuration files of the servers themselves."""
    wanted: dict[str, Source] = {}
    for server in servers:
        wanted |= {s.path: s for s in SERVERS[server.kind].own_sources(server) if s.path not in known}
    if not wanted:
        return {}
    answers = host.ask([chain.request(s) for s in wanted.values()])
    return {path: file_facts(answer) for path, answer in zip(wanted, answers, strict=True)}


def _answers(host: Host, servers: Sequence[Server]) -> Answers:
    """Ask what the supervisors want to know, until they want nothing more."""
    answers = Answers()
    for _ in range(ROUNDS):
        known = Known(answers)
        for server in servers:
            if server.owner is not None:
                fresh(server.owner, server.first, known)
        if not known.wanted:
            break
        found = dict(zip(known.wanted, host.ask(list(known.wanted.values())), strict=True))
        answers = Answers(
            files={**answers.files, **{k[1]: file_facts(a) for k, a in found.items() if k[0] == "file"}},
            folders={
                **answers.folders,
                **{k[1]: file_facts(a) for k, a in found.items() if k[0] == "folder"},
            },
            globs={
                **answers.globs,
                **{k[1]: tuple(a["paths"][k[1]]) for k, a in found.items() if k[0] == "glob"},
            },
            outputs={**answers.outputs, **{k[1:]: _output(a) for k, a in found.items() if k[0] == "run"}},
        )
    return answers


def _output(answer: Answer) -> Output:
    return Output(
        answer["status"], answer.get("code") or 0, answer.get("stdout") or b"", answer.get("stderr") or b""
    )


def _gaps(facts: Answer, scan: Answer) -> Iterable[Gap]:
    if scan["status"] != "ok":
        yield Gap("the process table", str(scan.get("detail", scan["status"])))
    if facts.get("hidepid") not in ("", "0", "off", None) and facts["uid"] != 0:
        yield Gap(
            "other users' processes",
            "cannot see them: /proc is mounted with hidepid",
            "run as root, or with sudo",
        )


def file_facts(answer: Answer) -> FileFacts:
    """Make facts of the answer to a file or a folder request."""
    return FileFacts(
        status=answer["status"],
        content=answer.get("content") or b"",
        changed=max(answer.get("mtime") or 0.0, answer.get("ctime") or 0.0),
        mode=answer.get("mode") or 0,
        uid=answer.get("uid") or 0,
        detail=answer.get("detail") or "",
        entries={name: file_facts(entry) for name, entry in (answer.get("entries") or {}).items()},
    )


def _fields(stat: bytes) -> list[bytes]:
    """Split /proc/PID/stat from its third field on: the second may hold blanks and brackets (proc(5))."""
    return stat.rpartition(b")")[2].split()


def _comm(facts: Answer) -> str:
    return environ.text(facts["stat"].partition(b"(")[2].rpartition(b")")[0])


def _process(facts: Answer, host: Answer, listening: Mapping[int, str]) -> Process:
    stat = _fields(facts["stat"])
    status = _table(facts["proc_status"])
    raw = facts["cmdline"]
    area = int(stat[46]) - int(stat[45]) if len(stat) > 46 else 0  # noqa: PLR2004
    block = facts["environ"]
    live = facts["live"]
    return Process(
        pid=facts["pid"],
        parent=int(stat[1]),
        # The end of the tick: what was written just before the start must not seem to be later than it.
        started=host["boot"] + (int(stat[19]) + 1) / host["hz"],
        uid=int(status.get("Uid", "0").split()[0]),
        argv=tuple(environ.text(word) for word in raw.rstrip(b"\0").split(b"\0"))
        if raw.rstrip(b"\0")
        else (),
        comm=_comm(facts),
        exe=_text(facts.get("exe")),
        cwd=_text(facts.get("cwd")),
        caught=int(status.get("SigCgt", "0"), 16),
        ignored=int(status.get("SigIgn", "0"), 16),
        image=facts["image"],
        at_exec=environ.at_exec(block.get("data", b""), block["status"], spilled=len(raw) > area > 0)
        if facts["status"] != "thread"
        else Reading("error", detail=f"it is a thread of process {status.get('Tgid', '?')}, not a process"),
        live=environ.live(live["entries"]) if live["status"] == "ok" else _refused(live),
        cgroup=environ.text(facts.get("cgroup") or b""),
        state=stat[0].decode("ascii", "replace"),
        stdout=_text(facts.get("stdout")) or "",
        listens=tuple(sorted({listening[i] for i in facts.get("sockets", ()) if i in listening})),
        title_is_cut=bool(area) and not raw.endswith(b"\0\0") and len(raw) >= area,
    )


def _refused(live: Mapping[str, Any]) -> Reading:
    return Reading(live["status"], detail=live.get("detail", ""))


def _text(value: bytes | None) -> str | None:
    return None if value is None else environ.text(value)


def _table(status: bytes) -> dict[str, str]:
    """Read the `Key: value` lines of /proc/PID/status."""
    pairs = (line.partition(":") for line in environ.text(status).splitlines())
    return {key: value.strip() for key, _, value in pairs}


def _users(passwd: bytes) -> dict[int, str]:
    """Read user names by number from /etc/passwd."""
    rows = (line.split(":") for line in environ.text(passwd).splitlines())
    return {int(row[2]): row[0] for row in rows if len(row) > 2 and row[2].isdigit()}  # noqa: PLR2004


def _listening(table: bytes) -> dict[int, str]:
    """Read /proc/net/tcp: the inode of each listening socket and its port (state 0A is LISTEN)."""
    rows = [line.split() for line in table.splitlines()[1:]]
    found = (row for row in rows if len(row) > 9 and row[3] == b"0A")  # noqa: PLR2004
    return {int(row[9]): str(int(row[1].rpartition(b":")[2], 16)) for row in found}

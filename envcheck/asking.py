"""Ask a host what supervisors and servers want to know, until they want nothing more.

What a server is started by names the files that it reads itself: they are asked for in the same rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envcheck import raw
from envcheck.hosts import Answer, Host, Request
from envcheck.judge import reloads, rights
from envcheck.model import Answers, FileFacts, Server, Source
from envcheck.servers import SERVERS
from envcheck.sources import chain
from envcheck.supervisors import NAMED, fresh, starting, told
from envcheck.supervisors.known import Key, Known, root_of
from envcheck.supervisors.ownership import confirmed
from envcheck.supervisors.titles import untitled

# How often there may be further questions: an include in an include is one more.
ROUNDS = 12

HERE = 0  # stands for the host where a pid stands for what that process sees


class Told(NamedTuple):
    """What is known of a host so far."""

    servers: tuple[Server, ...]  # in the end with owners confirmed, and the command line of a fresh start
    answers: Answers = Answers()
    files: Mapping[str, FileFacts] = {}  # that the user or the servers name
    inside: Mapping[int, Mapping[str, FileFacts]] = {}  # the same by pid, as a server sees them that is apart
    beside: Mapping[str, FileFacts] = {}  # that have been read already, and may be wanted


def ask(host: Host, begun: Told, sources: Sequence[Source] = (), uid: int = 0) -> Told:
    """Ask in as few rounds as possible. *sources*: those of a spec; *uid*: of who looks."""
    answers, found = begun.answers, begun.servers
    own = {HERE: dict(begun.files)}
    for _ in range(ROUNDS):
        known = Known(answers)
        found = tuple(_settled(server, uid, known, answers) for server in begun.servers)
        for source in dict.fromkeys(s for s in sources if s.kind in NAMED):
            for server in begun.servers:
                told(source, server, known)
        wanted = [(pid, key, request) for pid, part in known.parts() for key, request in part.items()]
        more: list[tuple[int, str, Request]] = []
        for pid, path, request in _own(found, sources):
            if pid == HERE and path in begun.beside and request["op"] == "file":
                own[HERE].setdefault(path, begun.beside[path])
            elif path not in own.get(pid, {}):
                more.append((pid, path, request))
        if not wanted and not more:
            break
        given = host.ask([request for _, _, request in (*wanted, *more)])
        answers = _with(answers, wanted, given)
        for (pid, path, _), answer in zip(more, given[len(wanted) :], strict=True):
            own.setdefault(pid, {})[path] = raw.file_facts(answer)
    return Told(found, answers, own.pop(HERE), own)


def _settled(server: Server, uid: int, known: Known, answers: Answers) -> Server:
    """Let all be wanted that has to be known of a server, and give it as far as it is known."""
    rights.wanted(server, uid, known)
    if server.owner is None:
        starting.wanted(server.first, uid, known)
    start = None if server.owner is None else fresh(server.owner, server.first, known)
    found = confirmed(server, answers)
    master = found.generations[-1].master
    if found.owner is None or master is None:
        return found
    if start is None or found.owner != server.owner or master is not server.first:
        start = fresh(found.owner, master, known)
    return untitled(found, start)


def _own(servers: Sequence[Server], sources: Sequence[Source]) -> Iterator[tuple[int, str, Request]]:
    """Give the files of the servers themselves, and, as those see them that are apart, of a spec."""
    named = {s.path: chain.request(s) for s in sources if s.kind not in NAMED}
    for server in servers:
        own: dict[str, Request] = {s.path: chain.request(s) for s in SERVERS[server.kind].own_sources(server)}
        own |= {path: {"op": "file", "path": path} for path in reloads.files(server)}
        first = server.first
        for path, request in ({**named, **own} if first.apart else own).items():
            yield (
                (first.pid, path, {**request, "root": root_of(first)})
                if first.apart
                else (HERE, path, request)
            )


def _with(answers: Answers, wanted: Sequence[tuple[int, Key, Request]], given: Sequence[Answer]) -> Answers:
    found: dict[int, dict[Key, Answer]] = {}
    for (pid, key, _), answer in zip(wanted, given, strict=False):
        found.setdefault(pid, {})[key] = answer
    here = _more(answers, found.pop(HERE, {}))
    inside = {pid: _more(answers.inside.get(pid, Answers()), more) for pid, more in found.items()}
    return here._replace(inside={**answers.inside, **inside})


def _more(answers: Answers, found: Mapping[Key, Answer]) -> Answers:
    def of(kind: str) -> Iterator[tuple[Key, Answer]]:
        return ((key[1:], answer) for key, answer in found.items() if key[0] == kind)

    return answers._replace(
        files={**answers.files, **{key[0]: raw.file_facts(a) for key, a in of("file")}},
        folders={**answers.folders, **{key[0]: raw.file_facts(a) for key, a in of("folder")}},
        globs={
            **answers.globs,
            **{key[0]: tuple(a.get("paths", {}).get(key[0], ())) for key, a in of("glob")},
        },
        outputs={**answers.outputs, **{key: raw.output(a) for key, a in of("run")}},
        writable={
            **answers.writable,
            **{key[0]: bool(a.get("writable", {}).get(key[0])) for key, a in of("access")},
        },
    )

"""What podman, docker and Kubernetes have in common: an id in the cgroup, and a record made at creation.

What a container is given is written down when it is created, and every start of it gives that again: only a
container created anew gets something else. Patterns of ids: the documentation of the engines; podman's seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from envcheck.model import Applied, Assignment, FileFacts, Parsed, Problem, Process, Source, Stage
from envcheck.sources import chain
from envcheck.sources.text import decode, nameable
from envcheck.supervisors.programs import INTERPRETERS, SERVERS

# Engine and the module that speaks for it, by what stands in the path; ID is a whole id. The first counts.
_PATTERNS = tuple(
    (engine, kind, re.compile(pattern.replace("ID", "([0-9a-f]{64})")))
    for engine, kind, pattern in (
        ("docker", "docker", r"/docker/ID(?![^/])"),
        ("docker", "docker", r"/docker-ID\.scope(?![^/])"),
        ("podman", "podman", r"libpod-ID(?:\.scope)?(?![^/])"),
        ("containerd", "kubernetes", r"cri-containerd-ID\.scope(?![^/])"),
        ("cri-o", "kubernetes", r"crio-ID(?:\.scope)?(?![^/])"),
        ("", "kubernetes", r"/kubepods[^/]*/(?:[^/]+/)*?ID(?![^/])"),
        ("ecs", "docker", r"/ecs/[^/]+/ID(?![^/])"),
        ("containerd", "docker", r"nerdctl-ID(?:\.scope)?(?![^/])"),
        ("containerd", "docker", r"/default/ID(?![^/])"),
    )
)
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})")
_UNIT = re.compile(r"/[^/]+\.service(?=/|$)")
INITS = frozenset({"tini", "dumb-init", "docker-init", "catatonit"})
_SHELL_LINE = re.compile(r"\s*(?:exec\s+)?(\S+)[^\n;&|]*")
SHORT = 12  # digits of an id that all tools take


class Container(NamedTuple):
    """A container as the cgroup of a process in it shows it."""

    kind: str  # the module that speaks for it
    engine: str  # "" where the path does not tell
    id: str
    pod: str = ""
    nested: bool = False  # a unit of a systemd inside it is nearer to the process

    @property
    def name(self) -> str:
        return self.id[:SHORT]

    @property
    def facts(self) -> dict[str, str]:
        return {k: v for k, v in (("id", self.id), ("engine", self.engine), ("pod", self.pod)) if v}


def container(cgroup: str) -> Container | None:
    """Find the container in the paths of a cgroup; what is in a pod is the kubelet's, whoever runs it."""
    paths = [line.split(":", 2)[-1] for line in cgroup.splitlines()]
    for engine, kind, pattern in _PATTERNS:
        for path in paths:
            if matches := list(pattern.finditer(path)):
                pod = _POD.search(path)
                nested = _UNIT.search(path, matches[-1].end()) is not None
                uid = pod[1].replace("_", "-") if pod else ""
                return Container("kubernetes" if pod else kind, engine, matches[-1][1], uid, nested)
    return None


def option(argv: Sequence[str], *names: str) -> str:
    """Give the value of the first of these options: `-n NAME`, `--name NAME` or `--name=NAME`."""
    for place, word in enumerate(argv):
        if word in names:
            return argv[place + 1] if place + 1 < len(argv) else ""
        option, equals, value = word.partition("=")
        if equals and option in names:
            return value
    return ""


def shim(ancestors: Sequence[Process]) -> tuple[int, Process] | None:
    """Find containerd's shim, which docker and Kubernetes have in common: its name is cut in `comm`."""
    return next(((i, p) for i, p in enumerate(ancestors) if p.comm.startswith("containerd-shim")), None)


def tree(content: bytes) -> Mapping[str, Any] | None:
    """Read a record; None: it is no JSON object."""
    try:
        found: object = json.loads(decode(content))
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def at(record: object, *keys: str) -> object:
    """Follow keys into a record as far as it has them."""
    for key in keys:
        record = cast("Mapping[str, object]", record).get(key) if isinstance(record, dict) else None
    return record


def words(found: object) -> tuple[str, ...] | None:
    """Give a list of strings; None: it is none."""
    if not isinstance(found, list):
        return None
    listed = cast("list[object]", found)
    return tuple(w for w in listed if isinstance(w, str)) if all(isinstance(w, str) for w in listed) else None


def source(path: str) -> Source:
    return Source("container", path, Stage.EXEC)


def gap(path: str, why: str, changed: float = 0.0) -> Applied:
    return Applied(source(path), None, changed, why)


def unread(path: str, facts: FileFacts | None) -> Applied:
    """Say why a record could not be read."""
    if facts is None:
        return gap(path, "it was not read")
    return gap(path, chain.why(facts), facts.changed)


def recorded(path: str, listed: object, changed: float, before: Iterable[str] = ()) -> Applied:
    """Read the NAME=VALUE of a record, after those that the engine itself puts *before* them."""
    entries = words(listed) if listed is not None else ()
    if entries is None:
        return gap(path, "what it records of the environment is no list of texts", changed)
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for entry in (*before, *entries):
        name, equals, value = entry.partition("=")
        if not name or not equals or "\0" in entry:
            problems.append(Problem(None, f"{nameable(name) or 'an entry'} is no NAME=VALUE: not set"))
        else:
            assignments.append(Assignment(name, value, 0))
    return Applied(source(path), Parsed(tuple(assignments), tuple(problems)), changed)


def entrypoint(path: str, argv: Sequence[str], changed: float) -> tuple[Applied, ...]:
    """Name what a container runs before the server, if anything: a gap, for it may set what it likes."""
    left = list(argv)
    while left and left[0].rpartition("/")[2] in INITS:
        left = left[1:]
        while left and left[0].startswith("-"):
            left = left[1:]
    if not left or _is_server(left):
        return ()
    return (gap(path, "dynamic: what the container runs before the server is not followed", changed),)


def _is_server(argv: Sequence[str]) -> bool:
    name = argv[0].rpartition("/")[2]
    if name in {"sh", "bash", "dash", "ash"} and len(argv) > 2 and argv[1] == "-c":  # noqa: PLR2004
        line = _SHELL_LINE.fullmatch(argv[2])
        return line is not None and SERVERS.fullmatch(line[1].rpartition("/")[2]) is not None
    if INTERPRETERS.fullmatch(name):
        return any(SERVERS.fullmatch(word.rpartition("/")[2]) for word in argv[1:3])
    return SERVERS.fullmatch(name) is not None

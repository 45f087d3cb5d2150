"""Who keeps servers running, what a fresh start by it gives, and how to have one: one module each.

A module says *which* files and read-only commands tell what a fresh process gets, and how to read the
answers; it reads nothing itself. A server that nobody is known to watch over is `unsupervised`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from envcheck.model import (
    Applied,
    Configured,
    Hazard,
    Owner,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.supervisors.known import Known


class Supervisor(Protocol):
    """One way in which servers are kept running."""

    def owner(self, process: Process, ancestors: Sequence[Process]) -> Owner | None:
        """Tell from /proc alone whether it keeps this master running; *ancestors*: nearest first."""
        ...

    def start(self, owner: Owner, process: Process, known: Known) -> Start:
        """Say what a fresh start would give, as far as it is known; what is not is `wanted` of *known*."""
        ...

    def restart(
        self, owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
    ) -> tuple[Step, ...]:
        """Give the steps after which the server runs in an environment read anew from its sources."""
        ...

    def insufficient(self, owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
        """Give its own popular commands that do not bring the change in, each with the reason."""
        ...

    def hazards(self, owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
        """Say what such a restart may lose or break."""
        ...


# Each with the words one of which is in the command line of an ancestor, in the cgroup, or among the names of
# variables, if it can be the owner. Only then its module is imported: a server has one or two of them.
SUPERVISORS: dict[str, tuple[str, ...]] = {
    "runit": ("runsv",),
    "daemontools": ("supervise",),
    "s6": ("s6-supervise",),
    "herder": ("herder", "UPSTART_"),
    "openrc": ("supervise-daem", "RC_SVCNAME"),
    "monit": ("MONIT_",),
    "tmux": ("tmux", "TMUX"),
    "sysv": (".pid",),
    "supervisord": ("supervisord", "SUPERVISOR_"),
    "circus": ("circus",),
    "honcho": ("honcho", "HONCHO_"),
    "foreman": ("foreman",),
    "podman": ("conmon", "libpod-"),
    "docker": ("docker", "containerd-shim", "/ecs/", "nerdctl-", "/default/"),
    "kubernetes": ("kubepods", "cri-containerd-", "crio-", "containerd-shim", "KUBERNETES_SERVICE_HOST"),
    "systemd": (".service", ".scope"),
    "container": ("PID=1\n", "tini", "dumb-init", "docker-init", "catatonit"),
}


def candidates(process: Process, ancestors: Sequence[Process]) -> Iterator[Supervisor]:
    """Give those that can be the owner."""
    words = [f"PID={process.pid}", process.cgroup, *process.argv]
    words += [*process.at_exec.variables, *process.live.variables]
    words += [word for ancestor in ancestors for word in (ancestor.comm, *ancestor.argv[:3])]
    text = "\n".join(words)
    return (named(kind) for kind, signs in SUPERVISORS.items() if any(sign in text for sign in signs))


def named(kind: str) -> Supervisor:
    return cast("Supervisor", import_module(f"{__name__}.{kind}"))


def supervisor(owner: Owner | None) -> Supervisor:
    return named("unsupervised" if owner is None else owner.kind)


def fresh(owner: Owner, process: Process, known: Known) -> Start:
    """Say what a fresh start would give: by the supervisor, then by the wrappers in what it starts.

    What the supervisor itself would be started with counts, as far as who keeps it running is known.

    What one supervisor's files do to envcheck must not keep the other servers from being judged.
    """
    try:
        return _fresh(owner, process, known)
    except Exception as error:  # noqa: BLE001 - its text may hold values, and is not told
        why = f"a fault of envcheck itself ({type(error).__name__}): please report it"
        return Start((Applied(Source(owner.kind, owner.name, Stage.EXEC), None, 0.0, why),))


def _fresh(owner: Owner, process: Process, known: Known) -> Start:
    from envcheck.supervisors import needs, wrappers  # noqa: PLC0415 - only where somebody owns the server

    def begin(by: Owner) -> Start:
        there = known.within(by.supervising)
        start = named(by.kind).start(by, process, there)
        missing = start.unstartable or needs.unmet(start.needs, there)
        start = start._replace(unstartable=missing, needs=())
        inside = known.within(process)
        loaded = start.loaded and wrappers.follow(start.loaded, process, inside)
        return wrappers.follow(start, process, inside)._replace(loaded=loaded)

    if owner.outer is None or owner.supervising is None:
        return begin(owner)
    from envcheck.supervisors import nested  # noqa: PLC0415 - only where somebody owns the owner

    outer = fresh(owner.outer, owner.supervising, known)
    owner = nested.untitled(owner, outer)
    if not nested.tells(outer):
        return begin(owner)
    return nested.renewed(owner, outer, begin)._replace(kept=begin(owner).applied, outer=outer)


INHERITED = "supervisor-environment"  # what the manager itself has
# Kinds of sources that a spec names by their supervisor's file: a process title may hide which one that is.
BY_FILE = ("circus",)
# And those that it names by what their supervisor calls them.
NAMED = ("systemd", "supervisord", "upstart", *BY_FILE)


def informed(server: Server, sources: Iterable[Source]) -> Server:
    """Let those who keep a server running know the files that a spec names as theirs."""
    paths = {s.kind: s.path for s in sources if s.kind in BY_FILE}
    if not paths:
        return server
    owners = (
        o._replace(facts={**o.facts, "configuration": paths[o.kind]}) if o.kind in paths else o
        for o in server.owners
    )
    return server._replace(owners=tuple(owners))


def told(source: Source, server: Server, known: Known) -> Start:
    """Say what a source that a spec names so gives: the unit, program or job, started for this server.

    A unit and a job are looked up by their names, whoever owns the server; a program only where it does.
    """
    by_file = source.kind in BY_FILE
    server = informed(server, (source,))
    from envcheck.supervisors import upstart, wrappers  # noqa: PLC0415 - only where a spec asks for it

    if source.kind == "upstart":
        return wrappers.follow(upstart.job(source.path, known), server.first, known)
    owners = (o for o in server.owners if o.kind == source.kind)
    owner = next((o for o in owners if by_file or o.name == source.path), None)
    if owner is None and source.kind == "systemd":
        facts = {"exec": "yes", "pids": "", "started": "", "invocation": "", "cgroup": ""}
        owner = Owner("systemd", source.path, "marks", facts=facts)
    if owner is None:
        which = source.kind if by_file else f"{source.kind} with such a program"
        return Start((Applied(source, None, 0.0, f"no {which} owns the server"),))
    start = fresh(owner, server.first, known)
    there = known.wanted or any(a.source.kind != INHERITED for a in start.applied)
    if there or source.kind != "systemd":
        return start
    if source.optional:
        return Start()
    why = f"there is no unit {source.path}"
    return Start((Applied(source, None, 0.0, why),), unstartable=why)

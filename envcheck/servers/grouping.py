"""Processes into servers: masters, their workers, and the generations that belong together."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from envcheck.model import Generation, Process, Role, Server
from envcheck.servers import SERVERS, ServerKind

# A deploy keeps each release in a folder of its own: the name of the application stands above it.
RELEASES = ("releases", "current")


def servers(processes: Iterable[Process]) -> tuple[Server, ...]:
    """Group the processes of one host into servers, ordered by the pid of their first process."""
    alive = [p for p in processes if p.state not in ("Z", "X")]
    found: list[Server] = []
    for kind, module in SERVERS.items():
        found += _servers(kind, module, alive)
    return tuple(sorted(found, key=lambda s: s.processes[0].pid))


def _servers(kind: str, module: ServerKind, processes: list[Process]) -> list[Server]:
    roles = _roles(module, processes)
    masters = {pid: p for pid, (p, role) in roles.items() if role is Role.MASTER}
    workers: dict[int, list[Process]] = {pid: [] for pid in masters}
    orphans: dict[tuple[object, ...], list[Process]] = {}
    for process, role in roles.values():
        if role is not Role.WORKER:
            continue
        if process.parent in masters:
            workers[process.parent].append(process)
        elif process.parent not in roles and not _has_master(process, masters.values()):
            # What a worker has forked is no worker; only one whose master is gone is an orphan.
            orphans.setdefault((process.cwd, process.uid, process.image), []).append(process)
    chains = _chains(masters)
    made = [_server(kind, module, chain, workers) for chain in chains]
    for stray in orphans.values():
        _adopt(kind, module, made, Generation(None, tuple(stray), "orphaned", _reexeced(module, stray), None))
    return made


def _has_master(process: Process, masters: Iterable[Process]) -> bool:
    """Tell whether the master that a process comes from is alive: then a worker that has ended forked it."""
    return bool(process.image) and any(
        m.image == process.image and m.started <= process.started for m in masters
    )


def _roles(module: ServerKind, processes: list[Process]) -> dict[int, tuple[Process, Role]]:
    """Give every process of the server its part.

    A child of a master that comes from the same exec is a worker, whatever it looks like: one that has just
    been forked still has the handlers of its master, and an application may have given it another title.
    """
    roles = {p.pid: (p, role) for p in processes if _can_run(p, module) and (role := module.role(p))}
    known = {p.pid: p for p in processes}
    for process in processes:
        parent = known.get(process.parent)
        if parent is None or parent.pid not in roles or roles[parent.pid][1] is not Role.MASTER:
            continue
        if process.image and process.image == parent.image:
            roles[process.pid] = (process, Role.WORKER)
    return roles


def _can_run(process: Process, module: ServerKind) -> bool:
    """Tell whether the program is an interpreter of the server, as far as the program is known."""
    return process.exe is None or any(part in process.exe for part in module.INTERPRETERS)


def _chains(masters: Mapping[int, Process]) -> list[list[Process]]:
    """Give each master with those that it has exec'd, oldest first."""
    chains: list[list[Process]] = []
    for master in sorted(masters.values(), key=lambda p: (p.started, p.pid)):
        for chain in chains:
            if chain[-1].pid == master.parent:
                chain.append(master)
                break
        else:
            chains.append([master])
    return chains


def _server(
    kind: str, module: ServerKind, chain: list[Process], workers: Mapping[int, list[Process]]
) -> Server:
    generations: list[Generation] = []
    read: float | None = None
    for index, master in enumerate(chain):
        members = tuple(sorted(workers[master.pid], key=lambda p: p.pid))
        reexeced = index > 0 or _reexeced(module, [master, *members])
        # A re-exec'd master has read nothing: its environment is as old as that of the first one.
        if index == 0:
            read = None if reexeced else master.started
        role = "current" if len(chain) == 1 else "new" if index == len(chain) - 1 else "old"
        if role == "current" and module.is_old(master):
            role = "old"
        generations.append(Generation(master, members, role, reexeced, read))
    master = chain[-1]
    return Server(kind, _name(kind, module, master), tuple(generations), module.arguments(master))


def _reexeced(module: ServerKind, processes: Iterable[Process]) -> bool:
    return any(module.is_reexeced(p) for p in processes)


def _adopt(kind: str, module: ServerKind, made: list[Server], orphaned: Generation) -> None:
    """Add workers without a master to the one server that they can be of, else as a server of their own."""
    first = orphaned.workers[0]
    homes = [i for i, s in enumerate(made) if (s.first.cwd, s.first.uid) == (first.cwd, first.uid)]
    if len(homes) == 1:
        home = made[homes[0]]
        made[homes[0]] = home._replace(generations=(orphaned, *home.generations))
    else:
        made.append(Server(kind, _from_folder(first.cwd) or kind, (orphaned,), module.arguments(first)))


def _name(kind: str, module: ServerKind, master: Process) -> str:
    return module.name(master) or _from_folder(master.cwd) or kind


def _from_folder(cwd: str | None) -> str:
    """Name an application by its working directory: /var/apps/shop/releases/2017/ is "shop"."""
    parts = [p for p in (cwd or "").split("/") if p]
    for index, part in enumerate(parts):
        if part in RELEASES and index:
            return parts[index - 1]
    return posixpath.basename("/".join(parts)).removesuffix(" (deleted)")

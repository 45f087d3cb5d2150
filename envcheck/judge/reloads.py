"""What became of a reload: one that was refused, and one after which the workers do not come up.

Nothing that a master has says that it tried to exec a new one. Its pid file does: Unicorn moves it away and
back (lib/unicorn/http_server.rb: reexec, reap_all_workers), Gunicorn's new master writes one of its own,
with `.2`, which outlives it if it is killed. One that ends by itself removes it: of that nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterable

from envcheck.judge.evidence import TICK, Context
from envcheck.judge.findings import whole
from envcheck.model import Cause, Diagnosis, FileFacts, Finding, Server, Snapshot
from envcheck.servers import SERVERS
from envcheck.supervisors import herder


def pidfile(server: Server) -> str:
    """Give the path of the pid file, by the command line of the server, or of its herder."""
    owner = server.owner
    watched = owner.supervising if owner and owner.kind == "herder" else None
    return SERVERS[server.kind].pidfile(server) or (herder.pidfile(watched) if watched else "")


def files(server: Server) -> tuple[str, ...]:
    path = pidfile(server)
    return (path, f"{path}.2") if path else ()


def of_reloads(context: Context, snapshot: Snapshot) -> Iterable[Finding]:
    server = context.server
    for generation in server.generations:
        if generation.master and generation.master.pid in snapshot.looping:
            message = (
                f"the workers of master {generation.master.pid} end as soon as they have started, again and "
                "again: the application does not come up in the environment that it has"
            )
            yield whole(context, Diagnosis.LATENT, Cause.CRASH_LOOP, message, generation.processes)
    if len(server.generations) == 1 and (when := _refused(context, snapshot)):
        master = server.first
        message = (
            f"a reload was begun at {context.clock(when)} and was refused: the new master has ended, and "
            f"master {master.pid}, which has its environment since {context.clock(master.started)}, serves on"
        )
        yield whole(context, Diagnosis.LATENT, Cause.RELOAD_REFUSED, message, server.processes)


def _refused(context: Context, snapshot: Snapshot) -> float:
    """Say when an exec of a new master was tried in vain; 0.0 if nothing tells of one."""
    server = context.server
    path, master = pidfile(server), server.generations[-1].master
    if not path or master is None:
        return 0.0
    files = snapshot.seen_by(server)
    own, new = files.get(path), files.get(f"{path}.2")
    known = {p.inner or p.pid for p in (master, *snapshot.ancestors.values())}  # as the server counts
    if server.kind == "gunicorn":
        # Not yet promoted, a master has this file itself, and then it is there.
        held = _pid(new)
        ended = held and held not in known and new and new.changed > master.started
        return new.changed if new and ended else 0.0
    if _pid(own) != (master.inner or master.pid) or own is None or not server.generations[-1].workers:
        return 0.0
    # It is written before the first worker is forked, and then only moved.
    first = min(p.started for p in server.generations[-1].workers)
    return own.changed if own.changed > first + TICK else 0.0


def _pid(facts: FileFacts | None) -> int:
    text = facts.content.strip() if facts and facts.status == "ok" else b""
    return int(text) if text.isdigit() else 0

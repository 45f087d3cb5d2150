"""A server that was started by hand, or by something that is not known: stop it, then start it again.

What the first start got from its shell cannot be known: `hazards` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from envcheck.command_line import mask_arguments
from envcheck.model import (
    Configured,
    Disruption,
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
from envcheck.servers import SERVERS
from envcheck.supervisors.known import Known

# Seconds that a server has to end gracefully: gunicorn's graceful_timeout and unicorn's timeout are below.
PATIENCE = "90"

# A process that has ended but was not reaped yet is no reason to wait on: its port is free.
WAIT = r'while grep -qs "^State:.[^ZX]" "/proc/$0/status"; do sleep 0.1; done'

DELETED = " (deleted)"  # what the kernel adds to the path of a file or folder that is no more

# Programs that put a folder of variables into the environment, in the order in which they are preferred.
FOLDER_TOOLS: Mapping[str, tuple[str, ...]] = {"envdir": (), "chpst": ("-e",), "s6-envdir": ()}

# A server that stays in the foreground is detached, and its output goes where it went. The words after the
# script are data: the first one is the file, the others are the command.
DETACH = ("setsid", "--fork", "sh", "-c", 'exec "$@" </dev/null >>"$0" 2>&1')


# What a start needs of the environment that its shell had: where programs are, who it is, and how it writes.
BASE = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "LD_*"),
    *("PYTHON*", "VIRTUAL_ENV", "GUNICORN_CMD_ARGS", "GEM_HOME", "GEM_PATH", "RBENV_*"),
)


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Nobody owns what nobody is known to watch over."""
    del process, ancestors
    return None


def start(owner: Owner, process: Process, known: Known) -> Start:
    """What is given by hand is not written anywhere."""
    del owner, process, known
    return Start()


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    """There is no command but the server's own signals."""
    del owner, server, configured
    return ()


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    del owner
    return (*end(server), _start(server, configured, snapshot, policy))


def end(server: Server) -> tuple[Step, ...]:
    """Stop a server by the pids of its masters, and wait for them."""
    module = SERVERS[server.kind]
    masters = [g.master for g in server.generations if g.master]
    return (*(module.stop(master) for master in masters), *stop_orphans(server), *waits(server))


def waits(server: Server, *others: Process) -> tuple[Step, ...]:
    """Wait until the masters have ended, and *others*."""
    masters = [g.master for g in server.generations if g.master]
    return tuple(
        Step(("timeout", PATIENCE, "sh", "-c", WAIT, str(p.pid)), f"wait until {p.pid} has ended")
        for p in (*masters, *orphans(server), *others)
    )


def orphans(server: Server) -> list[Process]:
    """Give the workers whose master is gone."""
    return [p for g in server.generations if g.master is None for p in g.workers]


def stop_orphans(server: Server) -> list[Step]:
    why = "a worker without a master: nothing else reaches it"
    return [Step(("kill", "-QUIT", str(p.pid)), why, Disruption.CONNECTIONS) for p in orphans(server)]


def _start(server: Server, configured: Configured, snapshot: Snapshot, policy: Policy) -> Step:
    command, complete = _command(server, policy)
    step = again(server.first, command, configured, snapshot, policy)
    return step._replace(runnable=step.runnable and complete)


def again(
    first: Process, command: Sequence[str], configured: Configured, snapshot: Snapshot, policy: Policy
) -> Step:
    """Give a command line, as its user, in its folder, detached, through the chain of its sources."""
    wrapped, whole = _chain(configured, snapshot, policy)
    base, shown = _base(first, policy)
    words = ("env", "-i", f"--chdir={first.cwd}", *base, *wrapped, *command)
    if snapshot.uid == 0 and first.uid != 0:
        words = ("runuser", "-u", snapshot.users.get(first.uid, f"#{first.uid}"), "--", *words)
    output = (
        first.stdout
        if first.stdout.startswith("/") and not first.stdout.startswith("/dev/pts")
        else "/dev/null"
    )
    why = "its own command line, through the sources that are known"
    there = first.cwd is not None and not first.cwd.endswith(DELETED)
    runnable = whole and shown and there
    return Step((*DETACH, output.removesuffix(DELETED), *words), why, Disruption.DOWNTIME, runnable)


def _base(process: Process, policy: Policy) -> tuple[list[str], bool]:
    """Give what the first start had beside its sources; not what the shell has that does it again."""
    reading = process.at_exec if process.at_exec.usable else process.live
    kept = {n: v for n, v in reading.variables.items() if any(fnmatchcase(n, glob) for glob in BASE)}
    pairs = [f"{n}={v if policy.may_show(n, v) else '***'}" for n, v in kept.items()]
    return pairs, all(policy.may_show(n, v) for n, v in kept.items())


def _command(server: Server, policy: Policy) -> tuple[tuple[str, ...], bool]:
    if server.arguments is None:
        return (server.kind, "***"), False
    return mask_arguments(server.arguments, policy.secrets(server.first.running.variables), policy)


def _chain(configured: Configured, snapshot: Snapshot, policy: Policy) -> tuple[tuple[str, ...], bool]:
    """Give the words that apply the sources, the first one outermost, and whether none had to be masked."""
    words: tuple[str, ...] = ()
    whole = True
    for applied in configured.applied:
        if applied.source.stage is not Stage.EXEC:
            continue
        if applied.source.kind == "envdir":
            words += (*_folder_tool(snapshot), applied.source.path)
            whole = whole and any(snapshot.commands.get(tool) for tool in FOLDER_TOOLS)
        else:
            pairs, shown = _pairs(applied.source, configured, policy)
            words += ("env", *pairs)
            whole = whole and shown
    return words, whole


def _folder_tool(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the program that is there, by its path: the server may have another PATH."""
    for tool, words in FOLDER_TOOLS.items():
        if path := snapshot.commands.get(tool):
            return (path, *words)
    return ("envdir",)


def _pairs(source: Source, configured: Configured, policy: Policy) -> tuple[list[str], bool]:
    """Give NAME=VALUE for what a file sets; a value that may not be shown is masked."""
    pairs: list[str] = []
    whole = True
    for name, settings in configured.settings.items():
        assignment = next((s.assignment for s in reversed(settings) if s.source == source), None)
        if assignment is None or assignment.value is None:
            continue
        shown = not assignment.dynamic and policy.may_show(name, assignment.value)
        pairs.append(f"{name}={assignment.value if shown else '***'}")
        whole = whole and shown
    return pairs, whole


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del owner
    found = [
        Hazard(
            None,
            "unknown-start",
            "what a shell or a wrapper did before the first start is not known, and is not done again",
        )
    ]
    if server.arguments is None:
        found.append(
            Hazard(
                None,
                "unknown-start",
                "its command line is hidden by a process title: use the one you start it with",
            )
        )
    if (server.first.cwd or "").endswith(DELETED):
        message = "its folder has been deleted, perhaps by a deploy: start it in the one that is there now"
        found.append(Hazard(None, "unknown-start", message))
    parent = snapshot.ancestors.get(server.first.parent)
    if parent and parent.pid != 1:
        message = (
            f"its parent {server.first.parent} ({parent.comm}) may start it again by itself, with what it has"
        )
        found.append(Hazard(None, "unknown-start", message))
    return tuple(found)

"""To give a command line again by hand: as its user, in its folder, detached, through its sources."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from envcheck.command_line import mask_arguments
from envcheck.escaping import escape
from envcheck.model import Configured, Disruption, Hazard, Process, Server, Snapshot, Source, Stage, Step
from envcheck.secrecy import Policy
from envcheck.servers import SERVERS
from envcheck.supervisors.carried import carried, is_text
from envcheck.supervisors.known import Known

DELETED = " (deleted)"  # what the kernel adds to the path of a file or folder that is no more

# Programs that put a folder of variables into the environment, in the order in which they are preferred.
FOLDER_TOOLS: Mapping[str, tuple[str, ...]] = {"envdir": (), "chpst": ("-e",), "s6-envdir": ()}

# A server that stays in the foreground is detached, and its output goes where it went. The words after the
# script are data: the first one is the file, or the first two are, and the others are the command.
DETACH = ("setsid", "--fork", "sh", "-c")
TOGETHER = 'exec "$@" </dev/null >>"$0" 2>&1'
APART = 'exec 2>>"$1"; shift; exec "$@" </dev/null >>"$0"'
NOWHERE = "/dev/null"
USUAL = 0o022  # a umask that need not be told
PIPE = ("pipe:", "socket:")


def start(server: Server, configured: Configured, snapshot: Snapshot, policy: Policy) -> Step:
    """Start a server again by its own command line."""
    command, complete = _command(server, policy)
    folder = SERVERS[server.kind].folder(server, snapshot.seen_by(server))
    found = _unresolved(server, snapshot)
    if folder is None and server.first.cwd is not None:
        found.append("it has left the folder it was started in, and which that was is not known")
    if server.first.inner not in (0, server.first.pid):
        found.append("it runs in a pid namespace of its own: started from here, it would run outside of it")
    elif server.first.apart:
        found.append(
            "it has a mount namespace or a root of its own: started from here, it would see other files"
        )
    if _distrusted(server, snapshot):
        found.append(
            "its title does not tell where its arguments end: use the command line you start it with"
        )
        command, complete = (server.kind, "***"), False
    elif _unconfigured(server, snapshot):
        found.append("its configuration file is missing: it would not come up")
    program = posixpath.basename(command[0])
    path = snapshot.commands.get(program)
    if server.kind == "unicorn" and path and posixpath.dirname(path) not in _path(server, configured):
        command = (path, *command[1:])
    first = server.first._replace(cwd=folder)
    step = again(first, command, configured, snapshot, policy)
    hazards = tuple(Hazard(None, "unknown-start", message) for message in found)
    return step._replace(runnable=step.runnable and complete and not found, hazards=(*hazards, *step.hazards))


def backgrounds(argv: Sequence[str]) -> bool:
    """Tell whether a command line puts the server into the background; a title is one word with blanks."""
    words = [w for argument in argv for w in argument.split(" ")]
    return "-D" in words or "--daemon" in words or "--daemonize" in words


def _path(server: Server, configured: Configured) -> list[str]:
    """Give the folders in which the server's own shell would look for a program."""
    if "PATH" in configured.settings:
        return (configured.settings["PATH"][-1].assignment.value or "").split(":")
    reading = server.first.at_exec if server.first.at_exec.usable else server.first.live
    return reading.variables.get("PATH", "").split(":")


def _unresolved(server: Server, snapshot: Snapshot) -> list[str]:
    """A title of unicorn tells its program by its bare name."""
    program = server.arguments[0] if server.arguments else ""
    if server.kind != "unicorn" or not program or "/" in program or snapshot.commands.get(program):
        return []
    return [f"where {program} is, its title does not tell: use the command line you start it with"]


def _distrusted(server: Server, snapshot: Snapshot) -> bool:
    """Blanks within the arguments of a title cannot be told: the file it names must be there."""
    sources = SERVERS[server.kind].own_sources(server) if server.kind == "unicorn" else ()
    known = [snapshot.seen_by(server).get(s.path) for s in sources if not s.optional]
    return any(facts is None or facts.status != "ok" for facts in known)


def _unconfigured(server: Server, snapshot: Snapshot) -> bool:
    files = snapshot.seen_by(server)
    named = [files.get(s.path) for s in SERVERS[server.kind].own_sources(server, files) if not s.optional]
    return any(facts is not None and facts.status == "missing" for facts in named)


def again(
    first: Process, command: Sequence[str], configured: Configured, snapshot: Snapshot, policy: Policy
) -> Step:
    """Give a command line, as its user, in its folder, detached, through the chain of its sources."""
    wrapped, whole = _chain(configured, snapshot, policy)
    had = carried(first, command, configured, policy)
    words = ("env", "-i", f"--chdir={first.cwd}", *had.pairs, *wrapped, *command)
    words, reachable = _as_user(first, snapshot, words)
    words = (*DETACH, *_output(first), *words)
    there = first.cwd is not None and not first.cwd.endswith(DELETED)
    hazards = had.hazards
    if not reachable:
        message = "it runs as another user, and how to become that one is not known: look as root"
        hazards = (Hazard(None, "unknown-start", message), *hazards)
    if not all(map(is_text, words)):
        message = "there are bytes in it that are no UTF-8, or NUL: it cannot be written as a command"
        hazards = (Hazard(None, "unknown-start", message), *hazards)
    shut = _shut(first, snapshot)
    if shut:
        message = f"not allowed to write to {escape(', '.join(shut))}, where its output goes"
        hazards = (Hazard(None, "unknown-start", message), *hazards)
    if first.stdout.startswith(PIPE) or first.stderr.startswith(PIPE):
        message = "it writes into a pipe, to whom is not known: started by hand, what it writes there is lost"
        hazards = (*hazards, Hazard(None, "lost-output", message))
    why = "its own command line, through the sources that are known"
    runnable = whole and had.whole and there and reachable and not shut and all(map(is_text, words))
    return Step(words, why, Disruption.DOWNTIME, runnable, hazards)


def _as_user(first: Process, snapshot: Snapshot, words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Become the user that it runs as, with the very groups: it may have no name, and no shell."""
    if first.uid == snapshot.uid:
        return words, True
    if snapshot.uid != 0 or first.gid < 0:
        return words, False
    groups = f"--groups={','.join(map(str, first.groups))}" if first.groups else "--clear-groups"
    return ("setpriv", f"--reuid={first.uid}", f"--regid={first.gid}", groups, *words), True


def _output(first: Process) -> tuple[str, ...]:
    """Give the script that opens what it wrote to, and the files."""
    out, err = _file(first.stdout), _file(first.stderr or first.stdout)
    mask = f"umask {first.umask:04o}; " if first.umask not in (-1, USUAL) else ""
    return (mask + TOGETHER, out) if out == err else (mask + APART, out, err)


def wanted(first: Process, uid: int, known: Known) -> None:
    """Ask whether who looks may open what their process writes to: another user may have opened it."""
    if uid and first.uid == uid and not first.apart:
        for path in _opened(first):
            known.writable(path)


def _shut(first: Process, snapshot: Snapshot) -> list[str]:
    """Give what may not be written to; a record is not for who reads it."""
    if snapshot.key is not None:
        return []
    return [path for path in _opened(first) if snapshot.answers.writable.get(path) is False]


def _opened(first: Process) -> list[str]:
    """Give what a start opens to write to: files, and folders in which it has to make one."""
    links = dict.fromkeys(link for link in (first.stdout, first.stderr) if _file(link) != NOWHERE)
    return [posixpath.dirname(link) if link.endswith(DELETED) else link for link in links]


def _file(path: str) -> str:
    kept = path.startswith("/") and not path.startswith("/dev/pts")
    return path.removesuffix(DELETED) if kept else NOWHERE


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

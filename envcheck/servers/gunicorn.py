"""Gunicorn (Python). Its own name for the master is "arbiter".

Observed with 19.10, 20.1, 21.2, 22.0, 23.0 and 27.0.1, with and without setproctitle; the semantics of the
environment have not changed over them.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping

from envcheck.model import (
    Action,
    Disruption,
    FileFacts,
    Process,
    Role,
    Server,
    Setting,
    Source,
    Stage,
    Step,
)
from envcheck.servers import gunicorn_file, gunicorn_options
from envcheck.servers.configuration import (
    APPLICATION,
    Place,
    doubts,
    is_half_done,
    missing,
    ordered,
    others,
    readable,
)
from envcheck.servers.gunicorn_cures import (
    CURES,
    HUP_BREAKS,
    HUP_ENDS_NEW,
    HUP_HAS_MODULE,
    HUP_KEEPS,
    PERHAPS,
    PRELOADED,
    USR2_IGNORED,
    USR2_KEEPS,
)
from envcheck.servers.gunicorn_file import begun_in, is_module, unnamed
from envcheck.servers.gunicorn_options import (
    from_command_line,
    from_environment,
    is_gunicorn,
    own_arguments,
)
from envcheck.servers.signals import has, mask, masters, option, send, started_in
from envcheck.servers.table import What, first, look_up
from envcheck.sources import gunicorn_config

WORDS = ("gunicorn",)
INTERPRETERS = ("/python", "/pypy")
OPTIONS = gunicorn_options.OPTIONS
own_sources = gunicorn_file.own_sources

# gunicorn/arbiter.py: Arbiter.SIGNALS; gunicorn/workers/base.py: Worker.SIGNALS, init_signals().
MASTER_CATCHES = mask("HUP", "USR2", "CHLD")
WORKER_CATCHES = mask("ABRT")

TITLE = re.compile(r"gunicorn: (master|worker) \[(.*)\]$", re.DOTALL)

# Order in which a fresh worker comes to its variables (arbiter.py: setup(), start(), spawn_worker();
# workers/base.py: init_process() sets raw_env once more). What is not here is run at other occasions.
SET_BY = (
    "os.environ",
    "on_starting",
    "when_ready",
    "pre_fork",
    "post_fork",
    "raw_env",
    APPLICATION,
    "post_worker_init",
)
SET_BY_PRELOADED = ("os.environ", APPLICATION, *(by for by in SET_BY[1:] if by != APPLICATION))
STAGES = {
    "os.environ": Stage.CODE,
    "raw_env": Stage.CONFIG,
    "on_starting": Stage.START,
    "when_ready": Stage.START,
    "pre_fork": Stage.CODE,
    "post_fork": Stage.WORKER,
    "post_worker_init": Stage.WORKER,
}


def role(process: Process) -> Role | None:
    title = TITLE.match(process.argv[0]) if process.argv else None
    if title:
        return Role(title[1])
    if not is_gunicorn(process.argv):
        return None
    if has(process.caught, MASTER_CATCHES) and not has(process.caught, WORKER_CATCHES):
        return Role.MASTER
    if has(process.caught, WORKER_CATCHES):
        return Role.WORKER
    return None


def is_old(master: Process) -> bool:
    """Gunicorn's titles do not tell; that a master has a child that is a master does."""
    del master
    return False


def is_reexeced(process: Process) -> bool:
    # Arbiter.reexec() sets both; start() pops GUNICORN_FD, maybe_promote_master() deletes GUNICORN_PID.
    marks = ("GUNICORN_PID", "GUNICORN_FD")
    return any(mark in layer.variables for mark in marks for layer in (process.at_exec, process.live))


def hands_on(process: Process) -> bool:
    # Only where HUP had been before: it takes env_orig anew, from what the master has by then, and that has
    # SERVER_SOFTWARE since Arbiter.__init__().
    return is_reexeced(process) and "SERVER_SOFTWARE" in process.at_exec.variables


def arguments(master: Process) -> tuple[str, ...] | None:
    return master.argv if is_gunicorn(master.argv) else None


def name(master: Process) -> str:
    title = TITLE.match(master.argv[0]) if master.argv else None
    if title:
        shown = re.sub(r"\.2$", "", title[2])
        return "" if ":" in shown or "." in shown else shown
    given = option(own_arguments(master), "-n", "--name")
    return given[-1] if given else ""


def pidfile(server: Server) -> str:
    """It is written once the server has moved to where --chdir says (arbiter.py: start())."""
    given = option(own_arguments(server.first), "-p", "--pid")
    return posixpath.normpath(posixpath.join(server.first.cwd or "/", given[-1])) if given else ""


def folder(server: Server, files: Mapping[str, FileFacts]) -> str | None:
    own = own_sources(server, files)
    if any(gunicorn_config.changes_folder(facts.content) for _, facts in readable(own, files)):
        return server.first.begun_in or started_in(server.first)
    return begun_in(server.first) if own else None


def unread(server: Server, files: Mapping[str, FileFacts]) -> str:
    """Say why its own configuration may set variables that `own_settings` does not tell of, or ""."""
    for source in own_sources(server, files):
        facts = files.get(source.path)
        if facts is None or (facts.status == "missing" and source.optional):
            return unnamed(server, files)
        if facts.status != "ok":
            return f"{source.path} could not be read"
        found = gunicorn_config.scan(facts.content)
        replaced = option(own_arguments(server.first), "-e", "--env")
        return doubts(source, found.environ) if replaced else doubts(source, found.raw_env, found.environ)
    return unnamed(server, files)


def broken(server: Server, files: Mapping[str, FileFacts]) -> str:
    """Say why its configuration keeps it from coming up: seen with 27.0.1, it exits with status 1.

    Python takes what the versions of Python 3 before it took; a newer one, or Python 2, may take more.
    """
    for source in own_sources(server, files):
        if why := missing(source, files, server.first):
            return why
    version = re.fullmatch(r"python3\.(\d+)", posixpath.basename(server.first.exe or ""))
    if version is None or int(version[1]) > sys.version_info.minor:
        return ""
    for source, facts in readable(own_sources(server, files), files):
        if line := gunicorn_config.broken(facts.content):
            return f"{source.path}:{line} is no Python"
    return ""


def own_settings(server: Server, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    """Give what the configuration sets, in the order in which a fresh worker comes to it.

    `-e` of the command line, else of GUNICORN_CMD_ARGS, else `raw_env`: each replaces the whole list.
    """
    given = option(from_command_line(server.first), "-e", "--env")
    given = given or option(from_environment(server.first), "-e", "--env")
    order = SET_BY_PRELOADED if preloads(server, files) else SET_BY
    found = ordered([p for p in _places(server, files) if not given or p[1].by != "raw_env"], order, STAGES)
    source = Source("gunicorn-arguments", "command line", Stage.ARGUMENT)
    listed = [Setting(source, a, 0.0, late=order is SET_BY_PRELOADED) for a in gunicorn_config.raw_env(given)]
    before = [s for s in found if order.index(s.assignment.by) < order.index("raw_env")]
    return (*before, *listed, *found[len(before) :])


def other_settings(server: Server, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    return others(_places(server, files), SET_BY)


def _places(server: Server, files: Mapping[str, FileFacts]) -> list[Place]:
    found = readable(own_sources(server, files), files)
    return [(s, a, f.changed) for s, f in found for a in gunicorn_config.parse(f.content).assignments]


def reexec_hook(server: Server, files: Mapping[str, FileFacts]) -> str:
    for source, facts in readable(own_sources(server, files), files):
        line = gunicorn_config.scan(facts.content).reexec
        return f"pre_exec at {source.path}:{line}" if line else ""
    return ""


def preloads(server: Server, files: Mapping[str, FileFacts]) -> bool | None:
    if "--preload" in own_arguments(server.first):
        return True
    for _, facts in readable(own_sources(server, files), files):
        return gunicorn_config.preload_app(facts.content)
    return None if arguments(server.first) is None or unnamed(server, files) else False


def workers(server: Server, files: Mapping[str, FileFacts]) -> int | None:
    """Give how many it starts with: by its arguments, its file, or WEB_CONCURRENCY (config.py: Workers).

    None: that is not known, as where a title hides the arguments: `-w` counts before all else.
    """
    if arguments(server.first) is None:
        return None
    if given := option(own_arguments(server.first), "-w", "--workers"):
        return int(given[-1]) if given[-1].isdigit() else None
    if unnamed(server, files):
        return None
    told = server.first.running.variables.get("WEB_CONCURRENCY", "1")
    default = int(told) if told.isdigit() else None
    for source in own_sources(server, files):
        facts = files.get(source.path)
        if facts is not None and facts.status == "ok":
            return gunicorn_config.workers(facts.content, default)
        gone = facts is not None and facts.status == "missing" and not is_module(server)
        return default if gone else None
    return default


def cure(what: What, server: Server, *, preload: bool | None) -> Action:
    action = look_up(CURES if preload is False else PRELOADED, what)
    # Observed with 27.0.1: HUP ends the new master of a half-done upgrade. Orphans have no master to take it.
    unfit = is_half_done(server) or not masters(server)
    imported = is_module(server) and what[0] is not Stage.APPLICATION
    return Action.RESTART if action is Action.RELOAD and (unfit or imported) else action


def perhaps(server: Server, whats: frozenset[What]) -> str:
    unfit = is_half_done(server) or not masters(server) or is_module(server)
    return "" if unfit else "; ".join(first(PERHAPS, whats))


def signal(action: Action, server: Server) -> Step | None:
    if action is not Action.RELOAD:
        return None
    why = "gunicorn reads its configuration again and replaces its workers"
    return send("HUP", server.first.pid, why, Disruption.WORKERS)


def insufficient(action: Action, server: Server, whats: frozenset[What]) -> tuple[Step, ...]:
    if action is not Action.RESTART or not masters(server):
        return ()
    pid = server.first.pid
    hup = [HUP_ENDS_NEW] if is_half_done(server) else first(HUP_KEEPS, whats)
    hup = hup or ([HUP_HAS_MODULE] if is_module(server) else [])
    usr2 = [USR2_IGNORED] if is_half_done(server) else first(USR2_KEEPS, whats)
    return tuple([send("HUP", pid, why) for why in hup] + [send("USR2", pid, why) for why in usr2])


def harmful(server: Server) -> tuple[Step, ...]:
    """Name what ends a running server whose configuration is broken."""
    if not masters(server):
        return ()
    return (send("HUP", server.first.pid, HUP_BREAKS, Disruption.DOWNTIME),)


def stop(master: Process) -> Step:
    return send(
        "TERM", master.pid, "gunicorn lets its workers finish what they serve, then ends", Disruption.DOWNTIME
    )

"""Unicorn (Ruby). Observed with 6.0.0 under ruby 3.1.

lib/unicorn/http_server.rb: proc_name() writes the titles, reexec() execs with the live ENV of the master.
"""

from __future__ import annotations

import posixpath
import re
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
from envcheck.servers.signals import has, mask, masters, send, started_in
from envcheck.servers.table import What, first, look_up
from envcheck.servers.unicorn_cures import (
    CURES,
    HUP_KEEPS,
    HUP_LOSES_PIDFILE,
    HUP_REEXECS,
    PRELOADED,
    USR2_KEEPS,
)
from envcheck.servers.unicorn_options import (
    ENV,
    LAUNCHER,
    Given,
    by_default,
    from_command_line,
    from_rackup,
    is_command,
    parse,
    rackup_file,
    words,
)
from envcheck.sources import unicorn_config

WORDS = ("unicorn",)
INTERPRETERS = ("/ruby", "/jruby", "/truffleruby")
OPTIONS = ""

# http_server.rb: QUEUE_SIGS and init_worker_process().
MASTER_CATCHES = mask("TTIN", "TTOU", "WINCH", "USR2")
WORKER_IGNORES = mask("HUP", "USR2", "TTIN", "TTOU", "WINCH")

# A title may be cut anywhere: it has no more room than the original command line had. It begins with the name
# of the program, which a configuration may have changed (START_CTX[0]). Gunicorn's have a colon there.
TITLE = re.compile(r"([^\s:]+) (master|worker\[\d+\])( \(old\))?( .*)?$", re.DOTALL)

# Order in which a fresh worker comes to its variables (http_server.rb: initialize(), start(),
# spawn_missing_workers(), init_worker_process(), worker_loop()). What is not here is run at other occasions.
SET_BY = ("ENV", ENV, "before_fork", "after_fork", APPLICATION, "after_worker_ready")
SET_BY_PRELOADED = ("ENV", ENV, APPLICATION, "before_fork", "after_fork", "after_worker_ready")
STAGES = {
    "ENV": Stage.CODE,
    ENV: Stage.CODE,  # in the rackup file, which is read after the configuration (configurator.rb: reload())
    "before_fork": Stage.CODE,
    "after_fork": Stage.WORKER,
    "after_worker_ready": Stage.WORKER,
}


def role(process: Process) -> Role | None:
    if process.exe is not None and not any(name in process.exe for name in INTERPRETERS):
        return None  # another server's titles, and signals, may be alike: gunicorn: master [app]
    title = " ".join(process.argv)
    match = TITLE.match(title)
    if match and match[1].startswith("unicorn"):
        return Role.MASTER if match[2] == "master" else Role.WORKER
    # By another name it is one only where Ruby runs it: "gunicorn: master" has the same shape and signals.
    renamed = match and any(part in (process.exe or "") for part in INTERPRETERS)
    if not (renamed or _is_unicorn(process)):
        return None
    if has(process.caught, MASTER_CATCHES):
        return Role.MASTER
    return Role.WORKER if has(process.ignored, WORKER_IGNORES) else None


def _is_unicorn(process: Process) -> bool:
    """Tell a cut title, or a command line without one yet, from a mere mention of unicorn."""
    words = process.argv[0].split(" ") + list(process.argv[1:]) if process.argv else []
    if words and LAUNCHER.match(words[0]):
        return True
    programs = [w for w in words[1:] if not w.startswith("-")][:1]
    if programs and posixpath.basename(programs[0]) in ("bundle", "bundler"):
        programs = words[words.index("exec") + 1 :][:1] if "exec" in words else []
    return any(LAUNCHER.match(posixpath.basename(p)) for p in programs)


def is_old(master: Process) -> bool:
    match = TITLE.match(" ".join(master.argv))
    return bool(match and match[3])


def is_reexeced(process: Process) -> bool:
    # reexec() sets UNICORN_FD and nothing deletes it; workers under worker_exec have it for another reason.
    layers = (process.at_exec, process.live)
    return any("UNICORN_FD" in v.variables and "UNICORN_WORKER" not in v.variables for v in layers)


def hands_on(process: Process) -> bool:
    # reexec() gives no environment: what the master has is inherited.
    return is_reexeced(process)


def arguments(master: Process) -> tuple[str, ...] | None:
    """Rebuild the command line from the title: `unicorn master -c x config.ru` names all arguments."""
    match = TITLE.match(" ".join(master.argv))
    if not match:
        return master.argv if is_command(master.argv) else None
    if master.title_is_cut:
        return None
    words = [w for w in (match[4] or "").split(" ") if w]
    bundled = "bundler/setup" in master.running.variables.get("RUBYOPT", "")
    return (*(("bundle", "exec") if bundled else ()), match[1], *words)


def name(master: Process) -> str:
    """Unicorn is not given a name."""
    del master
    return ""


def pidfile(server: Server) -> str:
    given = _given(server).last("pid")
    return _absolute(given, server.first) if given else ""


def _argv(server: Server) -> tuple[str, ...]:
    """Give its command line: by its title, or as it would be started."""
    return arguments(server.first) or server.first.argv


def _given(server: Server) -> Given:
    return parse(words(_argv(server)))


def _absolute(path: str, process: Process) -> str:
    return posixpath.normpath(posixpath.join(process.cwd or "/", path))


def own_sources(server: Server, files: Mapping[str, FileFacts] | None = None) -> tuple[Source, ...]:
    """The configuration file, and the one with the application: that may have options of the server."""
    del files
    rackup = rackup_file(_given(server), server.first)
    return (*_configuration(server), *((rackup,) if rackup else ()))


def _configuration(server: Server) -> tuple[Source, ...]:
    given = _given(server).last("config-file")
    return (
        (Source("unicorn-config", _absolute(given, server.first), Stage.CONFIG, "unicorn"),) if given else ()
    )


def unread(server: Server, files: Mapping[str, FileFacts]) -> str:
    """Say why its configuration may set variables that `own_settings` does not tell of, or ""."""
    for source in _configuration(server):
        facts = files.get(source.path)
        if facts is None:
            return ""
        if facts.status != "ok":
            return f"{source.path} could not be read"
        return doubts(source, unicorn_config.parse(facts.content))
    return ""


def broken(server: Server, files: Mapping[str, FileFacts]) -> str:
    """Say that its configuration is not there; Ruby itself is not parsed as a whole."""
    return next(
        (why for source in _configuration(server) if (why := missing(source, files, server.first))), ""
    )


def own_settings(server: Server, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    """Give what the configuration does to ENV, in the order in which a fresh worker comes to it."""
    order = SET_BY_PRELOADED if preloads(server, files) else SET_BY
    given = from_command_line(_argv(server), _given(server))
    default = by_default(_argv(server), server.processes)
    return (*default, *given, *ordered(_places(server, files), order, STAGES))


def other_settings(server: Server, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    return others(_places(server, files), SET_BY)


def _places(server: Server, files: Mapping[str, FileFacts]) -> list[Place]:
    found = readable(_configuration(server), files)
    places = [(s, a, f.changed) for s, f in found for a in unicorn_config.parse(f.content).assignments]
    rackup = rackup_file(_given(server), server.first)
    told = readable([rackup] if rackup else [], files)
    return places + [(s, a, f.changed) for s, f in told for a in from_rackup(_argv(server), f)]


def reexec_hook(server: Server, files: Mapping[str, FileFacts]) -> str:
    for source, facts in readable(_configuration(server), files):
        line = unicorn_config.scan(facts.content).reexec
        return f"{source.path}:{line}" if line else ""
    return ""


def folder(server: Server, files: Mapping[str, FileFacts]) -> str | None:
    """Give the folder it was started in: the configuration may have moved it, and PWD is all that tells."""
    moved = any(
        facts is not None and re.search(rb"^\s*working_directory\b", facts.content, re.MULTILINE)
        for facts in (files.get(source.path) for source in _configuration(server))
    )
    return started_in(server.first) if moved else server.first.cwd


def preloads(server: Server, files: Mapping[str, FileFacts]) -> bool | None:
    """`preload_app true`: the default is false (configurator.rb: DEFAULTS)."""
    for source in _configuration(server):
        facts = files.get(source.path)
        if facts is None or facts.status != "ok":
            return None
        return unicorn_config.preload_app(facts.content)
    return None if arguments(server.first) is None else False


def workers(server: Server, files: Mapping[str, FileFacts]) -> int | None:
    """`worker_processes`: the default is 1 (configurator.rb: DEFAULTS)."""
    for source in _configuration(server):
        facts = files.get(source.path)
        return unicorn_config.workers(facts.content) if facts is not None and facts.status == "ok" else None
    return None if arguments(server.first) is None else 1


def cure(what: What, server: Server, *, preload: bool | None) -> Action:
    action = look_up(CURES if preload is False else PRELOADED, what)
    if not masters(server):
        return Action.RESTART if action is Action.RELOAD else action
    hup_harms = (
        is_half_done(server) or not _configuration(server) or pidfile(server)
    )  # HUP reaches one master alone
    return Action.RESTART if action is Action.RELOAD and hup_harms else action


def perhaps(server: Server, whats: frozenset[What]) -> str:
    """It has no list that is reset when its configuration is read."""
    del server, whats
    return ""


def signal(action: Action, server: Server) -> Step | None:
    if action is not Action.RELOAD:
        return None
    why = "unicorn reads its configuration again and replaces its workers, which load the application anew"
    return send("HUP", server.first.pid, why, Disruption.WORKERS)


def insufficient(action: Action, server: Server, whats: frozenset[What]) -> tuple[Step, ...]:
    if action is not Action.RESTART or not masters(server):
        return ()
    pid = server.first.pid
    hup = first(HUP_KEEPS, whats)
    if not _configuration(server):
        hup = [HUP_REEXECS]
    elif pidfile(server):
        hup.append(HUP_LOSES_PIDFILE)
    usr2 = first(USR2_KEEPS, whats)
    steps = [send("HUP", pid, "; ".join(hup))] if hup else []
    return tuple(steps + [send("USR2", pid, why) for why in usr2])


def harmful(server: Server) -> tuple[Step, ...]:
    """Name nothing: it logs the error and serves on (unicorn/http_server.rb: load_config!)."""
    del server
    return ()


def stop(master: Process) -> Step:
    return send(
        "QUIT", master.pid, "unicorn lets its workers finish what they serve, then ends", Disruption.DOWNTIME
    )

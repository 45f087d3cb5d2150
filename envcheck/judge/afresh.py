"""The options that a server would be started with now, where it was started with others.

They stand on its command line, or in a variable that is read once: what `-e` sets hangs on what a fresh start
would be given, and what the process has hangs on what it was given then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from envcheck.judge.compare import no_longer_given
from envcheck.model import Configured, FileFacts, Process, Reading, Server, Setting, Stage
from envcheck.servers import SERVERS

COMMAND = "the command that its supervisor starts"


class Afresh(NamedTuple):
    """The server as a fresh start would begin it, and where its options stand; "": they are the same."""

    server: Server
    before: Server  # as it was begun
    where: str = ""


def started(server: Server, found: Configured) -> Afresh:
    """Say how a fresh start would begin it, as far as sources tell: *found* is without its own settings.

    *server* has the command line of a fresh start, and in `arguments` that which is seen of it.
    """
    master, module = server.generations[-1].master, SERVERS[server.kind]
    if master is None or not master.running.usable:
        return Afresh(server, server)
    before = _begun(server, master._replace(argv=server.arguments)) if server.arguments else server
    by_command = _unlike(server, before)
    given = _options(module.OPTIONS, found, server)
    if given is not None and given[0] != master.running.variables.get(module.OPTIONS):
        told = _begun(server, _with(master, module.OPTIONS, given[0]))
        # Another configuration file has not been read; a command line's `-e` may hide that of the variable.
        if _unlike(told, server) and module.own_sources(told) == module.own_sources(server):
            return Afresh(told, before, given[1])
    return Afresh(server, before, COMMAND if by_command else "")


def _unlike(server: Server, other: Server) -> bool:
    """Tell whether their options set other variables."""
    own_settings = SERVERS[server.kind].own_settings
    return own_settings(server, {}) != own_settings(other, {})


def _begun(server: Server, master: Process) -> Server:
    newest = server.generations[-1]._replace(master=master)
    return server._replace(generations=(*server.generations[:-1], newest))


def own_settings(afresh: Afresh, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    """Say what the server itself would set; *files* are those of its configuration."""
    own = SERVERS[afresh.server.kind].own_settings(afresh.server, files)
    if not afresh.where:
        return own
    return tuple(_told(s, afresh.where) if s.source.stage is Stage.ARGUMENT else s for s in own)


def _told(setting: Setting, where: str) -> Setting:
    source, assignment = setting.source._replace(path=where), setting.assignment._replace(line=0)
    return setting._replace(source=source, assignment=assignment)


def given_before(afresh: Afresh, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    """Give what the options set that it was started with, where a fresh start would have others."""
    own = SERVERS[afresh.server.kind].own_settings(afresh.before, files) if afresh.where else ()
    return tuple(s for s in own if s.source.stage is Stage.ARGUMENT)


def _options(name: str, found: Configured, server: Server) -> tuple[str | None, str] | None:
    """Give the value of the variable with more options, and where; None: it is not known."""
    if not name or found.gaps:
        return None
    if settings := found.settings.get(name):
        winner = settings[-1]
        if winner.source.stage is not Stage.EXEC or winner.assignment.dynamic:
            return None
        return winner.assignment.value, f"{name} of {winner.origin}"
    # By hand, the shell may have given it.
    whole = any(a.source.kind == "supervisor-environment" for a in found.applied)
    gone = whole or no_longer_given(name, found, server.processes)
    return (None, f"{name}, which no source sets") if gone else None


def _with(process: Process, name: str, value: str | None) -> Process:
    def changed(reading: Reading) -> Reading:
        others = {n: v for n, v in reading.variables.items() if n != name}
        return reading._replace(variables=others if value is None else {**others, name: value})

    return process._replace(at_exec=changed(process.at_exec), live=changed(process.live))

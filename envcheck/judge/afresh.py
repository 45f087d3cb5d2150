"""The options in a variable that a server would be started with now, where it was started with others.

Such a variable is read once: what `-e` in it sets hangs on what a fresh start would be given, and what the
process has hangs on what it was given then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from envcheck.judge.compare import no_longer_given
from envcheck.model import Configured, FileFacts, Process, Reading, Server, Setting, Stage
from envcheck.servers import SERVERS


class Afresh(NamedTuple):
    """The server as a fresh start would begin it, and where its options stand; "": they are the same."""

    server: Server
    where: str = ""


def started(server: Server, found: Configured) -> Afresh:
    """Say how a fresh start would begin it, as far as sources tell: *found* is without its own settings."""
    newest = server.generations[-1]
    module = SERVERS[server.kind]
    if newest.master is None or not newest.master.running.usable:
        return Afresh(server)
    given = _options(module.OPTIONS, found, server)
    if given is None or given[0] == newest.master.running.variables.get(module.OPTIONS):
        return Afresh(server)
    master = _with(newest.master, module.OPTIONS, given[0])
    told = server._replace(generations=(*server.generations[:-1], newest._replace(master=master)))
    # Another configuration file has not been read; `-e` of the command line may hide that of the variable.
    differs = module.own_settings(told, {}) != module.own_settings(server, {})
    known = differs and module.own_sources(told) == module.own_sources(server)
    return Afresh(told, given[1]) if known else Afresh(server)


def own_settings(afresh: Afresh, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    """Say what the server itself would set; *files* are those of its configuration."""
    own = SERVERS[afresh.server.kind].own_settings(afresh.server, files)
    if not afresh.where:
        return own
    return tuple(_told(s, afresh.where) if s.source.stage is Stage.ARGUMENT else s for s in own)


def _told(setting: Setting, where: str) -> Setting:
    source, assignment = setting.source._replace(path=where), setting.assignment._replace(line=0)
    return setting._replace(source=source, assignment=assignment)


def given_before(server: Server, afresh: Afresh, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
    """Give what the options set that it was started with, where a fresh start would have others."""
    own = SERVERS[server.kind].own_settings(server, files) if afresh.where else ()
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

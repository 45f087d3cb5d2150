"""The command line of a fresh master, and its folder: by which, and where, its supervisor starts it now."""

from __future__ import annotations

from envcheck.model import Server, Start
from envcheck.servers import SERVERS
from envcheck.sources import UNKNOWN


def untitled(server: Server, start: Start) -> Server:
    """Give the newest master the command line of a fresh start: its own may be hidden, or of before a change.

    It names the configuration of the server and the variables it is given: what a fresh process would have.
    So does the folder of that start, which the master may have left since.
    """
    return server if start.stray else started_by(server, start.command, start.folder)


def started_by(server: Server, command: tuple[str, ...], folder: str | None) -> Server:
    """Give the newest master a command line and where it is started, if that is one of such a server."""
    newest = server.generations[-1]
    if newest.master is None:
        return server
    told = newest.master._replace(argv=command, begun_in=folder or newest.master.begun_in)
    if any(UNKNOWN in word for word in command) or not SERVERS[server.kind].arguments(told):
        return server
    return server._replace(generations=(*server.generations[:-1], newest._replace(master=told)))

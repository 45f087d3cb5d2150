"""The application servers that envcheck knows: one module each.

A module says how its processes look, where the server itself sets variables, and what each signal does to
whose environment. All of it is pure: processes come in as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from envcheck.model import Action, FileFacts, Process, Role, Server, Setting, Source, Step
from envcheck.servers import gunicorn, unicorn
from envcheck.servers.table import What


class ServerKind(Protocol):
    """How one application server looks, and what its signals do to the environment."""

    @property
    def WORDS(self) -> tuple[str, ...]:  # noqa: N802
        """Words one of which every command line of its processes has."""
        ...

    @property
    def INTERPRETERS(self) -> tuple[str, ...]:  # noqa: N802
        """Parts one of which the path of its executable has."""
        ...

    @property
    def OPTIONS(self) -> str:  # noqa: N802
        """The variable from which it takes options beside its command line, or ""."""
        ...

    def role(self, process: Process) -> Role | None:
        """Say which part the process plays by itself, or None; children of a master are workers anyhow."""
        ...

    def is_old(self, master: Process) -> bool:
        """Tell whether a master's title says that it has been replaced."""
        ...

    def is_reexeced(self, process: Process) -> bool:
        """Tell whether the environment shows that an older master exec'd this one."""
        ...

    def hands_on(self, process: Process) -> bool:
        """Tell whether it was exec'd by an older master with what that had set in its own environment."""
        ...

    def arguments(self, master: Process) -> tuple[str, ...] | None:
        """Give the command line that starts the server, or None where a title hides it."""
        ...

    def name(self, master: Process) -> str:
        """Give the name that the server was given, or ""."""
        ...

    def pidfile(self, server: Server) -> str:
        """Give the path of its pid file as far as the command line tells it, or ""."""
        ...

    def own_sources(self, server: Server, files: Mapping[str, FileFacts] | None = None) -> tuple[Source, ...]:
        """Name the files in which the server itself sets variables or says how it loads the application.

        Where one may be in several places, *files* tell which counts; without them, all are named.
        """
        ...

    def folder(self, server: Server, files: Mapping[str, FileFacts]) -> str | None:
        """Give the folder that it was started in; None where it has left it, and nothing tells."""
        ...

    def own_settings(self, server: Server, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
        """Say which variables the server itself sets, from its arguments and the files of `own_sources`.

        They stand in the order in which a fresh worker comes to them.
        """
        ...

    def other_settings(self, server: Server, files: Mapping[str, FileFacts]) -> tuple[Setting, ...]:
        """Say what its configuration sets where a fresh process does not come: at a reload, a re-exec."""
        ...

    def reexec_hook(self, server: Server, files: Mapping[str, FileFacts]) -> str:
        """Say where its configuration may give a re-exec'd master another environment, or ""."""
        ...

    def unread(self, server: Server, files: Mapping[str, FileFacts]) -> str:
        """Say why the server itself may set more than `own_settings` tells, or ""."""
        ...

    def broken(self, server: Server, files: Mapping[str, FileFacts]) -> str:
        """Say why it would not come up with its own configuration, or ""."""
        ...

    def preloads(self, server: Server, files: Mapping[str, FileFacts]) -> bool | None:
        """Tell whether the master loads the application; None: only running its configuration could tell."""
        ...

    def workers(self, server: Server, files: Mapping[str, FileFacts]) -> int | None:
        """Give how many workers it starts with; None: it does not tell, or only by running."""
        ...

    def cure(self, what: What, server: Server, *, preload: bool | None) -> Action:
        """Name the least disruptive action that brings a change in: where it was made, and which it is."""
        ...

    def harmful(self, server: Server) -> tuple[Step, ...]:
        """Name what must not be done to a running server whose configuration is broken."""
        ...

    def perhaps(self, server: Server, whats: frozenset[What]) -> str:
        """Say what may be enough below a restart, and on what that hangs; "" where nothing does."""
        ...

    def signal(self, action: Action, server: Server) -> Step | None:
        """Give the signal to the server that amounts to the action, or None."""
        ...

    def insufficient(self, action: Action, server: Server, whats: frozenset[What]) -> tuple[Step, ...]:
        """Give the popular steps below `action`, each with the reason why it is not enough."""
        ...

    def stop(self, master: Process) -> Step:
        """Give the step that ends a master and its workers gracefully."""
        ...


SERVERS: dict[str, ServerKind] = {
    "gunicorn": gunicorn,
    "unicorn": unicorn,
}

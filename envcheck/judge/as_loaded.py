"""What a restart would give by what the supervisor has loaded, where its files say something else by now.

The way from the supervisor to the application is the same: wrappers and the server's own configuration are
read anew by every start; which ones, the command says that was loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envcheck.judge import afresh
from envcheck.model import Applied, Configured, FileFacts, Server, Setting, Start
from envcheck.servers import SERVERS
from envcheck.sources import chain
from envcheck.supervisors.titles import started_by

Places = Mapping[str, tuple[Setting, ...]]


def as_loaded(
    server: Server,
    loaded: Start,
    late: Sequence[Applied],
    configured: Configured,
    files: Mapping[str, FileFacts],
) -> dict[str, Setting | None]:
    """Give of every variable that is not as *configured* what counts instead; None: nothing sets it.

    *late*: the sources of the application. Where less could be read than of what is configured, nothing is
    taken for absent.
    """
    begun = started_by(server, loaded.command, loaded.folder)
    found = chain.combine((*loaded.applied, *late))
    own = afresh.own_settings(afresh.started(begun, found), files)
    settings = chain.combine(found.applied, own).settings
    unread = {_reason(a) for a in found.gaps} - {_reason(a) for a in configured.gaps}
    whole = not unread and all(s.path in files for s in SERVERS[begun.kind].own_sources(begun))
    return {
        name: _winner(settings, name)
        for name in {**configured.settings, **settings}
        if _told(settings, name) != _told(configured.settings, name) and (whole or name in settings)
    }


def _winner(settings: Places, name: str) -> Setting | None:
    return settings[name][-1] if settings.get(name) else None


def _told(settings: Places, name: str) -> tuple[bool, str | None]:
    """Say what is known of a value: two that only running something could tell are not known to differ."""
    winner = _winner(settings, name)
    if winner is None:
        return False, None
    return winner.assignment.dynamic, None if winner.assignment.dynamic else winner.assignment.value


def _reason(gap: Applied) -> tuple[str, str]:
    return gap.source.path, gap.why

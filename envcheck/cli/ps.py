"""List the servers found: master, workers, since when, state, supervisor, folder; with -v the user."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.cli import options, output, reading
from envcheck.cli.fleet import look_at_all
from envcheck.cli.hosts import Hosts
from envcheck.cli.on_hosts import on_hosts
from envcheck.collect import collect
from envcheck.errors import EnvcheckError, NothingMatchedError
from envcheck.judge import listed, matching
from envcheck.model import Gap, HostReport, Listed, Server, Snapshot


@on_hosts
def command(
    targets: options.Targets = None,
    *,
    hosts: Hosts,
    formats: options.Formats = None,
    no_live: options.NoLive = False,
    color: options.Colors = output.Color.AUTO,
) -> None:
    from envcheck.report import json, servers  # noqa: PLC0415

    named = targets or []
    wanted = output.formats(formats, ["text", "json"])
    pids, files = matching.pids(named), matching.files(named)

    alone = len(hosts.named) == 1
    lost: list[EnvcheckError] = []  # targets that mean nothing on one of many hosts: the others are listed

    def meant(seen: Snapshot | HostReport) -> Listed | HostReport:
        if isinstance(seen, HostReport):
            return seen
        try:
            return listed(seen, _meant(seen, named), reading.policy(None))
        except EnvcheckError as error:
            if alone:
                raise
            lost.append(type(error)(f"{seen.host}: {error}", error.hint))
            return Listed(seen._replace(gaps=(*seen.gaps, Gap("the target", str(error)))), ())

    found = list(look_at_all(hosts, lambda host: collect(host, None, pids, files, live=not no_live), meant))
    for name, path in wanted:
        as_text = servers.render(found, verbose=hosts.verbose)
        output.emit(json.render_servers(found) if name == "json" else as_text, path, color=color)
    if lost:
        raise max(lost, key=lambda error: isinstance(error, NothingMatchedError))
    _unlisted(found)


def _unlisted(found: Sequence[Listed | HostReport]) -> None:
    """Say that nothing was found, or could be.

    Raises:
        EnvcheckError: A host could not be looked at, or not all of it was seen.
        NothingMatchedError: There is no server.
    """
    for one in found:
        if isinstance(one, HostReport) and one.gaps:
            raise EnvcheckError(f"{one.name}: {one.gaps[0].what}: {one.gaps[0].why}", one.gaps[0].hint)
        if isinstance(one, Listed) and not one.apps and one.snapshot.gaps:
            gap = one.snapshot.gaps[0]
            raise EnvcheckError(f"no server was found, but not all was seen: {gap.what}: {gap.why}", gap.hint)
    if not any(isinstance(one, Listed) and one.apps for one in found):
        raise NothingMatchedError("no server was found", " ")


def _meant(snapshot: Snapshot, named: Sequence[str]) -> tuple[Server, ...]:
    """Give the servers that the targets mean."""
    found: dict[int, Server] = {s.processes[0].pid: s for s in (() if named else snapshot.servers)}
    for target in named:
        matched = matching.targets(snapshot, target)
        if not matched:
            raise matching.nothing(snapshot, target, "server")
        found |= {s.processes[0].pid: s for s in matched}
    return tuple(found.values())

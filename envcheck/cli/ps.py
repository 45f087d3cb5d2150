"""List the servers found: master, workers, generations, user, since when, and what can be read of them."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.cli import options
from envcheck.cli.fleet import look_at_all
from envcheck.cli.hosts import Hosts, on_hosts
from envcheck.collect import collect
from envcheck.errors import EnvcheckError, NothingMatchedError
from envcheck.judge import matching
from envcheck.judge.discretion import discreet_server
from envcheck.model import Gap, HostReport, Server, Snapshot


@on_hosts
def command(
    targets: options.Targets = None,
    *,
    hosts: Hosts,
    formats: options.Formats = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
) -> None:
    from envcheck.report import json, servers  # noqa: PLC0415

    named = targets or []
    wanted = options.formats(formats, ["text", "json"])
    pids, files = matching.pids(named), matching.files(named)

    alone = len(hosts.named) == 1
    lost: list[EnvcheckError] = []  # targets that mean nothing on one of many hosts: the others are listed

    def meant(seen: Snapshot | HostReport) -> Snapshot | HostReport:
        if isinstance(seen, HostReport):
            return seen
        try:
            return _meant(seen, named)
        except EnvcheckError as error:
            if alone:
                raise
            lost.append(type(error)(f"{seen.host}: {error}", error.hint))
            return seen._replace(servers=(), gaps=(*seen.gaps, Gap("the target", str(error))))

    found = list(look_at_all(hosts, lambda host: collect(host, None, pids, files, live=not no_live), meant))
    for name, path in wanted:
        text = json.render_servers(found) if name == "json" else servers.render(found)
        options.emit(text, path, color=color)
    if lost:
        raise max(lost, key=lambda error: isinstance(error, NothingMatchedError))
    gaps = [(one, gap) for one in found for gap in one.gaps if isinstance(one, HostReport) or not one.servers]
    if gaps:
        [(one, gap), *_] = gaps
        if isinstance(one, HostReport):
            raise EnvcheckError(f"{one.name}: {gap.what}: {gap.why}", gap.hint)
        raise EnvcheckError(f"no server was found, but not all was seen: {gap.what}: {gap.why}", gap.hint)
    if not any(isinstance(one, Snapshot) and one.servers for one in found):
        raise NothingMatchedError("no server was found", " ")


def _meant(snapshot: Snapshot, named: Sequence[str]) -> Snapshot:
    """Keep the servers that the targets mean, and of them what may be shown."""
    found: dict[int, Server] = {s.processes[0].pid: s for s in (() if named else snapshot.servers)}
    for target in named:
        matched = matching.targets(snapshot, target)
        if not matched:
            raise matching.nothing(snapshot, target, "server")
        found |= {s.processes[0].pid: s for s in matched}
    policy = options.policy(None)
    return snapshot._replace(servers=tuple(discreet_server(s, policy) for s in found.values()))

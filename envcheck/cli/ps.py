"""List the servers found: master, workers, generations, user, since when, and what can be read of them."""

from __future__ import annotations

from envcheck.cli import options
from envcheck.collect import collect
from envcheck.errors import EnvcheckError, NothingMatchedError
from envcheck.hosts.local import Local
from envcheck.judge import matching
from envcheck.judge.discretion import discreet_server
from envcheck.model import Server


def command(
    targets: options.Targets = None,
    *,
    formats: options.Formats = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
) -> None:
    from envcheck.report import json, servers  # noqa: PLC0415

    named = targets or []
    wanted = options.formats(formats, ["text", "json"])
    snapshot = collect(Local(), None, matching.pids(named), matching.files(named), live=not no_live)
    found: dict[int, Server] = {s.processes[0].pid: s for s in (() if named else snapshot.servers)}
    for target in named:
        matched = matching.targets(snapshot, target)
        if not matched:
            raise matching.nothing(snapshot, target, "server")
        found |= {s.processes[0].pid: s for s in matched}
    policy = options.policy(None)
    snapshot = snapshot._replace(servers=tuple(discreet_server(s, policy) for s in found.values()))
    for name, path in wanted:
        text = json.render_servers(snapshot) if name == "json" else servers.render(snapshot)
        options.emit(text, path, color=color)
    if not found and snapshot.gaps:
        [gap, *_] = snapshot.gaps
        raise EnvcheckError(f"no server was found, but not all was seen: {gap.what}: {gap.why}", gap.hint)
    if not found:
        raise NothingMatchedError("no server was found", " ")

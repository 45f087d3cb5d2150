"""Record what runs and what is configured, without secrets, to judge it later or elsewhere.

Hidden values are kept as fingerprints. With the same --key-file on all hosts they can be compared, and a spec
can ask for them; without, each record has a key of its own, which nobody keeps.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from envcheck import record
from envcheck.cli import options, reading, records
from envcheck.cli.hosts import Hosts
from envcheck.cli.looking import look_at_one
from envcheck.cli.on_hosts import on_hosts
from envcheck.cli.output import emit
from envcheck.collect import collect
from envcheck.hosts.local import Local
from envcheck.judge import matching
from envcheck.model import Server, Snapshot, Spec


@on_hosts
def command(
    targets: options.Targets = None,
    *,
    hosts: Hosts,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is standard output.")
    ] = "-",
    spec: options.SpecOption = None,
    key_file: options.KeyFile = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="What reports call this host.")
    ] = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
) -> None:
    policy = reading.policy(reveal, key_file)
    named = targets or []
    expected = reading.load_spec(spec)
    # Who listens where is kept as well: a record may be asked for a port.
    paths = (*matching.SOCKETS, *matching.files(named))
    host = hosts.one()
    pids = matching.pids(named)
    found = look_at_one(host, lambda host: collect(host, expected, pids, paths, live=not no_live))
    called = (name or "").strip() or (os.uname().nodename if isinstance(host, Local) else host.name)
    found = found._replace(host=called)
    servers = _servers(found, expected, named)
    kept = record.redacted(found, servers, expected, policy, kept=key_file is not None)
    text = record.dump(kept, reading.version())
    if output == "-":
        emit(text)
    else:
        records.write(text, output)


def _servers(snapshot: Snapshot, spec: Spec | None, targets: Sequence[str]) -> list[Server]:
    """Give the servers to keep; that there is none is worth a record where nothing was asked for.

    Raises:
        EnvcheckError: A target means no server.
    """
    apps = {app.name: app for app in spec.apps} if spec else {}
    found: dict[int, Server] = {s.first.pid: s for s in (() if targets else snapshot.servers)}
    for target in targets:
        app = apps.get(target)
        matched = matching.of_app(snapshot, app) if app else matching.targets(snapshot, target)
        if not matched:
            raise matching.nothing(snapshot, target, "server")
        found |= {s.first.pid: s for s in matched}
    return list(found.values())

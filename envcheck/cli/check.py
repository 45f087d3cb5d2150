"""Judge running servers: is each variable as expected, and as a fresh start would have it?

Exit status: 0 all as it should be, 1 drift, 2 wrong use or nothing matched, 3 could not tell.
"""

from __future__ import annotations

from typing import Annotated

import typer

from envcheck.cli import options, output
from envcheck.cli.hosts import Hosts
from envcheck.cli.on_hosts import on_hosts

Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="DUR", help="Look until all is in sync, at most so long (60s, 2m)."),
]


@on_hosts
def command(
    targets: options.Targets = None,
    *,
    hosts: Hosts,
    spec: options.SpecOption = None,
    formats: options.Formats = None,
    fail_on: options.FailOn = options.ERROR,
    snapshot: options.Snapshots = None,
    key_file: options.KeyFile = None,
    wait: Wait = None,
    stable_for: options.StableFor = "",
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = output.Color.AUTO,
    quiet: options.Quiet = False,
) -> None:
    # Most of what is imported is not needed to reach a host: it is, while the host is reached.
    from envcheck.cli import checking  # noqa: PLC0415

    wanted = checking.Wanted(
        targets=targets or (),
        spec=spec,
        formats=formats or (),
        fail_on=fail_on,
        snapshot=snapshot or (),
        key_file=key_file,
        wait=wait or "",
        stable_for=stable_for,
        reveal=reveal or (),
        live=not no_live,
        color=color,
        quiet=quiet,
    )
    raise typer.Exit(checking.check(hosts, wanted))

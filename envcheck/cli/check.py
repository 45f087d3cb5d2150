"""Judge running servers: is each variable as expected, and as a fresh start would have it?

Exit status: 0 all as it should be, 1 drift, 2 wrong use or nothing matched, 3 could not tell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from envcheck import report
from envcheck.cli import judging, options
from envcheck.cli.fleet import Lines, in_order, look_at_all
from envcheck.cli.hosts import Hosts, on_hosts
from envcheck.cli.looking import held
from envcheck.collect import collect
from envcheck.errors import UsageError
from envcheck.hosts.local import Local
from envcheck.judge import judge, matching, merge
from envcheck.model import HostReport, Report, Snapshot

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
    color: options.Colors = options.Color.AUTO,
    quiet: options.Quiet = False,
) -> None:
    wanted = options.formats(formats, list(report.FORMATS))
    named = targets or []
    expected = options.load_spec(spec)
    pids = matching.pids(named)
    files = matching.files(named)
    policy = options.policy(reveal, key_file)
    bounds = judging.Bounds(expected)

    def judged(seen: Snapshot | HostReport) -> Report:
        return bounds.concluded(seen, lambda one: judge(one, expected, named, policy, fail_on))

    def look(tell: Callable[[Report], None] = lambda _one: None) -> Report:
        found: list[Report] = []
        collecting = partial(collect, spec=expected, pids=pids, paths=files, live=not no_live)
        for one in look_at_all(hosts, collecting, judged):
            tell(one)
            found.append(one)
        return merge(in_order(hosts, found), fail_on)

    if snapshot and (wait or stable_for):
        raise UsageError("a record does not change: there is nothing to wait for")
    if snapshot and any(not isinstance(host, Local) for host in hosts.named):
        raise UsageError("records are judged where they are: no other host is looked at for them")
    if snapshot:
        from envcheck.cli import records  # noqa: PLC0415 - only with records

        found = records.judged(snapshot, expected, named, policy, fail_on)
    elif wait or stable_for:
        from envcheck.cli.patience import patiently  # noqa: PLC0415 - only here

        with held(hosts):
            found = patiently(look, wait or "", stable_for, fail_on)
    else:
        lines = Lines(wanted)
        found = look(lines.tell)
        wanted = lines.others
    for name, path in wanted:
        if path or not (quiet and name == "text"):
            options.emit(report.format_named(name).render(found, width=options.width()), path, color=color)
    raise typer.Exit(found.exit_code)

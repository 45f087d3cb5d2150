"""Judge running servers: is each variable as expected, and as a fresh start would have it?

Exit status: 0 all as it should be, 1 drift, 2 wrong use or nothing matched, 3 could not tell.
"""

from __future__ import annotations

from typing import Annotated

import typer

from envcheck import report
from envcheck.cli import options
from envcheck.collect import collect
from envcheck.hosts.local import Local
from envcheck.judge import judge, matching
from envcheck.model import Severity

FailOn = Annotated[Severity, typer.Option("--fail-on", help="The least severity that is drift.")]

JUDGING = 5.0  # seconds


def command(
    targets: options.Targets = None,
    *,
    spec: options.SpecOption = None,
    formats: options.Formats = None,
    fail_on: FailOn = Severity.ERROR,
    snapshot: options.Snapshots = None,
    key_file: options.KeyFile = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
    quiet: options.Quiet = False,
) -> None:
    wanted = options.formats(formats, list(report.FORMATS))
    named = targets or []
    expected = options.load_spec(spec)
    pids = matching.pids(named)
    policy = options.policy(reveal, key_file)
    if snapshot:
        from envcheck.cli import records  # noqa: PLC0415 - only with records

        found = records.judged(snapshot, expected, named, policy, fail_on)
    else:
        seen = collect(Local(), expected, pids, matching.files(named), live=not no_live)
        with options.deadline(JUDGING, "a pattern of the spec"):
            found = judge(seen, expected, named, policy, fail_on)
    for name, path in wanted:
        if path or not (quiet and name == "text"):
            options.emit(report.format_named(name).render(found, width=options.width()), path, color=color)
    raise typer.Exit(found.exit_code)

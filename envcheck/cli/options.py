"""The options that commands share, as typer is to know them."""

from __future__ import annotations

from typing import Annotated

import typer

from envcheck.cli.output import Color
from envcheck.model import Severity

TARGET_HELP = (
    "A pid, an app of the spec, unit:NAME, pidfile:PATH, cwd:PATH, port:N or server:KIND. None means all."
)

Targets = Annotated[list[str] | None, typer.Argument(metavar="[TARGET]...", help=TARGET_HELP)]
SpecOption = Annotated[
    str | None, typer.Option("-s", "--spec", metavar="FILE", help="What is expected: a YAML file.")
]
Formats = Annotated[
    list[str] | None,
    typer.Option("-f", "--format", metavar="NAME[=PATH]", help="text or json, to standard output or a file."),
]
Reveal = Annotated[
    list[str] | None,
    typer.Option("--reveal", metavar="NAME", help="Show the values of these variables (a glob)."),
]
Snapshots = Annotated[
    list[str] | None,
    typer.Option("--snapshot", metavar="FILE|DIR", help="Judge records instead of this machine."),
]
KeyFile = Annotated[
    str | None,
    typer.Option("--key-file", metavar="FILE", help="The key of the fingerprints; - is standard input."),
]
NoLive = Annotated[
    bool, typer.Option("--no-live", help="Read the environment at exec only, not live memory.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No text on standard output.")]
FailOn = Annotated[Severity, typer.Option("--fail-on", help="The least severity that is drift.")]
StableFor = Annotated[
    str, typer.Option("--stable-for", metavar="DUR", help="For how long the same processes have to be well.")
]
ERROR = Severity.ERROR

Colors = Annotated[Color, typer.Option("--color", help="Draw the verdict in colour.")]

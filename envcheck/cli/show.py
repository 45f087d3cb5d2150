"""Print an environment by layer: of a process, of a file (file:PATH), or as a fresh start would give it."""

from __future__ import annotations

from typing import Annotated

import typer

from envcheck.cli import options, sides
from envcheck.errors import EnvcheckError
from envcheck.report.environment import FILE, as_json, as_text

Dialect = Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="The grammar of a file.")]


def command(
    target: Annotated[
        str, typer.Argument(metavar="TARGET|configured:TARGET|file:PATH", help="What to show.")
    ],
    *,
    spec: options.SpecOption = None,
    dialect: Dialect = None,
    formats: options.Formats = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
) -> None:
    wanted = options.formats(formats, ["text", "json"])
    policy = options.policy(reveal)
    status = 0
    kind, _, rest = target.partition(":")
    if kind == "file":
        layers = {FILE: sides.of_file(options.absolute(rest, "file"), dialect)}
    elif kind == "configured":
        layers = {FILE: sides.of_target(rest, options.load_spec(spec), live=not no_live)}
        status = EnvcheckError.exit_status if layers[FILE].status == "partial" else 0
    else:
        process = sides.process(target, live=not no_live)
        layers = {"at_exec": sides.of_reading(process.at_exec), "live": sides.of_reading(process.live)}
        status = 0 if process.running.usable else EnvcheckError.exit_status
    for name, path in wanted:
        render = as_json if name == "json" else as_text
        options.emit(render(layers, policy), path, color=color)
    raise typer.Exit(status)

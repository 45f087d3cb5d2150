"""Print an environment by layer: of a process, of a file (file:PATH), or as a fresh start would give it."""

from __future__ import annotations

from typing import Annotated

import typer

from envcheck.cli import options, output, reading, sides
from envcheck.cli.hosts import Hosts, absolute_on
from envcheck.cli.looking import look_at_one
from envcheck.cli.on_hosts import on_hosts
from envcheck.errors import EnvcheckError
from envcheck.hosts import Host
from envcheck.report.environment import FILE, Environment, as_json, as_text

Dialect = Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="The grammar of a file.")]


@on_hosts
def command(
    target: Annotated[
        str, typer.Argument(metavar="TARGET|configured:TARGET|file:PATH", help="What to show.")
    ],
    *,
    hosts: Hosts,
    spec: options.SpecOption = None,
    dialect: Dialect = None,
    formats: options.Formats = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = output.Color.AUTO,
) -> None:
    wanted = output.formats(formats, ["text", "json"])
    policy = reading.policy(reveal)
    expected = reading.load_spec(spec)

    def look(host: Host) -> dict[str, Environment]:
        kind, _, rest = target.partition(":")
        if kind == "file":
            return {FILE: sides.of_file(host, absolute_on(host, rest, "file"), dialect)}
        if kind == "configured":
            return {FILE: sides.of_target(host, rest, expected, live=not no_live)}
        process = sides.process(host, target, expected, live=not no_live)
        return {"at_exec": sides.of_reading(process.at_exec), "live": sides.of_reading(process.live)}

    layers = look_at_one(hosts.one(), look)
    for name, path in wanted:
        render = as_json if name == "json" else as_text
        output.emit(render(layers, policy), path, color=color)
    raise typer.Exit(0 if _usable(layers) else EnvcheckError.exit_status)


def _usable(layers: dict[str, Environment]) -> bool:
    """Tell whether one layer of a process, or all of what is configured, could be read."""
    if FILE in layers:
        return layers[FILE].status != "partial"
    return any(layer.status == "ok" for layer in layers.values())

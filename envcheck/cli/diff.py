"""Compare two of: a process, what is configured for it (configured:TARGET), a file (file:PATH).

Exit status: 0 the same, 1 different, 2 wrong use, 3 could not tell.
"""

from __future__ import annotations

from typing import Annotated

import typer

from envcheck.cli import options, sides
from envcheck.errors import EnvcheckError
from envcheck.judge.verdict import DRIFT, OK
from envcheck.model import Spec
from envcheck.noise import is_noise, same
from envcheck.report import differences
from envcheck.report.environment import Environment

HELP = "TARGET, configured:TARGET or file:PATH."


def command(
    a: Annotated[str, typer.Argument(metavar="A", help=HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help=HELP)],
    *,
    spec: options.SpecOption = None,
    dialect: Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="Of files.")] = None,
    formats: options.Formats = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
) -> None:
    wanted = options.formats(formats, ["text", "json"])
    expected = options.load_spec(spec)
    left, right = (_side(side, expected, dialect, live=not no_live) for side in (a, b))
    # What only a process has, and no file would say, is no difference from a file.
    alike = _is_process(a) == _is_process(b)
    found = [
        differences.Difference(name, left.variables.get(name), right.variables.get(name))
        for name in sorted({*left.variables, *right.variables})
        if not same(name, left.variables.get(name), right.variables.get(name))
        and not same(name, right.variables.get(name), left.variables.get(name))
        and (alike or (name in left.variables and name in right.variables) or not is_noise(name))
    ]
    policy = options.policy(reveal)
    for name, path in wanted:
        render = differences.as_json if name == "json" else differences.as_text
        options.emit(render(a, b, found, policy), path, color=color)
    raise typer.Exit(DRIFT if found else OK)


def _is_process(side: str) -> bool:
    return not side.startswith(("file:", "configured:"))


def _side(side: str, spec: Spec | None, dialect: str | None, *, live: bool) -> Environment:
    """Read a side.

    Raises:
        EnvcheckError: It could not be read whole: a difference would mean nothing.
    """
    kind, _, rest = side.partition(":")
    if kind == "file":
        return sides.of_file(options.absolute(rest, "file"), dialect)
    if kind == "configured":
        environment = sides.of_target(rest, spec, live=live)
    else:
        environment = sides.of_reading(sides.process(side, live=live).running)
    if environment.status != "ok":
        why = environment.problems[0].message if environment.problems else environment.status
        raise EnvcheckError(f"{side} could not be read whole: {environment.status}", why)
    return environment

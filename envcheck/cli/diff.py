"""Compare two of: a process, what is configured for it (configured:TARGET), a file (file:PATH), a record.

Hidden values of a record (snapshot:PATH, or snapshot:PATH#TARGET) are compared by their fingerprints, for
which the other side has to have the same key.

Exit status: 0 the same, 1 different, 2 wrong use, 3 could not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated

import typer

from envcheck.cli import options, output, reading, records, say, sides
from envcheck.cli.hosts import Hosts, absolute_on
from envcheck.cli.looking import look_at_one
from envcheck.cli.on_hosts import on_hosts
from envcheck.errors import EnvcheckError, HostError, UsageError
from envcheck.escaping import escape
from envcheck.hosts import Host
from envcheck.hosts.local import Local
from envcheck.judge import hidden, matching
from envcheck.judge.verdict import DRIFT, OK
from envcheck.model import Spec
from envcheck.noise import is_noise
from envcheck.report import differences
from envcheck.report.environment import Environment

KINDS = ("file", "configured", "snapshot", *matching.PREFIXES)
QUALIFIED = re.compile(r"((?:[^@:\[\]/]+@)?(?:\[[^\]]+\]|[^@:\[\]/]+)(?::\d+(?=:))?):(.+)", re.DOTALL)

INSIDE = re.compile(r"(\w+://[^:]*):?(.*)", re.DOTALL)

HELP = "TARGET, configured:TARGET, file:PATH or snapshot:PATH; on another host HOST:TARGET, ENGINE://NAME:TARGET."


@on_hosts
def command(
    a: Annotated[str, typer.Argument(metavar="A", help=HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help=HELP)],
    *,
    hosts: Hosts,
    spec: options.SpecOption = None,
    dialect: Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="Of files.")] = None,
    formats: options.Formats = None,
    key_file: options.KeyFile = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = output.Color.AUTO,
) -> None:
    wanted = output.formats(formats, ["text", "json"])
    expected = reading.load_spec(spec)
    sides_of = [on_host(side, hosts) for side in (a, b)]
    if all(isinstance(host, Local) for host, _ in sides_of):
        hosts.one()  # where sudo is for nobody, it says so
    left, right = (
        _looked_at(host, partial(_side, side=side, spec=expected, dialect=dialect, live=not no_live))
        for host, side in sides_of
    )
    # What only a process has, and no file would say, is no difference from a file.
    policy = reading.policy(reveal, key_file)
    akin = _is_process(sides_of[0][1]) == _is_process(sides_of[1][1])
    found: list[differences.Difference] = []
    unknown: list[str] = []
    dynamic = left.dynamic | right.dynamic
    for name in sorted({*left.variables, *right.variables} - dynamic):
        one, other = left.variables.get(name), right.variables.get(name)
        alike = hidden.alike(name, one, other, (left.key_id, right.key_id), policy)
        if alike is None:
            unknown.append(name)
        elif not alike and (akin or (one is not None and other is not None) or not is_noise(name)):
            found.append(differences.Difference(name, one, other))
    untold = [_untold(unknown)] if unknown else []
    untold += [_dynamic(dynamic)] if dynamic else []
    if untold and not found:
        raise untold[0]
    for name, path in wanted:
        render = differences.as_json if name == "json" else differences.as_text
        output.emit(render(a, b, found, policy), path, color=color)
    for error in untold:
        say(error)
    raise typer.Exit(DRIFT if found else OK)


def _untold(names: list[str]) -> EnvcheckError:
    what = f"{len(names)} hidden {'value' if len(names) == 1 else 'values'} could not be compared"
    return EnvcheckError(
        f"{what}: the fingerprints have another key",
        "take all snapshots with one --key-file, and name it here",
    )


def _dynamic(names: Iterable[str]) -> EnvcheckError:
    return EnvcheckError(
        f"not compared, for only running a source could tell: {', '.join(map(escape, sorted(names)))}",
        "what else differs is told all the same; what a process has: envcheck show",
    )


def on_host(side: str, hosts: Hosts) -> tuple[Host, str]:
    """Take a side that is qualified by a host apart: web-1:app, deploy@web-1:2222:5971, podman://web:file:/etc/x.

    Raises:
        UsageError: No host can be called so, or nothing on it is named.
    """
    kind = side.partition(":")[0]
    if kind not in KINDS and (inside := INSIDE.fullmatch(side)):
        if not inside[2]:
            raise UsageError(
                f"{side} says where, but not what", f"a target comes after it: {inside[1]}:TARGET"
            )
        return hosts.called(inside[1]), inside[2]
    match = None if kind in KINDS else QUALIFIED.fullmatch(side)
    return (hosts.called(match[1]), match[2]) if match else (hosts.one(beside=True), side)


def _looked_at(host: Host, look: Callable[[Host], Environment]) -> Environment:
    """Look at the host of a side.

    Raises:
        EnvcheckError: The side could not be read; the message says of which host.
    """
    try:
        return look_at_one(host, look)
    except HostError:
        raise  # it says so already
    except EnvcheckError as error:
        if not isinstance(host, Local):
            error.args = (f"{host.name}: {error}",)
        raise


def _is_process(side: str) -> bool:
    return not side.startswith(("file:", "configured:"))


def _side(host: Host, side: str, spec: Spec | None, dialect: str | None, *, live: bool) -> Environment:
    """Read a side.

    Raises:
        EnvcheckError: It could not be read whole: a difference would mean nothing.
    """
    kind, _, rest = side.partition(":")
    if kind == "file":
        return sides.of_file(host, absolute_on(host, rest, "file"), dialect)
    if kind == "snapshot":
        return _whole(side, records.running(rest))
    if kind == "configured":
        environment = sides.of_target(host, rest, spec, live=live)
    else:
        environment = sides.of_reading(sides.process(host, side, spec, live=live).running)
    return _whole(side, environment)


def _whole(side: str, environment: Environment) -> Environment:
    if environment.status != "ok":
        why = environment.problems[0].message if environment.problems else environment.status
        raise EnvcheckError(f"{side} could not be read whole: {environment.status}", why)
    return environment

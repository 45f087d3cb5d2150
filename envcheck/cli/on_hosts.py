"""The options that say which hosts are looked at, and how they are reached, as typer is to know them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from envcheck.cli.hosts import chosen_hosts
from envcheck.cli.making import TRANSPORTS

# What typer is to know of the parameters of `chosen_hosts`.
OPTIONS: dict[str, Any] = {
    "host": Annotated[
        list[str] | None,
        typer.Option(
            "-H", "--host", metavar="HOST", help="Look at [user@]host[:port], over SSH, or ENGINE://NAME."
        ),
    ],
    "hosts_file": Annotated[
        str | None,
        typer.Option("--hosts-file", metavar="FILE", help="Hosts: a plain list, Ansible's INI or YAML."),
    ],
    "limit": Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="HOSTS", help="Of the file: names, globs, groups; !not, &and."),
    ],
    "max_parallel": Annotated[int, typer.Option("--max-parallel", metavar="N", help="Hosts at once.")],
    "sudo": Annotated[bool, typer.Option("--sudo", help="Become root on the hosts: sudo -n.")],
    "transport": Annotated[
        str, typer.Option("--transport", metavar="|".join(TRANSPORTS), help="What speaks SSH.")
    ],
    "connect_timeout": Annotated[
        str, typer.Option("--connect-timeout", metavar="DUR", help="To reach a host.")
    ],
    "timeout": Annotated[str, typer.Option("--timeout", metavar="DUR", help="For all of one host.")],
    "verbose": Annotated[bool, typer.Option("-v", help="Say how hosts are reached, and how each is.")],
}


def on_hosts(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that has a parameter `hosts` the options that make it up.

    One that the command has itself means something else there.
    """
    own = inspect.signature(command, eval_str=True).parameters
    chosen = inspect.signature(chosen_hosts).parameters
    added = [
        chosen[name].replace(annotation=annotation) for name, annotation in OPTIONS.items() if name not in own
    ]

    def called(**given: Any) -> None:  # noqa: ANN401 - whatever the command takes
        hosts = chosen_hosts(**{p.name: given.pop(p.name) for p in added})
        try:
            command(**given, hosts=hosts)
        finally:
            hosts.let_go()

    called.__doc__ = command.__doc__
    called.__signature__ = inspect.Signature([*(p for n, p in own.items() if n != "hosts"), *added])  # type: ignore[attr-defined]
    called.__annotations__ = {}
    return called

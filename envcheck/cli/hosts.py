"""The options that say which hosts are looked at, and how they are reached."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envcheck.cli import ahead, options
from envcheck.cli.ahead import Reach
from envcheck.cli.making import TRANSPORTS, Maker, times
from envcheck.errors import UsageError
from envcheck.hosts import Host
from envcheck.hosts.local import Local

if TYPE_CHECKING:
    from envcheck.hosts.destination import Destination
    from envcheck.hosts.remote import Remote

PARALLEL = 32  # hosts at once

# Parameter of a command: what typer is to know of it, and its default.
OPTIONS: dict[str, tuple[Any, Any]] = {
    "host": (
        Annotated[
            list[str] | None,
            typer.Option(
                "-H", "--host", metavar="HOST", help="Look at [user@]host[:port], over SSH, or ENGINE://NAME."
            ),
        ],
        None,
    ),
    "hosts_file": (
        Annotated[
            str | None,
            typer.Option("--hosts-file", metavar="FILE", help="Hosts: a plain list, Ansible's INI or YAML."),
        ],
        None,
    ),
    "limit": (
        Annotated[
            list[str] | None,
            typer.Option("--limit", metavar="HOSTS", help="Of the file: names, globs, groups; !not, &and."),
        ],
        None,
    ),
    "max_parallel": (
        Annotated[int, typer.Option("--max-parallel", metavar="N", help="Hosts at once.")],
        PARALLEL,
    ),
    "sudo": (Annotated[bool, typer.Option("--sudo", help="Become root on the hosts: sudo -n.")], False),
    "transport": (
        Annotated[str, typer.Option("--transport", metavar="|".join(TRANSPORTS), help="What speaks SSH.")],
        "auto",
    ),
    "connect_timeout": (
        Annotated[str, typer.Option("--connect-timeout", metavar="DUR", help="To reach a host.")],
        "5s",
    ),
    "timeout": (Annotated[str, typer.Option("--timeout", metavar="DUR", help="For all of one host.")], "30s"),
    "verbose": (
        Annotated[bool, typer.Option("-v", help="Say how hosts are reached, and how each is.")],
        False,
    ),
}


def on_hosts(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that has a parameter `hosts` the options that make it up.

    One that the command has itself means something else there.
    """
    own = inspect.signature(command, eval_str=True).parameters
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in OPTIONS.items()
        if name not in own
    ]

    def called(**given: Any) -> None:  # noqa: ANN401 - whatever the command takes
        defaults = {name: default for name, (_, default) in OPTIONS.items()}
        chosen = chosen_hosts(**defaults | {p.name: given.pop(p.name) for p in added})
        try:
            command(**given, hosts=chosen)
        finally:
            chosen.let_go()

    called.__doc__ = command.__doc__
    called.__signature__ = inspect.Signature([*(p for n, p in own.items() if n != "hosts"), *added])  # type: ignore[attr-defined]
    called.__annotations__ = {}
    return called


ON_THIS = "on this machine: sudo envcheck ..."


class Hosts:
    """The hosts of one run. `make` gives a further one that is reached in the same way.

    *timeout*: seconds for one host. *listed*: the names that are those of the hosts file *file*.
    """

    def __init__(
        self,
        named: Sequence[Host],
        make: Callable[[str], Host],
        *,
        parallel: int = PARALLEL,
        timeout: float = 0.0,
        sudo: bool = False,
        verbose: bool = False,
        file: str = "",
        listed: Collection[str] = (),
    ) -> None:
        self._named = named
        self._sudo = sudo
        self.file = file
        self.listed = listed
        self.again = False  # whether they are looked at again and again: connections are held
        self.make = make
        self.parallel = parallel
        self.timeout = timeout
        self.verbose = verbose
        self.begun: Remote | None = None  # is on its way to being reached

    @property
    def named(self) -> Sequence[Host]:
        """Give the hosts of -H and the hosts file; without any, this machine.

        Raises:
            UsageError: This machine is meant, and sudo is to be used there.
        """
        if self._sudo and any(isinstance(host, Local) for host in self._named):
            raise UsageError("--sudo is for hosts that are named with -H", ON_THIS)
        return self._named

    def let_go(self) -> None:
        """Leave the host that was begun: the command may have ended before it was asked."""
        if self.begun is not None:
            self.begun.close()

    def called(self, name: str) -> Host:
        """Give the host of a name: as the hosts file has it, or a further one."""
        return next((host for host in self._named if host.name == name), None) or self.make(name)

    def one(self, *, beside: bool = False) -> Host:
        """Give the only host; *beside*: sudo may be meant for another one, which is named elsewhere.

        Raises:
            UsageError: There are several.
        """
        named = self._named if beside else self.named
        if len(named) > 1:
            raise UsageError("this command looks at one host at a time", "give -H once")
        return named[0]


def chosen_hosts(
    *,
    host: Sequence[str] | None,
    hosts_file: str | None,
    limit: Sequence[str] | None,
    max_parallel: int,
    sudo: bool,
    transport: str,
    connect_timeout: str,
    timeout: str,
    verbose: bool,
) -> Hosts:
    """Without -H it is this machine.

    Raises:
        UsageError: An option is not what it should be.
    """
    connect, total = times(connect_timeout, timeout)
    if transport not in TRANSPORTS:
        raise UsageError(f"no such transport: {transport} (there are: {', '.join(TRANSPORTS)})")
    if max_parallel < 1:
        raise UsageError(f"--max-parallel is at least 1, not {max_parallel}")
    maker = Maker(transport, (connect, total), sudo=sudo, verbose=verbose)
    named = {name: maker.make(name) for name in host or ()}
    listed = _listed(hosts_file, limit or ()) if hosts_file or limit else []
    named |= {place.name: maker.over_ssh(place) for place in listed}
    begun = None
    if len(named) == 1 and host and not hosts_file:
        # Whatever it has begun with, it goes on with.
        begun = ahead.take(Reach(host[0], transport, connect_timeout, timeout, sudo, verbose))
        named = {host[0]: begun} if begun is not None else named
    remotes = list(named.values())
    hosts = Hosts(
        remotes or [Local()],
        maker.make,
        parallel=max_parallel,
        timeout=total,
        sudo=sudo,
        verbose=verbose,
        file=hosts_file or "",
        listed={place.name for place in listed},
    )
    hosts.begun = begun
    return hosts


def _listed(path: str | None, limits: Sequence[str]) -> list[Destination]:
    """Read a hosts file.

    Raises:
        UsageError: It cannot be read, is not written as it should be, or no host of it is meant.
    """
    if not path:
        raise UsageError("--limit leaves hosts of a file out: there is no --hosts-file")
    from envcheck.hosts.destination import Destination  # noqa: PLC0415
    from envcheck.inventory import load, select  # noqa: PLC0415

    content = options.content(path, "hosts file")
    return [Destination(h.name, h.address, h.user, h.port) for h in select(load(content, path), limits)]


def absolute_on(host: Host, path: str, what: str) -> str:
    """Make a path absolute; on another host there is nothing that it could be relative to.

    Raises:
        UsageError: It is empty, or cannot be made absolute.
    """
    if not isinstance(host, Local) and path and not path.startswith("/"):
        raise UsageError(f"the path of a {what} on another host must be absolute: {path}")
    return options.absolute(path, what)

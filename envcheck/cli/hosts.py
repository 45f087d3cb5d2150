"""Which hosts are looked at, and how they are reached."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from envcheck.cli import ahead, reading
from envcheck.cli.ahead import USUAL, Reach
from envcheck.cli.making import TRANSPORTS, Maker, times
from envcheck.errors import UsageError
from envcheck.hosts import Host
from envcheck.hosts.local import Local

if TYPE_CHECKING:
    from envcheck.hosts.destination import Destination
    from envcheck.hosts.remote import Remote

PARALLEL = 32  # hosts at once

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
    host: Sequence[str] | None = None,
    hosts_file: str | None = None,
    limit: Sequence[str] | None = None,
    max_parallel: int = PARALLEL,
    sudo: bool = USUAL.sudo,
    transport: str = USUAL.transport,
    connect_timeout: str = USUAL.connect_timeout,
    timeout: str = USUAL.timeout,
    verbose: bool = USUAL.verbose,
) -> Hosts:
    """Choose them as the options of that name say. Without -H it is this machine.

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

    content = reading.content(path, "hosts file")
    return [Destination(h.name, h.address, h.user, h.port) for h in select(load(content, path), limits)]


def absolute_on(host: Host, path: str, what: str) -> str:
    """Make a path absolute; on another host there is nothing that it could be relative to.

    Raises:
        UsageError: It is empty, or cannot be made absolute.
    """
    if not isinstance(host, Local) and path and not path.startswith("/"):
        raise UsageError(f"the path of a {what} on another host must be absolute: {path}")
    return reading.absolute(path, what)

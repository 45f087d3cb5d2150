"""The options that say which hosts are looked at and how they are reached, and how one is looked at."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from envcheck.cli import options
from envcheck.errors import HostError, UsageError
from envcheck.escaping import escape
from envcheck.hosts import Host
from envcheck.hosts.local import Local
from envcheck.model import Gap, HostReport
from envcheck.moments import duration

if TYPE_CHECKING:
    from envcheck.hosts.destination import Destination
    from envcheck.hosts.sharing import Sharing

T = TypeVar("T")

PARALLEL = 32  # hosts at once
LONGEST = 86400.0  # seconds that a host is waited for
TRANSPORTS = ("auto", "fabric", "ssh")
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)

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
        command(**given, hosts=chosen)

    called.__doc__ = command.__doc__
    called.__signature__ = inspect.Signature([*(p for n, p in own.items() if n != "hosts"), *added])  # type: ignore[attr-defined]
    called.__annotations__ = {}
    return called


class Hosts:
    """The hosts of one run. `make` gives a further one that is reached in the same way.

    *timeout*: seconds for one host.
    """

    def __init__(
        self,
        named: Sequence[Host],
        make: Callable[[str], Host],
        *,
        parallel: int = PARALLEL,
        timeout: float = 0.0,
        verbose: bool = False,
    ) -> None:
        self.named = named
        self.again = False  # whether they are looked at again and again: connections are held
        self.make = make
        self.parallel = parallel
        self.timeout = timeout
        self.verbose = verbose

    def one(self) -> Host:
        """Give the only host.

        Raises:
            UsageError: There are several.
        """
        if len(self.named) > 1:
            raise UsageError("this command looks at one host at a time", "give -H once")
        return self.named[0]


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
    connect, total = _times(connect_timeout, timeout)
    if transport not in TRANSPORTS:
        raise UsageError(f"no such transport: {transport} (there are: {', '.join(TRANSPORTS)})")
    if not host and not hosts_file and sudo:
        raise UsageError("--sudo is for hosts that are named with -H", "on this machine: sudo envcheck ...")
    if max_parallel < 1:
        raise UsageError(f"--max-parallel is at least 1, not {max_parallel}")

    @cache
    def sharing() -> Sharing:
        from envcheck.hosts.sharing import Sharing  # noqa: PLC0415

        return Sharing()

    say = _tell if verbose else _keep_quiet

    def inside(name: str) -> Host:
        from envcheck.hosts.engines import Inside  # noqa: PLC0415
        from envcheck.hosts.remote import Remote, Timing  # noqa: PLC0415

        return Remote(Inside(name, root=sudo), Timing(connect, total), say)

    def remote(destination: Destination) -> Host:
        from envcheck.hosts.ssh import Options, Transport  # noqa: PLC0415
        from envcheck.hosts.ssh import remote as ssh  # noqa: PLC0415

        chosen = Options(
            sudo,
            Transport(transport),
            connect,
            total,
            say,
            resolve=sharing().resolve,
        )
        return ssh(destination, chosen)

    def make(name: str) -> Host:
        from envcheck.hosts.destination import parse  # noqa: PLC0415 - only for other hosts

        if "://" in name:
            return inside(name)
        return remote(parse(name))

    named = {name: make(name) for name in host or ()}
    if hosts_file or limit:
        named |= {place.name: remote(place) for place in _listed(hosts_file, limit or ())}
    return Hosts(
        list(named.values()) or [Local()], make, parallel=max_parallel, timeout=total, verbose=verbose
    )


def _times(*texts: str) -> list[float]:
    """Read how long a host may take.

    Raises:
        UsageError: That is no time in which anything could be done.
    """
    found = [min(duration(text), LONGEST) for text in texts]
    if not all(seconds > 0 for seconds in found):
        raise UsageError("a host needs some time to answer: --timeout and --connect-timeout are above 0")
    return found


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


def look_at(host: Host, look: Callable[[Host], T], *, again: bool = False) -> T:
    """Look at a host, and let go of it; *again*: hold the connection for another look.

    Raises:
        HostError: It cannot be asked, or what it answers makes no sense.
    """
    held = False
    try:
        seen = asked(host, look)
        held = again
    finally:
        if held:
            host.rest()
        else:
            host.close()
    return seen


def asked(host: Host, look: Callable[[Host], T]) -> T:
    """Look at a host.

    Raises:
        HostError: It cannot be asked, or what it answers makes no sense.
    """
    try:
        return look(host)
    except MALFORMED as error:
        if isinstance(host, Local):
            raise  # a bug: here nobody else could have sent it
        where = "reading its answer"
        raise HostError("damaged", where, f"its answer makes no sense ({type(error).__name__})") from None


@contextmanager
def held(hosts: Hosts) -> Generator[None]:
    """Hold the connections from one look to the next."""
    hosts.again = True
    try:
        yield
    finally:
        hosts.again = False
        for host in hosts.named:
            host.close()


def look_at_one(host: Host, look: Callable[[Host], T]) -> T:
    """Look at the only host of a command.

    Raises:
        HostError: It cannot be asked; the message says of which host, and at what.
    """
    try:
        return look_at(host, look)
    except HostError as error:
        told = f"{host.name}: {error.phase}: {error}"
        raise HostError(error.status, error.phase, told, error.hint) from None


def absolute_on(host: Host, path: str, what: str) -> str:
    """Make a path absolute; on another host there is nothing that it could be relative to.

    Raises:
        UsageError: It is empty, or cannot be made absolute.
    """
    if not isinstance(host, Local) and path and not path.startswith("/"):
        raise UsageError(f"the path of a {what} on another host must be absolute: {path}")
    return options.absolute(path, what)


def failed(host: Host, error: HostError) -> HostReport:
    return HostReport(host.name, error.status, (Gap(error.phase, str(error), error.hint),), ())


def _tell(text: str) -> None:
    print(f"envcheck: {escape(text)}", file=sys.stderr)


def _keep_quiet(_text: str) -> None:
    pass

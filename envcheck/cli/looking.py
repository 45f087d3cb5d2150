"""How a host is looked at, one look or several, and what becomes of an answer that makes no sense."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from envcheck.cli.hosts import Hosts
from envcheck.errors import HostError
from envcheck.hosts import Host
from envcheck.hosts.local import Local
from envcheck.model import Gap, HostReport

T = TypeVar("T")

MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


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


@contextmanager
def looked_at(host: Host, look: Callable[[Host], T], *, again: bool = False) -> Generator[T]:
    """Look at a host, and let go of it while something is done with what was seen. See `look_at`."""
    if again or isinstance(host, Local):
        yield look_at(host, look, again=again)
        return
    try:
        seen = asked(host, look)
    except BaseException:
        host.close()
        raise
    from threading import Thread  # noqa: PLC0415 - a look at this machine needs none

    leaving = Thread(target=host.close)
    leaving.start()
    try:
        yield seen
    finally:
        leaving.join()


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


def failed(host: Host, error: HostError) -> HostReport:
    return HostReport(host.name, error.status, (Gap(error.phase, str(error), error.hint),), ())

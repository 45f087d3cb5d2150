"""The loop over hosts: many at once, each concluded as it comes, with the progress on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar, cast

from envcheck import report
from envcheck.cli import output
from envcheck.cli.hosts import Hosts
from envcheck.cli.looking import failed, look_at, looked_at
from envcheck.errors import HostError
from envcheck.hosts import Host
from envcheck.model import HostReport, Report

S = TypeVar("S")
R = TypeVar("R")


def look_at_all(
    hosts: Hosts, look: Callable[[Host], S], conclude: Callable[[S | HostReport], R]
) -> Iterator[R]:
    """Give what is concluded of each host, as it comes; one that cannot be looked at is reported as such.

    *look* runs in threads, *conclude* does not.
    """
    if len(hosts.named) == 1:
        # It has its own deadline; this machine needs none, and no threads.
        [host] = hosts.named
        try:
            with looked_at(host, look, again=hosts.again) as seen:
                found = conclude(seen)
        except HostError as error:
            found = conclude(failed(host, error))
        yield found
    else:
        yield from _many(hosts, look, conclude)


def _many(hosts: Hosts, look: Callable[[Host], S], conclude: Callable[[S | HostReport], R]) -> Iterator[R]:
    from envcheck.cli.progress import Progress  # noqa: PLC0415 - only for many
    from envcheck.hosts.fleet import Fleet  # noqa: PLC0415

    fleet: Fleet[S] = Fleet(
        hosts.named,
        lambda host: look_at(host, look, again=hosts.again),
        parallel=hosts.parallel,
        timeout=hosts.timeout,
    )
    progress = Progress(len(hosts.named), verbose=hosts.verbose)
    try:
        for result in fleet.results():
            if result is not None:
                found = conclude(_seen(result.host, result.value))
                progress.told(result.host.name, found)
                yield found
            progress.draw(fleet.slow)
    finally:
        progress.clear()


def _seen(host: Host, value: S | BaseException) -> S | HostReport:
    if isinstance(value, HostError):
        return failed(host, value)
    if isinstance(value, BaseException):
        raise value
    return value


def in_order(hosts: Hosts, reports: Sequence[Report]) -> list[Report]:
    """Put reports, of one host each, into the order in which the hosts were named; say who knows them so."""
    places = {host.name: place for place, host in enumerate(hosts.named)}
    told = (_of_file(hosts, one) for one in reports)
    return sorted(told, key=lambda one: places[one.hosts[0].name])


def _of_file(hosts: Hosts, one: Report) -> Report:
    [host] = one.hosts
    return one._replace(hosts=(host._replace(file=hosts.file),)) if host.name in hosts.listed else one


class Lines:
    """The formats that are written line by line, as hosts come; `others` are to be written at the end."""

    def __init__(self, wanted: Iterable[tuple[str, str]]) -> None:
        pairs = list(wanted)
        self.others = [(name, path) for name, path in pairs if name not in report.STREAMED]
        self.paths = [
            (cast("report.Streamed", report.format_named(name)), path)
            for name, path in pairs
            if name in report.STREAMED
        ]
        self.begun = False

    def tell(self, one: Report) -> None:
        for format_, path in self.paths:
            for host in one.hosts:
                output.emit(format_.line(host), path, more=self.begun)
        self.begun = True

"""What `check` does once it is known what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from envcheck import report
from envcheck.cli import judging, output, reading
from envcheck.cli.fleet import Lines, in_order, look_at_all
from envcheck.cli.hosts import Hosts
from envcheck.cli.looking import held
from envcheck.collect import collect
from envcheck.errors import UsageError
from envcheck.hosts.local import Local
from envcheck.judge import judge, matching, merge
from envcheck.model import HostReport, Report, Severity, Snapshot


class Wanted(NamedTuple):
    """The options of the command."""

    targets: Sequence[str] = ()
    spec: str | None = None
    formats: Sequence[str] = ()
    fail_on: Severity = Severity.ERROR
    snapshot: Sequence[str] = ()
    key_file: str | None = None
    wait: str = ""
    stable_for: str = ""
    reveal: Sequence[str] = ()
    live: bool = True
    color: output.Color = output.Color.AUTO
    quiet: bool = False


def check(hosts: Hosts, wanted: Wanted) -> int:
    """Look, judge and report; give the exit status.

    Raises:
        UsageError: What is wanted does not go together.
    """
    formats = output.formats(wanted.formats, list(report.FORMATS))
    written = {name: report.format_named(name) for name, _ in formats}  # imported while a host is reached
    named, fail_on = wanted.targets, wanted.fail_on
    expected = reading.load_spec(wanted.spec)
    pids = matching.pids(named)
    files = matching.files(named)
    policy = reading.policy(wanted.reveal, wanted.key_file)
    bounds = judging.Bounds(expected)

    def judged(seen: Snapshot | HostReport) -> Report:
        return bounds.concluded(seen, lambda one: judge(one, expected, named, policy, fail_on))

    def look(tell: Callable[[Report], None] = lambda _one: None) -> Report:
        found: list[Report] = []
        collecting = partial(collect, spec=expected, pids=pids, paths=files, live=wanted.live)
        for one in look_at_all(hosts, collecting, judged):
            tell(one)
            found.append(one)
        return merge(in_order(hosts, found), fail_on)

    patient = bool(wanted.wait or wanted.stable_for)
    if wanted.snapshot and patient:
        raise UsageError("a record does not change: there is nothing to wait for")
    if wanted.snapshot and any(not isinstance(host, Local) for host in hosts.named):
        raise UsageError("records are judged where they are: no other host is looked at for them")
    if wanted.snapshot:
        from envcheck.cli import records  # noqa: PLC0415 - only with records

        found = records.judged(wanted.snapshot, expected, named, policy, fail_on)
    elif patient:
        from envcheck.cli.patience import patiently  # noqa: PLC0415 - only here

        with held(hosts):
            found = patiently(look, wanted.wait, wanted.stable_for, fail_on)
    else:
        lines = Lines(formats)
        found = look(lines.tell)
        formats = lines.others
    for name, path in formats:
        if path or not (wanted.quiet and name == "text"):
            text = written[name].render(found, width=output.width())
            output.emit(text, path, color=wanted.color)
    return found.exit_code

"""Print what is to be restarted, and how; with --apply, do it, and look whether it has helped.

Exit status: 0 done or nothing to do, 4 done but not verified, 5 refused; without --apply as `check` does.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import typer

from envcheck import report, restarting, rolling
from envcheck.aftermath import Eyes, Wishes
from envcheck.cli import judging, options, output, reading
from envcheck.cli.fleet import in_order, look_at_all
from envcheck.cli.hosts import Hosts
from envcheck.cli.looking import asked
from envcheck.cli.on_hosts import on_hosts
from envcheck.collect import collect
from envcheck.durations import duration
from envcheck.errors import EnvcheckError, UsageError
from envcheck.escaping import escape
from envcheck.hosts import Host, http
from envcheck.hosts.local import Local
from envcheck.judge import judge, judge_again, matching, merge, permission, verdict
from envcheck.model import AppReport, HostReport, Report, Server, Snapshot
from envcheck.report import restart as plan

Apply = Annotated[bool, typer.Option("--apply", help="Carry out the plan, after a confirmation.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask for no confirmation.")]
Urls = Annotated[
    list[str] | None, typer.Option("--url", metavar="URL", help="Must answer afterwards (repeatable).")
]
Parallel = Annotated[
    int, typer.Option("--max-parallel", metavar="N", help="Hosts at once, once the first has come out well.")
]
Canary = Annotated[
    str | None, typer.Option("--canary", metavar="HOST", help="The host to begin with, if not the first.")
]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="DUR", help="For all steps of one app, and until all is well.")
]

UNCONFIRMED = "it was not confirmed"
NO_TERMINAL = "nobody can be asked for a confirmation: there is no terminal (--yes needs none)"


@on_hosts
def command(
    targets: options.Targets = None,
    *,
    hosts: Hosts,
    apply: Apply = False,
    yes: Yes = False,
    url: Urls = None,
    timeout: Timeout = "120s",
    max_parallel: Parallel = 1,
    canary: Canary = None,
    stable_for: options.StableFor = "2s",
    spec: options.SpecOption = None,
    formats: options.Formats = None,
    fail_on: options.FailOn = options.ERROR,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = output.Color.AUTO,
    quiet: options.Quiet = False,
) -> None:
    wanted = output.formats(formats, ["text", "json"])
    named = targets or []
    wishes = Wishes(duration(timeout), duration(stable_for), tuple(map(http.checked, url or ())), fail_on)
    expected = reading.load_spec(spec)
    policy = reading.policy(reveal)
    bounds = judging.Bounds(expected)
    _usable(hosts, max_parallel, canary)
    snapshots: dict[str, Snapshot] = {}
    look = partial(
        collect,
        spec=expected,
        pids=matching.pids(named),
        paths=matching.files(named),
        live=not no_live,
    )

    def judged(seen: Snapshot | HostReport) -> Report:
        if isinstance(seen, HostReport):
            return Report((seen,), EnvcheckError.exit_status)
        snapshots[seen.host] = seen
        return bounds.judged(seen.host, lambda: judge(seen, expected, named, policy, fail_on))

    def judge_one(snapshot: Snapshot, server: Server, name: str) -> AppReport:
        return judge_again(snapshot, expected, server, name, policy)

    carry_out = partial(_turn, hosts, look, judge_one, wishes)
    plans = in_order(hosts, list(look_at_all(hosts, look, judged)))
    found = merge(plans, fail_on)
    if apply and found.exit_code == verdict.NOTHING_MATCHED:
        found = restarting.held_back(found)
    elif apply:
        decided = {one.hosts[0].name: _decided(one, snapshots, wishes) for one in plans}
        ordered = [decided[name] for name in rolling.order(list(decided), canary)]
        found = _applied(ordered, carry_out, yes=yes, parallel=max_parallel)
    for name, path in wanted:
        if path or not (quiet and name == "text"):
            output.emit(_rendered(found, name), path, color=color)
    raise typer.Exit(found.exit_code)


def _turn(
    hosts: Hosts,
    look: Callable[[Host], Snapshot],
    judge_one: Callable[[Snapshot, Server, str], AppReport],
    wishes: Wishes,
    one: Report,
) -> rolling.Turn:
    """Make ready what is to be done on one host."""
    host = next(host for host in hosts.named if host.name == one.hosts[0].name).acting()
    eyes = Eyes(partial(asked, host, look), judge_one)

    def run() -> Report:
        try:
            return restarting.carry_out(one, host, eyes, wishes, _teller(host))
        finally:
            host.close()

    return rolling.Turn(one, run, host.leave)


def _usable(hosts: Hosts, parallel: int, canary: str | None) -> None:
    if parallel < 1:
        raise UsageError(f"--max-parallel is at least 1, not {parallel}")
    if canary is not None and canary not in {host.name for host in hosts.named}:
        raise UsageError(f"the canary is none of the hosts: {canary}", "name it as -H or the hosts file does")


def _rendered(found: Report, name: str) -> str:
    if name == "text":
        return plan.render(found, width=output.width())
    return report.format_named(name).render(found)


def _decided(found: Report, snapshots: Mapping[str, Snapshot], wishes: Wishes) -> Report:
    """Say what is not to be tried; where nothing that is meant can be seen, that is all."""
    [host] = found.hosts
    if found.exit_code == verdict.COULD_NOT_TELL and not host.apps:
        return found._replace(exit_code=verdict.REFUSED)
    return restarting.decide(found, snapshots[host.name], wishes.fail_on)


def _applied(
    decided: list[Report], carry_out: Callable[[Report], rolling.Turn], *, yes: bool, parallel: int
) -> Report:
    """Carry out what is decided, if it is confirmed."""
    todo = [one for one in decided if any(app.outcome is None for app in one.hosts[0].apps)]
    if todo and not yes and (why := _unconfirmed(decided, len(todo))):
        decided = [_declined(one, why) for one in decided]
    with _unhurried_by_hangups():
        return rolling.roll([carry_out(one) for one in decided], parallel)


@contextmanager
def _unhurried_by_hangups() -> Generator[None]:
    """Go on where the terminal is closed: after a stop nobody else would be there to start the server.

    Steps have sessions of their own. What they run must not inherit that the signal is ignored: it is caught.
    """
    before = signal.getsignal(signal.SIGHUP)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _unconfirmed(decided: list[Report], todo: int) -> str:
    """Show the plan and ask, once for all hosts; "" for a yes."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return NO_TERMINAL
    found = Report(tuple(one.hosts[0] for one in decided), verdict.OK)
    where = f" on {todo} of {len(decided)} hosts" if len(decided) > 1 else ""
    print(plan.render(found, width=output.width(), last=False), end="", file=sys.stderr)
    print(f"\nCarry this out{where}? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except (KeyboardInterrupt, SystemExit):
        print("\nNothing was done.", file=sys.stderr)
        raise
    return "" if answer.strip().lower() in ("y", "yes") else UNCONFIRMED


def _declined(found: Report, why: str) -> Report:
    way = "confirm it, or say --yes"
    apps = tuple(
        app if app.outcome else app._replace(outcome=permission.refused(why, app.remedy.steps, way))
        for app in found.hosts[0].apps
    )
    return restarting.concluded(found, apps)


def _teller(host: Host) -> Callable[[str], None]:
    """Tell how far it is; of another host, with its name."""
    name = "" if isinstance(host, Local) else f"{escape(host.name)}: "
    return lambda text: output.tell(name + text)

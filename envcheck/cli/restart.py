"""Print what is to be restarted, and how; with --apply, do it, and look whether it has helped.

Exit status: 0 done or nothing to do, 4 done but not verified, 5 refused; without --apply as `check` does.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from envcheck import report, restarting
from envcheck.cli import options
from envcheck.collect import collect
from envcheck.hosts import http
from envcheck.hosts.local import Local
from envcheck.judge import judge, judge_again, matching, permission, verdict
from envcheck.model import AppReport, Report, Server, Snapshot
from envcheck.moments import duration
from envcheck.report import restart as plan

Apply = Annotated[bool, typer.Option("--apply", help="Carry out the plan, after a confirmation.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask for no confirmation.")]
Urls = Annotated[
    list[str] | None, typer.Option("--url", metavar="URL", help="Must answer afterwards (repeatable).")
]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="DUR", help="For all steps of one app, and until all is well.")
]

UNCONFIRMED = "it was not confirmed"
NO_TERMINAL = "nobody can be asked for a confirmation: there is no terminal (--yes needs none)"


def command(
    targets: options.Targets = None,
    *,
    apply: Apply = False,
    yes: Yes = False,
    url: Urls = None,
    timeout: Timeout = "120s",
    stable_for: options.StableFor = "2s",
    spec: options.SpecOption = None,
    formats: options.Formats = None,
    fail_on: options.FailOn = options.ERROR,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = options.Color.AUTO,
    quiet: options.Quiet = False,
) -> None:
    wanted = options.formats(formats, ["text", "json"])
    named = targets or []
    wishes = restarting.Wishes(
        duration(timeout), duration(stable_for), tuple(map(http.checked, url or ())), fail_on
    )
    expected = options.load_spec(spec)
    policy = options.policy(reveal)
    host = Local()

    def look() -> Snapshot:
        return collect(host, expected, matching.pids(named), matching.files(named), live=not no_live)

    def judge_one(snapshot: Snapshot, server: Server, name: str) -> AppReport:
        return judge_again(snapshot, expected, server, name, policy)

    snapshot = look()
    with options.deadline(options.JUDGING, "a pattern of the spec"):
        found = judge(snapshot, expected, named, policy, fail_on)
    if apply:
        found = _unseen(found)
    if apply and found.exit_code != verdict.NOTHING_MATCHED:
        found = restarting.decide(found, snapshot, fail_on)
        todo = [app for app in found.hosts[0].apps if app.outcome is None]
        if todo and not yes and (why := _unconfirmed(found)):
            found = _declined(found, why)
        elif todo:
            found = restarting.carry_out(found, host, restarting.Eyes(look, judge_one), wishes, _tell)
    for name, path in wanted:
        if path or not (quiet and name == "text"):
            text = (
                plan.render(found, width=options.width())
                if name == "text"
                else report.format_named(name).render(found)
            )
            options.emit(text, path, color=color)
    raise typer.Exit(found.exit_code)


def _unseen(found: Report) -> Report:
    """Refuse where nothing that is meant can be seen."""
    refuse = found.exit_code == verdict.COULD_NOT_TELL and not found.hosts[0].apps
    return found._replace(exit_code=verdict.REFUSED) if refuse else found


def _unconfirmed(found: Report) -> str:
    """Show the plan and ask; "" for a yes."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return NO_TERMINAL
    print(plan.render(found, width=options.width(), last=False), end="", file=sys.stderr)
    print("\nCarry this out? [y/N] ", end="", file=sys.stderr, flush=True)
    return "" if sys.stdin.readline().strip().lower() in ("y", "yes") else UNCONFIRMED


def _declined(found: Report, why: str) -> Report:
    way = "confirm it, or say --yes"
    apps = tuple(
        app if app.outcome else app._replace(outcome=permission.refused(why, app.remedy.steps, way))
        for app in found.hosts[0].apps
    )
    return restarting.concluded(found, apps)


def _tell(text: str) -> None:
    options.tell(text)

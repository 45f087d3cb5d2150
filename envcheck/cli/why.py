"""Tell one variable's whole story: every place that sets it, every process that has it, and why."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from envcheck.cli import options, output, reading
from envcheck.cli.hosts import Hosts
from envcheck.cli.looking import look_at_one
from envcheck.cli.on_hosts import on_hosts
from envcheck.collect import collect
from envcheck.errors import NothingMatchedError, UsageError
from envcheck.escaping import escape_json_text
from envcheck.hosts.local import Local
from envcheck.judge import judge, matching, verdict
from envcheck.judge.story import story
from envcheck.model import Report, Severity
from envcheck.report import why

PAM = "/etc/environment"


@on_hosts
def command(
    variable: Annotated[str, typer.Argument(metavar="VAR", help="The name of a variable.")],
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]", help=options.TARGET_HELP)] = None,
    *,
    hosts: Hosts,
    spec: options.SpecOption = None,
    formats: options.Formats = None,
    reveal: options.Reveal = None,
    no_live: options.NoLive = False,
    color: options.Colors = output.Color.AUTO,
) -> None:
    from envcheck.report.json import dump  # noqa: PLC0415

    if not variable or "=" in variable or "\0" in variable:
        raise UsageError("no variable can be called so", "give its name alone: envcheck why NAME [TARGET]")
    wanted = output.formats(formats, ["text", "json"])
    named = [target] if target else []
    expected = reading.load_spec(spec)
    files = (PAM, *matching.files(named))
    host = hosts.one()
    pids = matching.pids(named)
    snapshot = look_at_one(host, lambda host: collect(host, expected, pids, files, live=not no_live))
    policy = reading.policy(reveal)
    report = judge(snapshot, expected, named, policy)
    apps = report.hosts[0].apps
    if not apps:
        raise NothingMatchedError(f"no running server is meant by {target or 'this spec'}")
    everything = judge(snapshot, None, [], policy).hosts[0].apps
    elsewhere = {PAM: _names(snapshot.files[PAM].content)}
    if isinstance(host, Local):
        elsewhere["your shell"] = list(os.environ)
    stories = [story(variable, app, everything, elsewhere, snapshot) for app in apps]
    for name, path in wanted:
        if name == "json":
            document = {
                "schema": "envcheck.why/1",
                "variable": escape_json_text(variable),
                "apps": [why.as_json(s) for s in stories],
            }
            output.emit(dump(document), path)
        else:
            text = "\n".join(why.as_text(s, output.width()) for s in stories)
            output.emit(text, path, color=color)
    raise typer.Exit(_status(report, variable))


def _names(content: bytes) -> list[str]:
    """Read the names in /etc/environment (pam_env(8))."""
    lines = (line.strip().removeprefix(b"export ") for line in content.splitlines())
    return [line.partition(b"=")[0].decode(errors="replace") for line in lines if b"=" in line]


def _status(report: Report, variable: str) -> int:
    """Judge by this variable alone; a process that could not be read leaves it open."""
    hosts = [
        host._replace(
            apps=tuple(
                app._replace(findings=tuple(f for f in app.findings if f.variable == variable))
                for app in host.apps
            )
        )
        for host in report.hosts
    ]
    code = verdict.exit_code(hosts, Severity.ERROR)
    processes = (p for host in hosts for app in host.apps for p in app.server.processes)
    unread = code == verdict.OK and not all(p.running.usable for p in processes)
    return verdict.COULD_NOT_TELL if unread else code

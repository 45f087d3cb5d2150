"""What is to be restarted, or what was done: the worst comes first, and last what to do.

That line is never broken: commands stand in it, to be pasted.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from envcheck.escaping import command, escape
from envcheck.judge import permission, rights
from envcheck.model import Action, AppReport, HostReport, Outcome, Remedy, Report, Result, Taken
from envcheck.report import advice, fleet, grouping, rolled, text
from envcheck.report.folding import fold
from envcheck.secrecy import MASK

HEADLINES = {
    Result.DONE: "DONE: {name} was restarted, and has the environment it should have",
    Result.NOTHING_TO_DO: "NOTHING TO DO: {name} has the environment it should have",
    Result.REFUSED: "REFUSED: {name} is not touched: {why}",
    Result.FAILED: "FAILED: {name}: {why}",
    Result.NOT_VERIFIED: "NOT VERIFIED: all steps were done, but {why}",
    Result.INTERRUPTED: "INTERRUPTED: {name}: {why}",
    Result.NOT_TRIED: "NOT TRIED: {name} is not touched: {why}",
}
NO_STEPS = {
    Action.REFUSE: "no restart, for it would break what runs",
    Action.FIX_CONFIGURATION: "no restart before the configuration is mended",
}
HELPLESS = "nothing that a restart could help with"
BY_HAND = "complete the steps, and carry them out yourself: --apply refuses what is not complete"
BEFORE = "--apply does nothing before"
FINE = (Result.DONE, Result.NOTHING_TO_DO)


def render(report: Report, *, width: int = 80, last: bool = True) -> str:
    """Write it; *last*: with the line that says what to do."""
    if len(report.hosts) != 1:
        lines = _many(report, width, last=last)
    else:
        [host] = report.hosts
        lines = _host(host, width, last=last) if host.looked else text.one(host, None, width)
    return "\n".join(lines) + "\n"


def _many(report: Report, width: int, *, last: bool) -> list[str]:
    """Tell a plan as `check` tells its findings; of outcomes those in full that are not good."""
    apps = [app for host in report.hosts for app in host.apps]
    if not apps or any(app.outcome is None for app in apps):
        bad_ones = [(h, app) for h in report.hosts for app in h.apps if app.outcome and app.outcome.exit_code]
        more = [f"{escape(h.name)}: {first}" for h, app in bad_ones for first in _headline(app, width)[:1]]
        lost = any(map(grouping.is_unmatched, report.hosts))
        to_do = f"{fleet.look(report.hosts)}; {BEFORE}" if lost else _to_do(apps)
        more += [f"do: {to_do}"] if last and apps else []
        return [text.render(report, width=width).rstrip("\n"), *(("", *more) if more else ())]
    lines = advice.wrapped(rolled.headline(report.hosts), width, "")
    for host in report.hosts:
        bad = tuple(app for app in host.apps if app.outcome and app.outcome.result not in rolled.BRIEFLY)
        lines += ["", *_host(host._replace(apps=bad), width, last=False)] if bad else []
    for block in rolled.briefly(report, width):
        lines += ["", *block]
    return [*lines, "", *(f"do: {what}" for what in _to_do_on(report.hosts))]


def _host(host: HostReport, width: int, *, last: bool) -> list[str]:
    lead = text.lead_of(host)
    lines = text.unmatched(host, width, lead)
    # The one that did not end well comes first.
    apps = sorted(host.apps, key=lambda app: not (app.outcome and app.outcome.exit_code))
    leads = ["" if lines else lead, *[""] * len(apps)]
    blocks = [
        [*_headline(app, width, first), *_body(app, width)] for first, app in zip(leads, apps, strict=False)
    ]
    for block in blocks:
        lines += [""] * bool(lines) + block
    lines += text.gaps(host, width)
    if not last:
        return lines
    # Where it was looked at whole, --apply does nothing before that is found.
    if grouping.is_unmatched(host) or (host.unmatched and not apps):
        return [*lines, "", text.which(host)]
    return [*lines, "", f"do: {_to_do(apps)}"] if apps else lines


def _headline(app: AppReport, width: int, lead: str = "") -> list[str]:
    outcome = app.outcome
    if outcome is None:
        return advice.wrapped(lead + text.headline(app), width, "")
    told = HEADLINES[outcome.result].format(name=escape(app.name), why=outcome.why)
    return advice.wrapped(f"{lead}{told} ({text.who(app.server)})", width, "")


def _body(app: AppReport, width: int) -> Iterator[str]:
    outcome = app.outcome
    if outcome is None:
        yield from _plan(app, width)
        return
    if outcome.result is Result.REFUSED:
        yield from _wrong(app, width)
    if outcome.steps:
        yield ""
        yield from map(_taken, outcome.steps)
    if outcome.result is Result.DONE:
        yield from advice.wrapped(f"seen: {outcome.why}", width, "  ")
    elif outcome.not_done:
        yield ""
        yield "not done:"
        for step in outcome.not_done:
            yield from advice.step_lines(step, width)
    if outcome.steps and outcome.result not in FINE:
        yield ""
        yield from advice.wrapped(f"now: {text.headline(app)}", width, "")


def _plan(app: AppReport, width: int) -> Iterator[str]:
    remedy = app.remedy
    yield from _wrong(app, width)
    yield from advice.hazards(remedy, width)
    yield ""
    plan = remedy.action + advice.incomplete(remedy)
    yield f"plan: {plan if remedy.steps else NO_STEPS.get(remedy.action, HELPLESS)}"
    for step in remedy.steps:
        yield from advice.step_lines(step, width)


def _wrong(app: AppReport, width: int) -> Iterator[str]:
    """Say what is wrong: variables by name, and what is true of the server as a whole."""
    names = [escape(f.variable) for f in app.findings if f.wrong and f.variable is not None]
    if names:
        yield from advice.wrapped(f"wrong: {', '.join(names)}", width, "  ")
    for finding in app.findings:
        if finding.variable is None:
            yield from advice.wrapped(escape(finding.message), width, "  ")


def _taken(taken: Taken) -> str:
    code = "" if taken.code in (None, 0) else f" (exit status {taken.code})"
    said = f": {taken.said}" if taken.said and taken.status != "ok" else ""
    return f"  {taken.status:<11} {taken.seconds:5.1f} s  {command(taken.step.argv)}{code}{said}"


def _to_do(apps: list[AppReport]) -> str:
    """Say it for the first app that did not end well, else for all."""
    outcomes = [app.outcome for app in apps if app.outcome]
    bad = next((o for o in outcomes if o.exit_code), None)
    if bad is not None:
        return _after(bad)
    if len(outcomes) == len(apps):
        return "nothing"
    if ask := rights.asked_for([s for app in apps for s in app.remedy.steps]):
        return ask
    runnable = [a for a in apps if a.remedy.steps and all(s.runnable for s in a.remedy.steps)]
    notes = [app.remedy.note for app in apps if app.remedy.note]
    if hindered := [why for app in runnable if (why := permission.hindered(app))]:
        return f"{hindered[0]}: {permission.IN_ORDER}"
    if runnable:
        return "the same with --apply carries it out, and looks whether it has helped"
    if hidden := dict.fromkeys(name for app in apps for name in _hidden(app.remedy)):
        options = " ".join(f"--reveal {shlex.quote(escape(name))}" for name in hidden)
        return f"the same with {options} shows what the steps need"
    return next(iter(notes), BY_HAND if any(app.remedy.steps for app in apps) else "nothing")


def _hidden(remedy: Remedy) -> list[str]:
    """Give the variables whose values are missing in the steps."""
    words = (word for step in remedy.steps for word in step.argv)
    return [word.partition("=")[0] for word in words if word.endswith(f"={MASK}")]


def _to_do_on(hosts: Sequence[HostReport]) -> Iterator[str]:
    """Say it for those that were not reached, and for all hosts that it did not end well on, the same once.

    What may be a command comes last in its line, to be pasted.
    """
    if any(map(grouping.is_unmatched, hosts)):
        yield fleet.look(hosts)
        return
    todo: dict[str, list[str]] = {}
    for host in hosts:
        if any(app.outcome and app.outcome.exit_code for app in host.apps):
            todo.setdefault(_to_do(list(host.apps)), []).append(host.name)
    on = [f"on {', '.join(map(escape, fold(names)))}: {what}" for what, names in todo.items()]
    if mend := rolled.to_mend(hosts):
        on[:1] = [f"{mend}; {on[0]}" if on else f"{mend}, then the same again"]
    yield from on or ["nothing"]


def _after(outcome: Outcome) -> str:
    return outcome.way_back or outcome.why

"""The report for people: the verdict first, a block for each variable, and last what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from textwrap import wrap

from envcheck.escaping import escape
from envcheck.model import (
    AppReport,
    Cause,
    Diagnosis,
    Finding,
    Gap,
    HostReport,
    Layer,
    Report,
    Server,
)
from envcheck.moments import iso
from envcheck.report.advice import remedy_lines, wrapped

FINE = (Diagnosis.IN_SYNC, Diagnosis.UNPROVEN)
HERE = "localhost"
FEW = 8  # pids that are told one by one

HEADLINES = {
    Diagnosis.IN_SYNC: "has the environment it should have",
    Diagnosis.STALE: "does not have the environment that is configured",
    Diagnosis.MISCONFIGURED: "is configured wrong",
    Diagnosis.UNEXPLAINED: "does not have what is expected",
    Diagnosis.UNDECIDED: "could not be judged",
    Diagnosis.LATENT: "is right today, but not all is well",
    Diagnosis.UNPROVEN: "could not be compared",
}
WHICH = "do: look which servers run, and what they are called: envcheck ps"
RECORDED = "do: name no target: then the report tells of every server that is in the record"
# Of a latent server that could not be compared.
DOUBTFUL = "could not be compared, and not all is well"


def render(report: Report, *, width: int = 80) -> str:
    if len(report.hosts) > 1:
        from envcheck.report import fleet  # noqa: PLC0415 - only for many

        return fleet.render(report, width=width)
    return "\n".join(line for host in report.hosts for line in one(host, report.made, width)) + "\n"


def one(host: HostReport, made: float | None, width: int) -> list[str]:
    """Give the lines about the only host."""
    looked = host.looked
    notes = gaps(host, width) if looked else []
    if host.taken is not None:
        from envcheck.report import age  # noqa: PLC0415 - only for records

        notes[:0] = wrapped(age.told(host, made), width, "  ")
    lead = lead_of(host)
    if not looked:
        return _failed(host, width, notes, lead)
    return _host(host, width, notes, lead) or ([f"{lead}no server is running"] if lead else [])


def lead_of(host: HostReport) -> str:
    """Give what the first line begins with: the name of another host."""
    return "" if host.name == HERE or host.taken is not None else f"{escape(host.name)}: "


def _failed(host: HostReport, width: int, notes: Sequence[str], lead: str) -> list[str]:
    """Say why a host could not be looked at, and last what to do."""
    lines = [f"{lead}COULD NOT TELL: {host.status}", *notes]
    for gap in host.gaps:
        lines += wrapped(f"{escape(gap.what)}: {escape(gap.why)}", width, "  ")
    hints = [f"do: {escape(gap.hint)}" for gap in host.gaps if gap.hint]
    return lines + [line for hint in hints for line in wrapped(hint, width, "")]


def _host(host: HostReport, width: int, notes: Sequence[str], lead: str) -> list[str]:
    """Tell of its servers; *notes* stand below the first headline."""
    worst = sorted(host.apps, key=lambda app: list(Diagnosis).index(app.state))
    lines = unmatched(host, width, lead)
    if lines and not worst and host.status == "ok":
        return [*lines, *notes, "", which(host)]
    if len(worst) > 1:
        lines += wrapped(("" if lines else lead) + _summary(worst), width, "")
    # What is worst stands last, so that what is to do about it is the last that is said.
    told = [app for app in reversed(worst) if app.state is not Diagnosis.IN_SYNC or len(worst) == 1]
    if len(told) == 1 and len(worst) == 1:
        return lines + _app(told[0], width, notes, "" if lines else lead)
    blocks = [line for app in told for line in ["", *_app(app, width)]]
    return [*lines, *notes, *blocks]


def which(host: HostReport) -> str:
    """Say how to find out what there is, where nothing matched."""
    if host.taken is not None:
        return RECORDED
    return WHICH if host.name == HERE else f"{WHICH} {meaning(host)}"


def meaning(host: HostReport, name: str = "") -> str:
    """Give the options that mean a host; *name* stands for any host that is named as this one is."""
    called = shlex.quote(escape(name or host.name))
    return f"--hosts-file {shlex.quote(escape(host.file))} --limit {called}" if host.file else f"-H {called}"


def unmatched(host: HostReport, width: int, lead: str = "") -> list[str]:
    leads = [lead, *[""] * len(host.unmatched)]
    told = (first + _unmatched(name, host) for first, name in zip(leads, host.unmatched, strict=False))
    return [line for text in told for line in wrapped(text, width, "")]


def gaps(host: HostReport, width: int) -> list[str]:
    return [line for gap in host.gaps for line in wrapped(_gap(gap), width, "  ")]


def _unmatched(name: str, host: HostReport) -> str:
    if host.status != "ok":
        # What was not is told right below.
        return f"COULD NOT TELL: no server seen is meant by {escape(name)}, but not all was seen"
    why = host.reasons.get(name, "")
    return f"NOTHING MATCHED: no running server is meant by {escape(name)}{why and ': ' + escape(why)}"


def _gap(gap: Gap) -> str:
    return f"not read: {escape(gap.what)}: {escape(gap.why)}{'; ' + gap.hint if gap.hint else ''}"


def _summary(apps: Sequence[AppReport]) -> str:
    counts = {d: sum(a.state is d for a in apps) for d in Diagnosis}
    parts = [f"{n} {d}" for d, n in counts.items() if n]
    bad = [escape(a.name) for a in apps if a.state not in FINE]
    names = f" ({', '.join(bad[:FEW])}{', ...' if len(bad) > FEW else ''})" if bad else ""
    return f"{len(apps)} servers: {', '.join(parts)}{names}"


def _app(app: AppReport, width: int, notes: Sequence[str] = (), lead: str = "") -> list[str]:
    """Tell of one server; *notes* stand below the headline."""
    return [*wrapped(lead + headline(app), width, ""), *notes, *_details(app, width)]


def _details(app: AppReport, width: int) -> Iterator[str]:
    wrong = [f for f in app.findings if f.diagnosis not in FINE]
    told = [f for f in wrong if f.variable is not None and not _brief(f)]
    for finding in told:
        yield ""
        yield from _variable(finding, app, width)
    yield from _briefly(wrong, width)
    for finding in app.findings:
        if finding.variable is None:
            yield ""
            yield from wrapped(_sentence(finding.message), width, "  ")
    met = sum(f.diagnosis in FINE and f.variable is not None for f in app.findings)
    if met and wrong:
        yield ""
        yield f"  {count(met, 'other variable is', 'other variables are')} as expected"
    if app.state is Diagnosis.UNPROVEN:
        yield from _seen(app)
    yield from remedy_lines(app.remedy, width)


def headline(app: AppReport) -> str:
    unproven = any(f.variable is None and f.diagnosis is Diagnosis.UNPROVEN for f in app.findings)
    what = DOUBTFUL if unproven and app.state is Diagnosis.LATENT else HEADLINES[app.state]
    return f"{app.state.upper()}: {escape(app.name)} {what} ({who(app.server)})"


def who(server: Server) -> str:
    """Say which processes a server is: `unicorn under systemd shop.service, master 5971 and 2 workers`."""
    owner = server.owner
    parts = [f"{server.kind} under {owner.kind} {escape(owner.name)}" if owner else server.kind]
    for generation in server.generations:
        master = generation.master
        role = "" if generation.role == "current" else f"{generation.role} "
        name = f"{role}master {master.pid}" if master else "no master"
        parts.append(f"{name} and {count(len(generation.workers), 'worker', 'workers')}")
    return ", ".join(parts)


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _brief(finding: Finding) -> bool:
    """Variables that only the process has are many, and say the same thing."""
    return finding.cause is Cause.LEAKED or (
        finding.expected is None and finding.origin is None and finding.configured is False
    )


def _briefly(findings: Sequence[Finding], width: int) -> Iterator[str]:
    groups: dict[tuple[object, ...], list[str]] = {}
    for finding in findings:
        if finding.variable is not None and _brief(finding):
            key = (finding.diagnosis, finding.cause, finding.message)
            groups.setdefault(key, []).append(escape(finding.variable))
    for (diagnosis, cause, message), names in groups.items():
        yield ""
        yield f"  {count(len(names), 'variable', 'variables')} that no source sets: {diagnosis} ({cause})"
        yield from wrapped(", ".join(names), width, "    ")
        yield from field("why", escape(str(message)), width)


def _variable(finding: Finding, app: AppReport, width: int) -> Iterator[str]:
    yield f"  {escape(finding.variable or '')}  {finding.diagnosis} ({finding.cause or 'no cause known'})"
    rule = finding.expected
    if finding.constraint is not None:
        sets = " or ".join("+".join(map(escape, names)) for names in finding.constraint.sets)
        yield from field("expected", f"{finding.constraint.rule.replace('_', ' ')} {sets}", width)
    else:
        yield from _columns(finding, app, width)
    if len(finding.pids) < len(app.server.processes):
        yield from field("in", _processes(finding, app.server), width)
    yield from field("why", escape(finding.message), width)
    if rule is not None and rule.hint:
        yield from field("hint", escape(rule.hint), width)
    if finding.waived is not None:
        waiver = finding.waived
        yield from field("waived", f"until {waiver.expires}: {escape(waiver.reason)}", width)


def _columns(finding: Finding, app: AppReport, width: int) -> Iterator[str]:
    rule = finding.expected
    if rule is not None:
        values = " or ".join(app.policy.display(rule.name, v) for v in rule.values)
        told = " ".join([rule.rule.replace("_", " "), values]).rstrip()
        yield from field("expected", ", ".join([told, *(escape(str(s)) for s in rule.shapes)]), width)
    yield from field("configured", _configured(finding, app), width)
    yield from field("running", _running(finding, app), width)


def field(name: str, value: str, width: int) -> list[str]:
    return wrap(
        value,
        width=max(width, 40),
        initial_indent=f"    {name:<11}",
        subsequent_indent=" " * 15,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _configured(finding: Finding, app: AppReport) -> str:
    if finding.configured is None:
        return "not known"
    origin = f" at {escape(finding.origin)}" if finding.origin else ""
    value = finding.values.get("configured")
    if value is None:
        return "unset" + origin if origin else "not set by any source"
    return f"{app.policy.display(finding.variable or '', value)}{origin}"


def _running(finding: Finding, app: AppReport) -> str:
    live, at_exec = finding.live, finding.at_exec
    if live.present is None and at_exec.present is None:
        return f"could not be read (live: {live.status}, at exec: {at_exec.status})"
    if live.present is None:
        return f"{_layer(finding, 'at_exec', at_exec, app)} (at exec only; live: {live.status})"
    if at_exec.present is None:
        return f"{_layer(finding, 'live', live, app)} (live; at exec: {at_exec.status})"
    now, then = _layer(finding, "live", live, app), _layer(finding, "at_exec", at_exec, app)
    return now if now == then else f"{now} (live), {then} (at exec)"


def _layer(finding: Finding, key: str, layer: Layer, app: AppReport) -> str:
    value = finding.values.get(key)
    return (
        app.policy.display(finding.variable or "", value)
        if layer.present and value is not None
        else "missing"
    )


def _processes(finding: Finding, server: Server) -> str:
    pids = ", ".join(str(pid) for pid in finding.pids[:FEW])
    more = ", ..." if len(finding.pids) > FEW else ""
    return f"{len(finding.pids)} of {len(server.processes)} processes: {pids}{more}"


def _sentence(message: str) -> str:
    return escape(message[:1].upper() + message[1:] + ".")


def _seen(app: AppReport) -> Iterator[str]:
    """Show what there is, where there is nothing to compare it with."""
    first = app.server.first
    read = app.server.generations[0].environment_read
    yield ""
    yield f"  folder       {escape(first.cwd or 'could not be read')}"
    yield f"  read         {iso(read) if read else 'at a time that is not known'}"
    for name, reading in (("live", first.live), ("at exec", first.at_exec)):
        yield f"  {name:<13}" + (f"{len(reading.variables)} variables" if reading.usable else reading.status)


def is_loud(line: str) -> bool:
    """Tell which lines a terminal draws in colour: those of a verdict that is not good."""
    verdicts = [f"{d.upper()}:" for d in Diagnosis if d not in FINE]
    loud = (*verdicts, "NOTHING MATCHED", "COULD NOT TELL:", "NOT REACHED:", "NOT READ:")
    return line.startswith(loud) or line.partition(": ")[2].startswith(loud)

"""The JSON of `check` and `ps`: schema envcheck.report/1 and envcheck.ps/1. Keys are added, never renamed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from envcheck.escaping import escape_json_text as text
from envcheck.model import (
    Alike,
    AppReport,
    Diagnosis,
    Difference,
    Finding,
    Gap,
    Generation,
    HostReport,
    Layer,
    Listed,
    Outcome,
    Process,
    Remedy,
    Report,
    Server,
    Step,
    Waiver,
)
from envcheck.moments import iso

Json = dict[str, Any]

OTHER_KEY = "their hidden values have fingerprints with another key than those of the others"


def render(report: Report, *, width: int = 80) -> str:
    del width
    apps = [app for host in report.hosts for app in host.apps]
    counts = {str(d): sum(app.state is d for app in apps) for d in Diagnosis}
    not_reached = sum(not host.looked for host in report.hosts)
    document: Json = {
        "schema": "envcheck.report/1",
        "exit_code": report.exit_code,
        "summary": {"hosts": len(report.hosts), "not_reached": not_reached, "apps": len(apps), **counts},
        "hosts": [host(one) for one in report.hosts],
        "differences": [_difference(d) for d in report.differences],
    }
    if report.uncompared:
        document["not_compared"] = {"hosts": [text(name) for name in report.uncompared], "why": OTHER_KEY}
    if report.timed_out is not None:
        document["timed_out"] = report.timed_out
    return dump(document)


def _difference(difference: Difference) -> Json:
    """Write a difference between hosts; a group without a value has none of that name."""
    name = difference.variable

    def group(alike: Alike) -> Json:
        shown: Json = {"present": alike.value is not None}
        if alike.value is not None:
            shown["fingerprint"] = difference.policy.fingerprint(name, alike.value)
            shown["value"] = difference.policy.as_json(name, alike.value)
        return {**shown, "hosts": [text(host) for host in alike.hosts]}

    return {
        "app": text(difference.app),
        "variable": text(name),
        "layers": list(difference.layers),
        "groups": [group(alike) for alike in difference.groups],
    }


def dump(document: Json) -> str:
    """Write a document: ASCII, so that control and bidi characters arrive as escapes."""
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def render_servers(found: Sequence[Listed | HostReport]) -> str:
    """Write what `ps` found on each host, or why it could not look."""
    return dump({"schema": "envcheck.ps/1", "hosts": [_listed(one) for one in found]})


def _listed(one: Listed | HostReport) -> Json:
    if isinstance(one, HostReport):
        name, status, gaps, servers = one.name, one.status, one.gaps, list[Json]()
    else:
        seen = one.snapshot
        servers = [server(app, seen.users) for app in one.apps]
        name, status, gaps = seen.host, "ok", seen.gaps
    return {
        "name": text(name),
        "status": status,
        "gaps": [_gap(gap) for gap in gaps],
        "servers": servers,
    }


def server(app: AppReport, users: Mapping[int, str]) -> Json:
    first = app.server.first
    return {
        "name": text(app.name),
        "server": app.server.kind,
        "state": app.state,
        "supervisor": _owner(app.server),
        "user": text(users.get(first.uid, str(first.uid))),
        "cwd": None if first.cwd is None else text(first.cwd),
        "generations": [_generation(g, readings=True) for g in app.server.generations],
        "sources": _sources(app),
    }


def _sources(app: AppReport) -> list[Json]:
    return [{"kind": a.source.kind, "path": text(a.source.path)} for a in app.configured.applied]


def host(host: HostReport) -> Json:
    return {
        "name": text(host.name),
        "status": host.status,
        **({} if host.taken is None else {"taken": iso(host.taken)}),
        **({"called": text(host.called)} if host.called else {}),
        "gaps": [_gap(gap) for gap in host.gaps],
        "apps": [_app(app) for app in host.apps],
        "unmatched": [text(name) for name in host.unmatched],
    }


def _owner(server: Server) -> Json | None:
    owner = server.owner
    return None if owner is None else {"kind": owner.kind, "name": text(owner.name)}


def _gap(gap: Gap) -> Json:
    told = {"what": gap.what, "why": gap.why, "hint": gap.hint}
    return {key: text(value) for key, value in told.items() if value}


def _app(app: AppReport) -> Json:
    applied: Json = {} if app.outcome is None else {"applied": _applied(app.outcome)}
    return {
        "name": text(app.name),
        "server": app.server.kind,
        "state": app.state,
        "supervisor": _owner(app.server),
        "generations": [_generation(g) for g in app.server.generations],
        "sources": _sources(app),
        "findings": [finding(f, app) for f in app.findings],
        "remedy": remedy(app.remedy),
        **applied,
    }


def _applied(outcome: Outcome) -> Json:
    return {
        "outcome": outcome.result,
        "exit_code": outcome.exit_code,
        "steps": [
            {
                "argv": [text(word) for word in taken.step.argv],
                "status": taken.status,
                "code": taken.code,
                "seconds": round(taken.seconds, 3),
                "said": taken.said,
            }
            for taken in outcome.steps
        ],
        "not_done": [_step(step) for step in outcome.not_done],
        "verified": outcome.verified,
        "why": text(outcome.why),
        "way_back": text(outcome.way_back),
    }


def _generation(generation: Generation, *, readings: bool = False) -> Json:
    read = generation.environment_read
    return {
        "master": _process(generation.master, readings=readings) if generation.master else None,
        "workers": [_process(p, readings=readings) for p in generation.workers],
        "role": generation.role,
        "reexeced": generation.reexeced,
        "environment_read": None if read is None else iso(read),
    }


def _process(process: Process, *, readings: bool) -> Json:
    found: Json = {"pid": process.pid, "started": iso(process.started)}
    if readings:
        found |= {"at_exec": {"status": process.at_exec.status}, "live": {"status": process.live.status}}
    return found


def finding(finding: Finding, app: AppReport) -> Json:
    name = finding.variable
    rule = finding.expected
    values = {
        key: app.policy.as_json(name, value)
        for key, value in finding.values.items()
        if name is not None and value is not None
    }
    expected: Json | None = None
    if rule is not None and name is not None:
        expected = {"rule": rule.rule}
        if rule.values:
            expected["values"] = [app.policy.as_json(name, v) for v in rule.values]
        if rule.shapes:
            expected["shapes"] = [text(str(shape)) for shape in rule.shapes]
        if finding.constraint is not None:
            expected["variables"] = [[text(n) for n in names] for names in finding.constraint.sets]
        if rule.hint:
            expected["hint"] = text(rule.hint)
    return {
        "variable": None if name is None else text(name),
        "diagnosis": finding.diagnosis,
        "cause": finding.cause,
        "severity": finding.severity,
        "message": text(finding.message),
        "pids": list(finding.pids),
        "waived": _waiver(finding.waived),
        "expected": expected,
        "configured": {
            "present": finding.configured,
            "origin": None if finding.origin is None else text(finding.origin),
            **_value("configured", values),
        },
        "at_exec": {**_layer(finding.at_exec), **_value("at_exec", values)},
        "live": {**_layer(finding.live), **_value("live", values)},
    }


def _waiver(waiver: Waiver | None) -> Json | None:
    if waiver is None:
        return None
    owner = {"owner": text(waiver.owner)} if waiver.owner else {}
    return {"reason": text(waiver.reason), "expires": waiver.expires, **owner}


def _layer(layer: Layer) -> Json:
    return {"status": layer.status, "present": layer.present}


def _value(key: str, values: Mapping[str, Any]) -> Json:
    return {"value": values[key]} if key in values else {}


def remedy(remedy: Remedy) -> Json:
    return {
        "action": remedy.action,
        "sufficient": remedy.sufficient,
        "steps": [_step(s) for s in remedy.steps],
        "insufficient": [_step(s) for s in remedy.insufficient],
        "hazards": [
            {
                **({"variable": text(h.variable)} if h.variable is not None else {}),
                "cause": h.cause,
                "message": text(h.message),
            }
            for h in remedy.hazards
        ],
        "note": remedy.note,
    }


def _step(step: Step) -> Json:
    found: Json = {"argv": [text(word) for word in step.argv], "why": text(step.why)}
    if step.disruption is not None:
        found["disruption"] = step.disruption
    if not step.runnable:
        found["runnable"] = False
    if step.ask:
        found["ask"] = text(step.ask)
    return found

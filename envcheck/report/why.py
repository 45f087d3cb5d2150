"""The screen of `why`: one variable through all layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envcheck.escaping import escape, escape_json_text
from envcheck.judge.remedy import AS_ROOT, READABLE
from envcheck.judge.story import Story
from envcheck.model import Assignment, Generation, Process
from envcheck.moments import iso
from envcheck.report import json as report_json
from envcheck.report.advice import remedy_lines, wrapped
from envcheck.report.text import FEW, who


def as_text(story: Story, width: int) -> str:
    return "\n".join(_lines(story, width)) + "\n"


def _lines(story: Story, width: int) -> Iterator[str]:
    app, finding = story.app, story.finding
    verdict = f"{finding.diagnosis} ({finding.cause or 'no cause known'})" if finding else _unjudged(story)
    yield f"{escape(story.name)} in {escape(app.name)}: {verdict} ({who(app.server)})"
    if finding:
        yield f"  {escape(finding.message)}"
    yield ""
    yield from _set_by(story)
    yield from _expected(story)
    yield ""
    yield from _has(story)
    yield ""
    yield "timeline:"
    yield from (f"  {iso(moment.when)}  {escape(moment.what)}" for moment in story.timeline)
    for hint in story.hints:
        yield f"note: {escape(hint)}"
    for gap in app.configured.gaps:
        yield f"not read: {escape(gap.source.path)}: {escape(gap.why)}"
    if finding and finding.wrong:
        yield from remedy_lines(story.remedy, width)
    elif advice := _advice(story):
        yield ""
        yield from wrapped(f"do: {advice}", width, "")


def _unjudged(story: Story) -> str:
    app = story.app
    unread = [p for p in app.server.processes if not p.running.usable]
    if unread:
        return f"could not be told, {len(unread)} of {len(app.server.processes)} processes could not be read"
    if story.places and story.places[-1].assignment.dynamic:
        return f"could not be compared: what {escape(story.places[-1].origin)} gives is not known"
    untold = app.configured.gaps or app.configured.unread
    unproven = ", as far as its sources could be read" if untold else ""
    if not story.places and not _is_here(story):
        return f"nowhere{unproven}"
    return f"{'as it should be' if story.places else 'only in the process'}{unproven}"


def _set_by(story: Story) -> Iterator[str]:
    app = story.app
    yield "set by, in this order (the last wins):" if story.places else "set by no source that is known"
    for setting in story.places:
        mark = ">" if setting is story.places[-1] else " "
        value = "<dynamic>" if setting.assignment.dynamic else _value(story, setting.assignment.value)
        yield f"  {mark} {escape(setting.origin)}: {value}"
    loaded = app.configured.as_loaded or {}
    if story.name in loaded:
        winner = loaded[story.name]
        dynamic = winner is not None and winner.assignment.dynamic
        value = "<dynamic>" if dynamic else _value(story, winner.assignment.value if winner else None)
        yield f"    loaded by the supervisor: {value}"


def _has(story: Story) -> Iterator[str]:
    app = story.app
    yield "running:"
    for generation in app.server.generations:
        if generation.master:
            yield f"  {generation.role} master {generation.master.pid}: {_running(story, generation.master)}"
        for running, pids in _alike(story, generation).items():
            yield f"  {generation.role} {_workers(pids)}: {running}"


def _alike(story: Story, generation: Generation) -> dict[str, list[int]]:
    """Give the workers by what is told of them: most say the same."""
    groups: dict[str, list[int]] = {}
    for worker in generation.workers:
        groups.setdefault(_running(story, worker), []).append(worker.pid)
    return groups


def _workers(pids: list[int]) -> str:
    if len(pids) > FEW:
        return f"{len(pids)} workers {', '.join(map(str, pids[:FEW]))}, ..."
    return f"{'worker' if len(pids) == 1 else 'workers'} {', '.join(map(str, pids))}"


def _is_here(story: Story) -> bool:
    return any(story.name in p.running.variables for p in story.app.server.processes)


def _advice(story: Story) -> str:
    """Say what to do about a variable that nothing is known to be wrong with."""
    app = story.app
    if not all(p.running.usable for p in app.server.processes):
        return AS_ROOT
    if app.configured.gaps:
        return READABLE
    if story.places or (story.finding and not story.finding.wrong):
        return ""
    applied = [a.source.path for a in app.configured.applied if a.source.path.startswith("/")]
    paths = dict.fromkeys(map(escape, applied))
    where = f"one of {', '.join(paths)}" if paths else "a file that its start reads"
    if _is_here(story):
        return f"set it in {where}, if it is needed: a fresh start may not have it"
    return f"set it in {where}, then see `envcheck check {app.server.first.pid}`"


def _expected(story: Story) -> Iterator[str]:
    rule = story.finding.expected if story.finding else None
    if rule is not None:
        values = " or ".join(story.app.policy.display(rule.name, v) for v in rule.values)
        yield f"expected: {rule.rule.replace('_', ' ')} {values}".rstrip()


def _value(story: Story, value: str | None) -> str:
    return "unset" if value is None else story.app.policy.display(story.name, value)


def _running(story: Story, process: Process) -> str:
    layers = (("live", process.live), ("at exec", process.at_exec))
    told = [
        f"{_value(story, r.variables.get(story.name)) if r.usable else r.status} ({name})"
        for name, r in layers
    ]
    return ", ".join(told)


def _as_json(story: Story, assignment: Assignment) -> object:
    if assignment.dynamic:
        return {"dynamic": True}
    return None if assignment.value is None else story.app.policy.as_json(story.name, assignment.value)


def as_json(story: Story) -> dict[str, Any]:
    app = story.app
    places = [
        {
            "origin": escape_json_text(s.origin),
            "value": _as_json(story, s.assignment),
            "winner": s is story.places[-1],
            "changed": iso(s.changed) if s.changed else None,
        }
        for s in story.places
    ]
    return {
        "app": escape_json_text(app.name),
        "finding": report_json.finding(story.finding, app) if story.finding else None,
        "places": places,
        "timeline": [{"at": iso(m.when), "what": escape_json_text(m.what)} for m in story.timeline],
        "hints": [escape_json_text(hint) for hint in story.hints],
        "remedy": report_json.remedy(story.remedy),
    }

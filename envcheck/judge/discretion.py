"""A last look over what is to be printed: a known secret may stand in a name, in a folder, in an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from envcheck.judge import rights
from envcheck.judge.remedy import all_or_none
from envcheck.model import AppReport, Finding, Generation, Process, Remedy, Server, Step
from envcheck.secrecy import Policy, known_forms, looks_secret, mask_forms
from envcheck.tokens import is_hidden

Mask = Callable[[str], str]


def discreet(app: AppReport) -> AppReport:
    """Mask the secrets of its processes, and of what is configured, in all text that is not a value."""
    mask = masking(app)
    if mask is None:
        return app
    return app._replace(
        name=mask(app.name),
        server=_masked(app.server, mask),
        findings=tuple(_finding(f, mask) for f in app.findings),
        remedy=_remedy(app.remedy, mask),
    )


def masking(app: AppReport) -> Mask | None:
    """Give what masks the secrets of an app in any text; None where it has none."""
    configured = {
        name: setting.assignment.value
        for name, settings in app.configured.settings.items()
        for setting in settings
        if setting.assignment.value is not None
    }
    return mask_of(app.policy, [configured, *_environments(app.server)])


def _environments(server: Server) -> list[Mapping[str, str]]:
    return [r.variables for p in server.processes for r in (p.at_exec, p.live) if r.usable]


def mask_of(policy: Policy, environments: Iterable[Mapping[str, str]]) -> Mask | None:
    """Make a mask of what is, or looks, secret; not of all that is merely not known to be harmless."""
    pairs = {pair for variables in environments for pair in variables.items()}
    secrets = {
        value
        for name, value in pairs
        if value
        and not is_hidden(value)
        and not policy.may_show(name, value)
        and (name in policy.secret or looks_secret(name, value))
    }
    forms = known_forms(secrets)
    return partial(mask_forms, forms=forms) if forms else None


def _masked(server: Server, mask: Mask) -> Server:
    generations = tuple(_generation(g, mask) for g in server.generations)
    return server._replace(name=mask(server.name), generations=generations)


def _generation(generation: Generation, mask: Mask) -> Generation:
    master = generation.master
    return generation._replace(
        master=_process(master, mask) if master else None,
        workers=tuple(_process(p, mask) for p in generation.workers),
    )


def _process(process: Process, mask: Mask) -> Process:
    return process._replace(cwd=None if process.cwd is None else mask(process.cwd))


def _finding(finding: Finding, mask: Mask) -> Finding:
    origin = None if finding.origin is None else mask(finding.origin)
    return finding._replace(message=mask(finding.message), origin=origin)


def _remedy(remedy: Remedy, mask: Mask) -> Remedy:
    steps = all_or_none(tuple(_step(s, mask) for s in remedy.steps))
    return remedy._replace(
        sufficient=remedy.sufficient and rights.complete(steps),
        steps=steps,
        insufficient=tuple(_step(s, mask) for s in remedy.insufficient),
        hazards=tuple(h._replace(message=mask(h.message)) for h in remedy.hazards),
        note=mask(remedy.note),
    )


def _step(step: Step, mask: Mask) -> Step:
    argv = tuple(map(mask, step.argv))
    shown = argv == step.argv
    ask = mask(step.ask) if shown else ""
    return step._replace(argv=argv, why=mask(step.why), runnable=step.runnable and shown, ask=ask)

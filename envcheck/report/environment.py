"""What `show` prints: one environment, or the layers of a process. Schema envcheck.show/1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from envcheck.escaping import escape, escape_json_text
from envcheck.model import Assignment, Problem
from envcheck.report.json import dump
from envcheck.secrecy import Policy

FILE = ""  # the one layer of a file

TITLES = {"at_exec": "at exec", "live": "live", "configured": "configured"}


class Environment(NamedTuple):
    status: str
    variables: Mapping[str, str]
    unset: tuple[str, ...]
    origins: Mapping[str, str]
    problems: tuple[Problem, ...]
    dynamic: frozenset[str]  # names whose value only running something could tell
    loaded: Mapping[str, Assignment | None] | None = None  # what the manager has loaded, where it differs
    key_id: str = ""  # of the fingerprints, where it is from a record


def as_json(layers: Mapping[str, Environment], policy: Policy) -> str:
    if FILE in layers:
        return dump({"schema": "envcheck.show/1", **_layer(layers[FILE], policy)})
    return dump({"schema": "envcheck.show/1", "layers": {n: _layer(e, policy) for n, e in layers.items()}})


def _layer(environment: Environment, policy: Policy) -> dict[str, Any]:
    return {
        "status": environment.status,
        "variables": {
            escape_json_text(name): {"dynamic": True}
            if name in environment.dynamic
            else policy.as_json(name, value)
            for name, value in environment.variables.items()
        },
        "unset": [escape_json_text(name) for name in environment.unset],
        "origins": {escape_json_text(n): escape_json_text(o) for n, o in environment.origins.items()},
        "problems": [_problem(p) for p in environment.problems],
        **_loaded(environment, policy),
    }


def _loaded(environment: Environment, policy: Policy) -> dict[str, Any]:
    if environment.loaded is None:
        return {}
    return {"loaded": {escape_json_text(n): _as_json(n, a, policy) for n, a in environment.loaded.items()}}


def _as_json(name: str, assignment: Assignment | None, policy: Policy) -> object:
    if assignment is not None and assignment.dynamic:
        return {"dynamic": True}
    value = assignment.value if assignment else None
    return None if value is None else policy.as_json(name, value)


def _problem(problem: Problem) -> dict[str, Any]:
    line = {} if problem.line is None else {"line": problem.line}
    return {**line, "message": escape_json_text(problem.message)}


def as_text(layers: Mapping[str, Environment], policy: Policy) -> str:
    lines: list[str] = []
    for name, environment in layers.items():
        if name != FILE:
            lines.append(f"{TITLES[name]}: {environment.status}, {len(environment.variables)} variables")
        indent = "" if name == FILE else "  "
        lines += [indent + line for line in _lines(environment, policy)]
    return "\n".join(lines) + "\n"


def _shown(name: str, assignment: Assignment | None, policy: Policy) -> str:
    if assignment is not None and assignment.dynamic:
        return "<dynamic>"
    value = assignment.value if assignment else None
    return "unset" if value is None else policy.display(name, value)


def _lines(environment: Environment, policy: Policy) -> list[str]:
    lines: list[str] = []
    for name, value in environment.variables.items():
        shown = "<dynamic>" if name in environment.dynamic else policy.display(name, value)
        origin = environment.origins.get(name)
        lines.append(f"{escape(name)}={shown}" + (f"  ({escape(origin)})" if origin else ""))
    lines += [f"{escape(n)} is unset  ({escape(environment.origins.get(n, ''))})" for n in environment.unset]
    for name, loaded in (environment.loaded or {}).items():
        shown = _shown(name, loaded, policy)
        lines.append(f"{escape(name)} is loaded as {shown}: a daemon-reload is needed")
    for problem in environment.problems:
        where = f"line {problem.line}: " if problem.line is not None else ""
        lines.append(f"problem: {where}{escape(problem.message)}")
    return lines

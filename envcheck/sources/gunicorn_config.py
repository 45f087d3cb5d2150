"""Gunicorn's configuration file, read statically: `raw_env` and `preload_app` where they are literals.

The file is Python and is never run. What is no literal is `dynamic`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from envcheck.model import Assignment, Parsed, Problem


def raw_env(entries: Iterable[str], line: int = 1) -> tuple[Assignment, ...]:
    """Split `NAME=value` as gunicorn/config.py: validate_string() strips, Config.env splits at the first."""
    pairs = (entry.strip().partition("=") for entry in entries)
    return tuple(Assignment(name, value, line) for name, separator, value in pairs if separator)


def parse(content: bytes) -> Parsed:
    """Say what `raw_env` sets; the last assignment at the top level of the module counts."""
    try:
        node = _assigned(content, "raw_env")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        return Parsed(problems=(Problem(line, "it is no Python: gunicorn refuses it"),), refused=True)
    if node is None:
        return Parsed()
    if not isinstance(node, ast.List | ast.Tuple):
        return Parsed(problems=(Problem(node.lineno, "raw_env is computed: only running it could tell"),))
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for item in node.elts:
        found = _entry(item)
        if found:
            assignments.append(found)
        else:
            problems.append(Problem(item.lineno, "an entry of raw_env is computed, or no NAME=value"))
    return Parsed(tuple(assignments), tuple(problems))


def preload_app(content: bytes) -> bool | None:
    """Tell whether the master loads the application; None: only running the file could tell."""
    try:
        node = _assigned(content, "preload_app")
        everywhere = _mentions(content, "preload_app")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if node is None:
        return None if everywhere else False
    return bool(node.value) if isinstance(node, ast.Constant) else None


def changes_folder(content: bytes) -> bool:
    """Tell whether it names another working directory; what is no Python does not come up anyhow."""
    try:
        return _assigned(content, "chdir") is not None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def doubts(content: bytes) -> str:
    """Say why the file may set variables that `parse` does not tell of; "" where it cannot."""
    parsed = parse(content)
    if parsed.problems:
        return parsed.problems[0].message
    plain = sum(_sets(statement, "raw_env") for statement in ast.parse(content).body)
    if _mentions(content, "raw_env") > plain:
        return "raw_env is not only set at the top level, once and for all"
    return "it uses os.environ" if _mentions(content, "environ") else ""


def _sets(statement: ast.stmt, name: str) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    plain = isinstance(statement, ast.Assign | ast.AnnAssign)
    return plain and any(isinstance(t, ast.Name) and t.id == name for t in targets)


def _mentions(content: bytes, name: str) -> int:
    nodes = ast.walk(ast.parse(content))
    return sum(
        (isinstance(n, ast.Name) and n.id == name) or (isinstance(n, ast.Attribute) and n.attr == name)
        for n in nodes
    )


def _assigned(content: bytes, name: str) -> ast.expr | None:
    """Give the expression last assigned to *name* at the top level."""
    found: ast.expr | None = None
    for statement in ast.parse(content).body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                targets = [target]
            case _:
                continue
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            found = value
    return found


def _entry(node: ast.expr) -> Assignment | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return next(iter(raw_env([node.value], node.lineno)), None)
    if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        # f"NAME={...}": the name can be told, the value cannot.
        name, separator, _ = str(node.values[0].value).partition("=")
        return Assignment(name, "", node.lineno, dynamic=True) if separator else None
    return None

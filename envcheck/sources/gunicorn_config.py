"""Gunicorn's configuration file, read statically: `raw_env`, `preload_app`, and what code does to os.environ.

The file is Python and is never run. What is no literal is `dynamic`. Order and occasion of the hooks:
gunicorn/arbiter.py.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import NamedTuple

from envcheck.model import Assignment, Parsed, Problem
from envcheck.sources import gunicorn_raw_env, python_names
from envcheck.sources.python_environ import Environ
from envcheck.suspicion import words as names

raw_env = gunicorn_raw_env.split

HOOKS = names(
    "on_starting on_reload when_ready pre_fork post_fork post_worker_init pre_exec worker_int worker_abort "
    "pre_request post_request child_exit worker_exit nworkers_changed on_exit ssl_context"
)
NO_PYTHON = Parsed(problems=(Problem(None, "it is no Python: gunicorn refuses it"),), refused=True)


class Scanned(NamedTuple):
    raw_env: Parsed
    environ: Parsed  # by code: at the top level, and in hooks
    reexec: int | None = None  # the line where pre_exec gives the next master another environment


def parse(content: bytes) -> Parsed:
    """Say what the file sets; each assignment says by what: `raw_env`, `os.environ`, or a hook."""
    found = scan(content)
    if found.raw_env.refused:
        return found.raw_env
    return Parsed(
        found.raw_env.assignments + found.environ.assignments, found.raw_env.problems + found.environ.problems
    )


@lru_cache(maxsize=32)
def scan(content: bytes) -> Scanned:
    try:
        tree = ast.parse(content)
    except SyntaxError as error:
        refused = NO_PYTHON._replace(problems=(NO_PYTHON.problems[0]._replace(line=error.lineno),))
        return Scanned(refused, refused)
    except (ValueError, RecursionError, MemoryError):
        return Scanned(NO_PYTHON, NO_PYTHON)
    hooks = {s.name: s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name in HOOKS}
    plain = [s for s in tree.body if not (isinstance(s, ast.FunctionDef) and s.name in HOOKS)]
    known = python_names.names(tree, [tree.body, *(hook.body for hook in hooks.values())])
    parts = [Environ(plain, "os.environ", known)]
    parts += (Environ(hook.body, name, known) for name, hook in hooks.items())
    assignments: list[Assignment] = [a for part in parts for a in part.assignments]
    # What is done when it re-execs, or ends, is not done for a fresh process.
    problems = [p for part in parts if part.by in ENTER for p in part.problems]
    environ = Parsed(tuple(assignments), tuple(problems))
    return Scanned(gunicorn_raw_env.read(tree), environ, _reexec(hooks.get("pre_exec")))


def broken(content: bytes) -> int | None:
    """Give the line at which it is no Python: of the version that runs this, and of those before."""
    found = scan(content)
    return found.environ.problems[0].line if found.environ.refused else None


ENTER = names("os.environ on_starting when_ready pre_fork post_fork post_worker_init")


def _reexec(hook: ast.FunctionDef | None) -> int | None:
    """Arbiter.reexec() execs with a copy of cfg.env_orig: os.environ has no part in it."""
    nodes = ast.walk(hook) if hook else ()
    return next((n.lineno for n in nodes if isinstance(n, ast.Attribute) and n.attr == "env_orig"), None)


def preload_app(content: bytes) -> bool | None:
    """Tell whether the master loads the application; None: only running the file could tell."""
    found = _constant(content, "preload_app", default=False)
    return None if found is None else bool(found)


def workers(content: bytes, default: int | None) -> int | None:
    """Give how many workers it asks for; None: only running the file could tell."""
    found = _constant(content, "workers", default=default)
    return found if isinstance(found, int) else None


def _constant(content: bytes, name: str, *, default: object) -> object:
    """Give what a setting is assigned, the default where it is not mentioned; None: that is computed."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    node = _assigned(tree, name)
    if node is None:
        return None if _mentions(tree, name) else default
    return node.value if isinstance(node, ast.Constant) else None


def changes_folder(content: bytes) -> bool:
    """Tell whether it names another working directory; what is no Python does not come up anyhow."""
    try:
        return _assigned(ast.parse(content), "chdir") is not None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


@lru_cache(maxsize=32)
def folder(content: bytes) -> str | None:
    """Give the working directory that it names; None: none, or one that only running it could tell."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return python_names.names(tree, [tree.body]).text(_assigned(tree, "chdir"))


def _mentions(tree: ast.Module, name: str) -> bool:
    return any(
        (isinstance(n, ast.Name) and n.id == name) or (isinstance(n, ast.Attribute) and n.attr == name)
        for n in ast.walk(tree)
    )


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """Give the expression last assigned to *name* at the top level."""
    found: ast.expr | None = None
    for statement in tree.body:
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

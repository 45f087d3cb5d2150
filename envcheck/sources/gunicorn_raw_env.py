"""`raw_env` in Gunicorn's configuration file: lists of literals, put together at the top level of the module.

gunicorn/config.py: validate_list_string() takes a text apart at its commas, Config.env splits an entry at
its first `=`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

from envcheck.model import Assignment, Parsed, Problem

BY = "raw_env"


class Entries(NamedTuple):
    """A list as far as it is known."""

    assignments: tuple[Assignment, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __add__(self, other: object) -> Entries:
        assert isinstance(other, Entries)
        return Entries(self.assignments + other.assignments, self.problems + other.problems)

    def doubted(self) -> Entries:
        """Give the same where it is not known whether it counts."""
        made = tuple(a._replace(value="", dynamic=True) for a in self.assignments)
        return Entries(made, self.problems)


def split(entries: Iterable[str], line: int = 1) -> tuple[Assignment, ...]:
    """Split `NAME=value` as gunicorn/config.py: validate_string() strips, Config.env splits at the first."""
    pairs = (entry.strip().partition("=") for entry in entries)
    return tuple(Assignment(name, value, line, by=BY) for name, separator, value in pairs if separator)


def read(tree: ast.Module) -> Parsed:
    """Say what `raw_env` is when the module has been run."""
    lists: dict[str, Entries] = {}
    for statement in tree.body:
        if not _plain(statement, lists):
            _within(statement, lists)
    found = lists.get("raw_env", Entries())
    return Parsed(found.assignments, found.problems)


def _plain(statement: ast.stmt, lists: dict[str, Entries]) -> bool:
    """Follow a statement that makes or extends a list; False: it is something else."""
    match statement:
        case ast.Assign(targets=targets, value=value) if all(isinstance(t, ast.Name) for t in targets):
            names = [t.id for t in targets if isinstance(t, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            names = [name]
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
            lists[name] = lists.get(name, Entries()) + _list(value, lists)
            return True
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr), args=[value])
        ) if attr in ("append", "extend") and name in lists:
            added = _list(value, lists) if attr == "extend" else _entry(value)
            lists[name] += added
            return True
        case _:
            return False
    for name in names:
        lists[name] = _list(value, lists)
    return True


def _within(statement: ast.stmt, lists: dict[str, Entries]) -> None:
    """A condition, a loop, a function: what it does to a list may be done or not."""
    inner = [n for n in ast.walk(statement) if isinstance(n, ast.stmt)]
    for leaf in (n for n in inner if not any(isinstance(c, ast.stmt) for c in ast.iter_child_nodes(n))):
        changed = _changed(leaf) & (lists.keys() | {BY})
        before = {name: lists.get(name, Entries()) for name in changed}
        lists |= before if changed else {}
        if changed and _plain(leaf, lists):
            lists |= {name: _perhaps(before[name], lists[name]) for name in changed}
        else:
            lists |= {name: before[name] + _computed(leaf.lineno) for name in changed}


def _perhaps(before: Entries, after: Entries) -> Entries:
    """Give a list that was changed, or was not."""
    size = len(before.assignments)
    if after.assignments[:size] == before.assignments:
        return before + Entries(after.assignments[size:], after.problems[len(before.problems) :]).doubted()
    return before.doubted() + after.doubted()


def _changed(leaf: ast.stmt) -> set[str]:
    """Give the names that a statement sets, or calls a method of."""
    found: set[str] = set()
    for node in ast.walk(leaf):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.Attribute(value=ast.Name(id=name)):
                found.add(name)
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                found.add(name)
            case _:
                pass
    return found


def _computed(line: int) -> Entries:
    return Entries(problems=(Problem(line, "computes raw_env: only running it could tell"),))


def _list(node: ast.expr, lists: dict[str, Entries]) -> Entries:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            found = Entries()
            for item in items:
                found += _list(item.value, lists) if isinstance(item, ast.Starred) else _entry(item)
            return found
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _list(left, lists) + _list(right, lists)
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[inner], keywords=[]):
            return _list(inner, lists)
        case ast.Name(id=name) if name in lists:
            return lists[name]
        case ast.Constant(value=str() as text):
            return Entries(split(text.split(","), node.lineno))
        case _:
            return _computed(node.lineno)


def _entry(node: ast.expr) -> Entries:
    """`"NAME=value"`; where only its beginning is literal, the name can be told and the value cannot."""
    text, whole = _beginning(node)
    name, separator, value = text.strip().partition("=")
    if not separator:
        return Entries(
            problems=(Problem(node.lineno, "has an entry of raw_env that is computed, or no NAME=value"),)
        )
    made = Assignment(name, value if whole else "", node.lineno, dynamic=not whole, by=BY)
    return Entries((made,))


def _beginning(node: ast.expr) -> tuple[str, bool]:
    """Give the text that an expression begins with, and whether that is all of it."""
    match node:
        case ast.Constant(value=str() as text):
            return text, True
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *rest]):
            return text, not rest
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            text, whole = _beginning(left)
            more, ended = _beginning(right) if whole else ("", False)
            return text + more, whole and ended
        case ast.BinOp(left=left, op=ast.Mod()):
            return _beginning(left)[0].partition("%")[0], False
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return text.partition("{")[0], False
        case _:
            return "", False

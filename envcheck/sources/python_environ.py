"""What Python code does to os.environ, read from its syntax tree. Nothing is run.

A literal is a value; what depends on anything else is `dynamic`, and what may set variables that are not
named is a problem.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envcheck.model import Assignment, Problem
from envcheck.suspicion import words as names

READS = names("get items keys values copy encodekey decodekey")
# Functions that fill os.environ from files, or run other code.
RUNS = names("load_dotenv read_env read_envfile read_dotenv exec execfile run_path run_module")
READERS = names("dict len list sorted set bool repr str print iter isinstance frozenset tuple")

Blocks = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.Match
Functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


class Environ:
    """The writes in a list of statements, in their order. *by* says of what they are a part."""

    def __init__(self, body: list[ast.stmt], by: str) -> None:
        self.by = by
        self.assignments: list[Assignment] = []
        self.problems: list[Problem] = []
        certain = True
        for statement in body:
            if not (certain and self._plain(statement)):
                self._within(statement)
            certain = certain and not _leaves(statement)

    def _set(self, name: str, line: int, value: ast.expr | None = None, *, keeps: bool = False) -> None:
        """Note a variable; a value that is no literal text is dynamic."""
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self.assignments.append(Assignment(name, value.value, line, by=self.by, keeps=keeps))
        else:
            self.assignments.append(Assignment(name, "", line, dynamic=True, by=self.by))

    def _unset(self, name: str, line: int) -> None:
        self.assignments.append(Assignment(name, None, line, by=self.by))

    def _doubt(self, line: int, what: str) -> None:
        self.problems.append(Problem(line, what))

    # --- what is run in any case ----------------------------------------------------------------------

    def _plain(self, statement: ast.stmt) -> bool:
        """Note a statement that writes literals by itself; False: there is more to it."""
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=held, slice=key)], value=ast.Constant() as value):
                return self._element(held, key, value, statement.lineno)
            case ast.Delete(targets=targets):
                names = [_key(t) for t in targets]
                if not all(names):
                    return False
                for name in names:
                    self._unset(str(name), statement.lineno)
                return True
            case ast.AugAssign(target=target, op=ast.BitOr(), value=ast.Dict() as value):
                return is_environ(target) and self._pairs(value, {}, statement.lineno)
            case ast.Expr(value=ast.Call() as call):
                return self._call(call)
            case _:
                return False

    def _element(self, held: ast.expr, key: ast.expr, value: ast.Constant, line: int) -> bool:
        name = _text(key)
        if not is_environ(held) or name is None:
            return False
        self._set(name, line, value)
        return True

    def _call(self, call: ast.Call) -> bool:
        method, line = _method(call), call.lineno
        names = [_text(a) for a in call.args]
        match method, call.args:
            case ("setdefault", [_, value]) if names[0] is not None and _is_text(value):
                self._set(names[0], line, value, keeps=True)
            case ("pop", [_] | [_, _]) if names[0] is not None:
                self._unset(names[0], line)
            case ("putenv", [_, value]) if names[0] is not None:
                self._set(names[0], line, value)
            case ("unsetenv", [_]) if names[0] is not None:
                self._unset(names[0], line)
            case ("update", []) | ("update", [ast.Dict()]):
                given = call.args[0] if call.args else ast.Dict([], [])
                words = {k.arg: k.value for k in call.keywords}
                return isinstance(given, ast.Dict) and self._pairs(given, words, line)
            case _:
                return False
        return not any(_writes(a) for a in call.args)

    def _pairs(self, given: ast.Dict, words: dict[str | None, ast.expr], line: int) -> bool:
        pairs = [(key and _text(key), value) for key, value in zip(given.keys, given.values, strict=True)]
        pairs += list(words.items())
        if any(name is None for name, _ in pairs):
            return False
        for name, value in pairs:
            self._set(str(name), getattr(value, "lineno", line), value)
        return True

    # --- what may be run ------------------------------------------------------------------------------

    def _within(self, statement: ast.stmt) -> None:
        """Note what stands anywhere in a statement: whether it is run, and with what, is not known."""
        parents = {child: node for node in ast.walk(statement) for child in ast.iter_child_nodes(node)}
        for node in _in_order(statement):
            if isinstance(node, ast.Call):
                self._possible_call(node)
            elif is_environ(node) and not isinstance(parents.get(node), ast.alias):
                self._use(node, parents)

    def _possible_call(self, call: ast.Call) -> None:
        method = _method(call)
        name = _text(call.args[0]) if call.args else None
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if method in ("setdefault", "pop", "putenv", "unsetenv"):
            if name is None:
                self._doubt(call.lineno, "sets a variable whose name is computed")
            else:
                self._set(name, call.lineno)
        elif method == "update":
            given = call.args[0] if call.args else ast.Dict([], [])
            keys = [key and _text(key) for key in given.keys] if isinstance(given, ast.Dict) else [None]
            found = [*keys, *(k.arg for k in call.keywords)]
            if any(n is None for n in found):
                self._doubt(call.lineno, "calls os.environ.update with names that are computed")
            for each in found:
                if each is not None:
                    self._set(each, call.lineno)
        elif called in RUNS:
            self._doubt(call.lineno, f"runs {called}")

    def _use(self, node: ast.expr, parents: dict[ast.AST, ast.AST]) -> None:
        """Judge one mention of os.environ that is no call of a method that sets."""
        parent = parents.get(node)
        above = parents.get(parent) if parent else None
        line = node.lineno
        match parent:
            case ast.Subscript(slice=key, ctx=ast.Store() | ast.Del()):
                name = _text(key)
                if name is None:
                    self._doubt(line, "sets a variable whose name is computed")
                else:
                    self._set(name, line)
            case ast.Subscript() | ast.Compare() | ast.FormattedValue() | ast.For() | ast.comprehension():
                return
            case ast.keyword(arg=None) | ast.Dict():
                return
            case ast.Call(func=ast.Name(id=called)) if called in READERS:
                return
            case ast.Attribute(attr=attr) if attr in READS or (isinstance(above, ast.Call) and attr in SETS):
                return
            case ast.Attribute(attr=attr):
                self._doubt(line, f"uses os.environ.{attr}")
            case ast.AugAssign(value=ast.Dict(keys=keys)) if all(
                k is not None and _text(k) is not None for k in keys
            ):
                for each in keys:
                    self._set(str(each and _text(each)), line)
            case _:
                self._doubt(line, "hands os.environ on")


SETS = frozenset({"setdefault", "pop", "update"})


def is_environ(node: ast.AST) -> bool:
    """Tell whether an expression is os.environ, however it was imported; os.environb counts too."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in ("environ", "environb")


def _method(call: ast.Call) -> str:
    """Give the name of a method of os.environ, or `putenv`, `unsetenv` of os."""
    func = call.func
    if isinstance(func, ast.Attribute) and is_environ(func.value):
        return func.attr
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    return str(name) if name in ("putenv", "unsetenv") else ""


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_text(node: ast.expr) -> bool:
    return _text(node) is not None


def _key(target: ast.expr) -> str | None:
    return _text(target.slice) if isinstance(target, ast.Subscript) and is_environ(target.value) else None


def _writes(node: ast.AST) -> bool:
    """Tell whether an expression has a call in it that may set a variable."""
    return any(
        isinstance(n, ast.Call) and (_method(n) or getattr(n.func, "id", "") in RUNS) for n in ast.walk(node)
    )


def _leaves(statement: ast.stmt) -> bool:
    """Tell whether what follows a statement may not be reached."""
    if isinstance(statement, Functions):
        return False
    return any(isinstance(n, ast.Return | ast.Break | ast.Continue) for n in _own(statement))


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Give what is run as a part of a statement: not the bodies of functions in it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, Functions)]


def _in_order(statement: ast.stmt) -> list[ast.expr]:
    nodes = [n for n in ast.walk(statement) if isinstance(n, ast.expr)]
    return sorted(nodes, key=lambda n: (n.lineno, n.col_offset))

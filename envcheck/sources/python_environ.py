"""What Python code does to os.environ, read from its syntax tree. Nothing is run.

A literal is a value, also by a name that is bound once, or in a loop over literals; what depends on anything
else is `dynamic`, and what may set variables that are not named is a problem.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envcheck.model import Assignment, Problem
from envcheck.sources.python_names import Names, Pairs
from envcheck.suspicion import words as names

READS = names("get items keys values copy encodekey decodekey")
# Functions that fill os.environ from files, or run other code.
RUNS = names("load_dotenv read_env read_envfile read_dotenv exec execfile run_path run_module")
READERS = names("dict len list sorted set bool repr str print iter isinstance frozenset tuple")

ROUNDS = 1000  # of all loops that are followed

Blocks = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.Match
Functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


class Environ:
    """The writes in a list of statements, in their order. *by* says of what they are a part."""

    def __init__(self, body: list[ast.stmt], by: str, known: Names) -> None:
        self.by = by
        self.names = known
        self.assignments: list[Assignment] = []
        self.problems: list[Problem] = []
        self.rounds = 0
        certain = True
        for statement in body:
            self._statement(statement, certain=certain)
            certain = certain and not _leaves(statement)

    def _statement(self, statement: ast.stmt, *, certain: bool) -> None:
        if not (certain and (self._plain(statement) or self._loop(statement))):
            self._within(statement)

    def _set(self, name: str, line: int, value: ast.AST | None = None, *, keeps: bool = False) -> None:
        """Note a variable; a value that is no literal text is dynamic."""
        text = self.names.text(value)
        if text is not None:
            self.assignments.append(Assignment(name, text, line, by=self.by, keeps=keeps))
        else:
            self.assignments.append(Assignment(name, "", line, dynamic=True, by=self.by))

    def _unset(self, name: str, line: int) -> None:
        self.assignments.append(Assignment(name, None, line, by=self.by))

    def _doubt(self, line: int, what: str) -> None:
        if (problem := Problem(line, what)) not in self.problems:
            self.problems.append(problem)

    # --- what is run in any case ----------------------------------------------------------------------

    def _plain(self, statement: ast.stmt) -> bool:
        """Note a statement that writes literals by itself; False: there is more to it."""
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=held, slice=key)], value=value):
                return self._element(held, key, value, statement.lineno)
            case ast.Delete(targets=targets):
                names = [self._key(t) for t in targets]
                if not all(names):
                    return False
                for name in names:
                    self._unset(str(name), statement.lineno)
                return True
            case ast.AugAssign(target=target, op=ast.BitOr(), value=value):
                return self.names.is_environ(target) and self._pairs(
                    self.names.pairs(value), statement.lineno
                )
            case ast.Expr(value=ast.Call() as call):
                return self._call(call)
            case _:
                return False

    def _loop(self, loop: ast.stmt) -> bool:
        """Follow a loop over literals, round by round; False: it is something else."""
        if not isinstance(loop, ast.For) or loop.orelse or any(map(_leaves, loop.body)):
            return False
        rows = self.names.rows(loop.target, loop.iter)
        rebound = {n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and _is_stored(n)}
        if rows is None or any(rebound & row.keys() for row in rows):
            return False
        self.rounds += len(rows)
        if self.rounds > ROUNDS:
            return False
        before = self.names
        for row in rows:
            self.names = before.given(row)
            for statement in loop.body:
                self._statement(statement, certain=True)
        self.names = before
        return True

    def _element(self, held: ast.expr, key: ast.expr, value: ast.expr, line: int) -> bool:
        name = self.names.text(key)
        if not self.names.is_environ(held) or name is None or self.names.text(value) is None:
            return False
        self._set(name, line, value)
        return True

    def _call(self, call: ast.Call) -> bool:
        method, line = self._method(call), call.lineno
        names = [self.names.text(a) for a in call.args]
        match method, call.args:
            case ("setdefault", [_, value]) if names[0] is not None and names[1] is not None:
                self._set(names[0], line, value, keeps=True)
            case ("pop", [_] | [_, _]) if names[0] is not None:
                self._unset(names[0], line)
            case ("putenv", [_, value]) if names[0] is not None:
                self._set(names[0], line, value)
            case ("unsetenv", [_]) if names[0] is not None:
                self._unset(names[0], line)
            case ("update", [] | [_]):
                return not any(map(self._writes, call.args)) and self._pairs(self._updated(call), line)
            case _:
                return False
        return not any(map(self._writes, call.args))

    def _updated(self, call: ast.Call) -> Pairs:
        given = [p for a in call.args[:1] for p in self.names.pairs(a)]
        return given + self.names.keywords(call.keywords)

    def _pairs(self, pairs: Pairs, line: int) -> bool:
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
            elif self.names.is_environ(node) and not isinstance(parents.get(node), ast.alias):
                self._use(node, parents)

    def _possible_call(self, call: ast.Call) -> None:
        method = self._method(call)
        name = self.names.text(call.args[0]) if call.args else None
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if method in ("setdefault", "pop", "putenv", "unsetenv"):
            self._named(name, call.lineno)
        elif method == "update":
            for each in [each for each, _ in self._updated(call)]:
                self._named(each, call.lineno, "calls os.environ.update with names that are computed")
        elif called in RUNS:
            self._doubt(call.lineno, f"runs {called}")
        elif called == "getattr" and [self.names.text(a) for a in call.args[1:2]] == ["environ"]:
            self._doubt(call.lineno, "hands os.environ on")

    def _named(
        self, name: str | None, line: int, computed: str = "sets a variable whose name is computed"
    ) -> None:
        if name is None:
            self._doubt(line, computed)
        else:
            self._set(name, line)

    def _use(self, node: ast.expr, parents: dict[ast.AST, ast.AST]) -> None:
        """Judge one mention of os.environ that is no call of a method that sets."""
        parent = parents.get(node)
        above = parents.get(parent) if parent else None
        line = node.lineno
        match parent:
            case ast.Subscript(slice=key, ctx=ast.Store() | ast.Del()):
                self._named(self.names.text(key), line)
            case ast.Subscript() | ast.Compare() | ast.FormattedValue() | ast.For() | ast.comprehension():
                return
            case ast.keyword(arg=None) | ast.Dict():
                return
            case ast.Assign(targets=[ast.Name(id=name)]) if name in self.names.aliases:
                return
            case ast.Call(func=ast.Name(id=called)) if called in READERS:
                return
            case ast.Attribute(attr=attr) if attr in READS or (isinstance(above, ast.Call) and attr in SETS):
                return
            case ast.Attribute(attr=attr):
                self._doubt(line, f"uses os.environ.{attr}")
            case ast.AugAssign(value=value) if all(name for name, _ in self.names.pairs(value)):
                for each, _ in self.names.pairs(value):
                    self._set(str(each), line)
            case _:
                self._doubt(line, "hands os.environ on")

    def _method(self, call: ast.Call) -> str:
        """Give the name of a method of os.environ, or `putenv`, `unsetenv` of os."""
        func = call.func
        if isinstance(func, ast.Attribute) and self.names.is_environ(func.value):
            return func.attr
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        return str(name) if name in ("putenv", "unsetenv") else ""

    def _key(self, target: ast.expr) -> str | None:
        of_environ = isinstance(target, ast.Subscript) and self.names.is_environ(target.value)
        return self.names.text(target.slice) if of_environ and isinstance(target, ast.Subscript) else None

    def _writes(self, node: ast.AST) -> bool:
        """Tell whether an expression has a call in it that may set a variable."""
        return any(
            isinstance(n, ast.Call) and (self._method(n) or getattr(n.func, "id", "") in RUNS)
            for n in ast.walk(node)
        )


SETS = frozenset({"setdefault", "pop", "update"})


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store | ast.Del)


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

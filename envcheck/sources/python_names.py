"""What Python text says without being run: literals, and names that are bound once, to literals."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

# What an iteration, or an update, goes over: a name where it is known, and an expression.
Pairs = list[tuple[str | None, ast.AST]]
ENVIRON = ("environ", "environb")


class Names(NamedTuple):
    """The names of a module by what they stand for."""

    bound: Mapping[str, ast.AST] = {}  # an expression that is never another one
    aliases: frozenset[str] = frozenset()  # other names of os.environ

    def given(self, row: Mapping[str, ast.AST]) -> Names:
        """Give the names as they are in one round of a loop."""
        return self._replace(bound={**self.bound, **row})

    def is_environ(self, node: ast.AST) -> bool:
        """Tell whether an expression is os.environ, however it was imported; os.environb counts too."""
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        return name in ENVIRON or (isinstance(node, ast.Name) and name in self.aliases)

    def text(self, node: ast.AST | None) -> str | None:
        """Give a text that is put together of literals, and of names that are one."""
        parts = [self._part(part) for part in _spine(node, ast.Add)] if node else [None]
        return None if None in parts else "".join(map(str, parts))

    def _part(self, node: ast.AST) -> str | None:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Name(id=name):
                found = self.bound.get(name)
                return self._part(found) if isinstance(found, ast.Constant) else None
            case ast.JoinedStr(values=values):
                parts = [self._part(v) for v in values]
                return None if None in parts else "".join(map(str, parts))
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self._part(value)
            case _:
                return None

    def pairs(self, node: ast.AST) -> Pairs:
        """Give the pairs of what makes a dict; a name that is None stands for whatever it may be."""
        match node:
            case ast.Dict(keys=keys, values=values):
                both = zip(keys, values, strict=True)
                return [p for k, v in both for p in ([(self.text(k), v)] if k else self.pairs(v))]
            case ast.Call(func=ast.Name(id="dict"), args=[] | [_], keywords=keywords):
                return [*(p for a in node.args for p in self.pairs(a)), *self.keywords(keywords)]
            case ast.BinOp(op=ast.BitOr()):
                return [p for part in _spine(node, ast.BitOr) for p in self.pairs(part)]
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [p for item in items for p in self._pair(item)]
            case ast.Name(id=name) if name in self.bound:
                return self._without(name).pairs(self.bound[name])
            case _:
                return [(None, node)]

    def keywords(self, given: Iterable[ast.keyword]) -> Pairs:
        return [p for k in given for p in ([(k.arg, k.value)] if k.arg else self.pairs(k.value))]

    def rows(self, target: ast.expr, over: ast.expr) -> list[Mapping[str, ast.AST]] | None:
        """Give what a loop binds, round by round; None: it is not known."""
        match target, over:
            case ast.Name(id=name), _:
                items = self.items(over)
                return None if items is None else [{name: self._known(item)} for item in items]
            case ast.Tuple(elts=[ast.Name(id=name), ast.Name(id=value)]), ast.Call(
                func=ast.Attribute(value=of, attr="items"), args=[], keywords=[]
            ):
                found = self.pairs(of)
            case ast.Tuple(elts=[ast.Name(id=name), ast.Name(id=value)]), ast.List() | ast.Tuple():
                found = self.pairs(over)
            case _:
                return None
        if any(key is None for key, _ in found):
            return None
        return [{name: ast.Constant(key), value: self._known(given)} for key, given in found]

    def _known(self, node: ast.AST) -> ast.AST:
        text = self.text(node)
        return node if text is None else ast.Constant(text)

    def items(self, node: ast.AST) -> Sequence[ast.AST] | None:
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return None if any(isinstance(i, ast.Starred) for i in items) else items
            case ast.Name(id=name) if name in self.bound:
                return self._without(name).items(self.bound[name])
            case ast.Dict(keys=keys):
                return None if None in keys else [k for k in keys if k]
            case _:
                return None

    def _pair(self, node: ast.AST) -> Pairs:
        match node:
            case ast.Tuple(elts=[key, value]) | ast.List(elts=[key, value]):
                return [(self.text(key), value)]
            case _:
                return [(None, node)]

    def _without(self, name: str) -> Names:
        """Give the others: what a name stands for does not have it."""
        return self._replace(bound={n: v for n, v in self.bound.items() if n != name})


def _spine(node: ast.AST, op: type[ast.operator]) -> list[ast.AST]:
    """Give what an operator joins: a long chain of it is nested deeply."""
    found: list[ast.AST] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, op):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def names(tree: ast.Module, blocks: Iterable[Sequence[ast.stmt]]) -> Names:
    """Find the names that stand for one thing as long as the module is used; *blocks* are run whole."""
    stored = Counter(_stored(tree))
    loaded = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    environ = Names()
    bound: dict[str, ast.AST] = {}
    aliases: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            aliases |= {a.asname for a in node.names if a.name in ENVIRON and a.asname}
    for statement in (s for block in blocks for s in block):
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                if environ.is_environ(value):
                    aliases.add(name)
                # What can be changed must not be in other hands.
                elif isinstance(value, ast.Constant) or loaded[name] == 1:
                    bound[name] = value
            case _:
                pass
    if "*" in stored:
        return Names()
    once = {name for name, count in stored.items() if count == 1}
    return Names({n: v for n, v in bound.items() if n in once}, frozenset(aliases & once))


def _stored(tree: ast.Module) -> Iterator[str]:
    """Give every name that something is bound to, as often as it is."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                yield name
            case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
                yield name
            case _:
                pass

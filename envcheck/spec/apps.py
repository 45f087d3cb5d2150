"""`apps`: which servers are meant, and what is expected of them."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping
from functools import partial

from envcheck.model import App, Match
from envcheck.spec import document
from envcheck.spec.document import Node, Scalar
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import Reader, Table, absolute, choice, listed, many, pattern, text, texts
from envcheck.spec.rules import expectations
from envcheck.spec.sources import sources

LATER = frozenset(["extends", "instances", "workers", "options", "env_patterns", "groups", "restart"])
LATER_MATCH = frozenset(["unit", "supervisor_program", "container", "listen", "env_has", "hosts"])
NAME = frozenset(string.ascii_letters + string.digits + "._@-")


def app_table(folder: str, servers: Collection[str]) -> Table:
    """Make the table of an app; relative paths start at *folder*."""
    readers: Mapping[str, Reader] = {
        "description": text,
        "owner": text,
        "docs": text,
        "match": partial(_matches, match_table(servers)),
        "sources": partial(sources, folder=folder),
        "env": expectations,
    }
    return Table("an app", readers, LATER)


def match_table(servers: Collection[str]) -> Table:
    readers: Mapping[str, Reader] = {
        "server": many(choice({name: name for name in servers})),
        "cwd": texts,
        "pidfile": many(absolute),
        "user": texts,
        "pid": many(_pid),
        "cmdline": many(pattern),
    }
    return Table("a match", readers, LATER_MATCH)


def apps(node: Node, table: Table) -> tuple[App, ...]:
    if not isinstance(node, document.Mapping) or not node.items:
        raise Fault(node.line, "'apps' must be a mapping with at least one app")
    return tuple(_app(name, body, table) for name, body in node.items)


def _app(name: Scalar, body: Node, table: Table) -> App:
    if not name.text[:1].isalnum() or not NAME.issuperset(name.text):
        raise Fault(
            name.line, f"{quoted(name.text)} is no name of an app: letters, digits, '.', '_', '@', '-'"
        )
    if isinstance(body, Scalar) and body.null:
        return App(name.text, (), (), ())
    given = table.read(body).values
    return App(
        name=name.text,
        matches=given.get("match", ()),
        sources=given.get("sources", ()),
        expectations=given.get("env", ()),
        description=given.get("description", ""),
    )


def _matches(table: Table, node: Node) -> tuple[Match, ...]:
    """Read a mapping, or a list of them of which one is enough."""
    if isinstance(node, document.Mapping):
        return (_match(table, node),)
    read: tuple[Match, ...] = listed(partial(_match, table))(node)
    return read


def _match(table: Table, node: Node) -> Match:
    given = table.read(node).values
    if not given:
        raise Fault(node.line, "a match needs at least one key")
    return Match(**given)


def _pid(node: Node) -> str:
    pid = text(node)
    if not (pid.isascii() and pid.isdigit()):
        raise Fault(node.line, "a process id is a number")
    return pid

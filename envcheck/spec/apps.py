"""`apps`: which servers are meant, and what is expected of them."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping
from functools import partial

from envcheck.model import App, Constraint, Count, Expectation, Match
from envcheck.spec import document
from envcheck.spec.document import Node, Scalar
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import Reader, Table, absolute, choice, listed, many, pattern, text, texts
from envcheck.spec.groups import groups
from envcheck.spec.rules import patterns, rules
from envcheck.spec.shapes import length
from envcheck.spec.sources import sources

LATER = frozenset(["extends", "restart"])
LATER_OPTIONS = frozenset(["severity", "secret", "unexpected", "stale", "inconsistent"])
OPTIONS = Table("the options", {"ignore": texts}, LATER_OPTIONS)
COUNT = Table("a count", {"min": length, "max": length})
HIGHEST_PORT = 65535
NAME = frozenset(string.ascii_letters + string.digits + "._@-")


def app_table(folder: str, servers: Collection[str]) -> Table:
    """Make the table of an app; relative paths start at *folder*."""
    readers: Mapping[str, Reader] = {
        "description": text,
        "owner": text,
        "docs": text,
        "match": partial(_matches, match_table(servers)),
        "sources": partial(sources, folder=folder),
        "env": rules,
        "env_patterns": patterns,
        "groups": groups,
        "options": OPTIONS.read,
        "workers": _count,
        "instances": _count,
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
        "unit": texts,
        "supervisor_program": texts,
        "container": texts,
        "listen": many(_port),
        "port": many(_port),
        "env_has": _environment,
        "hosts": texts,
    }
    return Table("a match", readers)


def apps(node: Node, table: Table) -> tuple[App, ...]:
    if not isinstance(node, document.Mapping) or not node.items:
        raise Fault(node.line, f"'{_key(table)}' must be a mapping with at least one app")
    return tuple(_app(name, body, table) for name, body in node.items)


def _key(table: Table) -> str:
    return "templates" if table.what == "a template" else "apps"


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
        expectations=tuple(r for r in given.get("env", ()) if isinstance(r, Expectation)),
        description=given.get("description", ""),
        constraints=(
            *(r for r in given.get("env", ()) if isinstance(r, Constraint)),
            *given.get("groups", ()),
        ),
        patterns=given.get("env_patterns", ()),
        ignore=given["options"].values.get("ignore", ()) if "options" in given else (),
        workers=given.get("workers"),
        instances=given.get("instances"),
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
    ports = {"listen": (*given.get("listen", ()), *given.get("port", ()))}
    return Match(**{key: value for key, value in {**given, **ports}.items() if key != "port"})


def _port(node: Node) -> str:
    port = length(node)
    if not 0 < int(port) <= HIGHEST_PORT:
        raise Fault(node.line, "a port is a number from 1 to 65535")
    return str(int(port))


def _environment(node: Node) -> tuple[str, ...]:
    """Read NAME: VALUE pairs that a process has."""
    if not isinstance(node, document.Mapping) or not node.items:
        raise Fault(node.line, "'env_has' must be a mapping of variables to values")
    return tuple(f"{key.text}={text(value)}" for key, value in node.items)


def _count(node: Node) -> Count:
    """Read a number, or {min, max}."""
    if isinstance(node, Scalar):
        number = int(length(node))
        return Count(number, number)
    given = COUNT.read(node)
    if not given.values:
        raise Fault(node.line, "a count is a number, or has 'min' or 'max'")
    most = int(given.values["max"]) if "max" in given.values else None
    count = Count(int(given.values.get("min", 0)), most)
    if most is not None and count.least > most:
        raise Fault(node.line, "'min' is above 'max': nothing fits")
    return count


def _pid(node: Node) -> str:
    pid = text(node)
    if not (pid.isascii() and pid.isdigit()):
        raise Fault(node.line, "a process id is a number")
    return pid

"""`sources`: where the variables of an app are set, in the order in which they are applied."""

from __future__ import annotations

import posixpath

from envcheck.model import Source, Stage
from envcheck.sources import DIALECTS
from envcheck.spec.document import Node, Scalar
from envcheck.spec.fault import Fault
from envcheck.spec.fields import Fields, Table, choice, flag, listed, text

# Loaded by the application itself; every other file is applied before the server is exec'd.
BY_THE_APPLICATION = frozenset({"dotenv-ruby", "dotenv-python"})
# Folders whose files everybody reads as systemd does.
PLAIN = {"/etc/default": "systemd", "/etc/sysconfig": "systemd"}

# What its supervisor says of it, by the name that the supervisor's own tool has for it.
SUPERVISED = {"systemd": "systemd", "supervisor": "supervisord", "upstart": "upstart"}
# And by the file that the supervisor reads.
CONFIGURED = ("circus",)
KINDS = ("envdir", "file", *SUPERVISED, *CONFIGURED)
SOURCE = Table(
    "a source",
    {
        "envdir": text,
        "file": text,
        "dialect": choice({name: name for name in sorted(DIALECTS)}),
        **dict.fromkeys((*SUPERVISED, *CONFIGURED), text),
        "optional": flag,
    },
    frozenset(["env_file", "dotenv", "gunicorn_conf", "procfile", "compose", "configmap"]),
)


def sources(node: Node, folder: str) -> tuple[Source, ...]:
    """Read the sources of an app; relative paths start at *folder*. `auto` is ()."""
    if isinstance(node, Scalar) and node.text == "auto":
        return ()
    return tuple(source(given, folder) for given in listed(SOURCE.read)(node))


def source(given: Fields, folder: str) -> Source:
    kinds = [kind for kind in KINDS if kind in given.values]
    if len(kinds) != 1:
        others = ", ".join((*SUPERVISED, *CONFIGURED))
        raise Fault(given.line, f"a source is either an 'envdir' or a 'file', or one of {others}")
    kind = kinds[0]
    if kind in SUPERVISED:
        _none(given)
        name = _named(given.values[kind], given.lines[kind])
        full = f"{name}.service" if kind == "systemd" and not name.endswith((".service", ".scope")) else name
        return Source(SUPERVISED[kind], full, Stage.EXEC, optional=given.values.get("optional", False))
    path = _path(given.values[kind], given.lines[kind], folder)
    dialect = _dialect(given, path) if kind == "file" else _none(given)
    stage = Stage.APPLICATION if dialect in BY_THE_APPLICATION else Stage.EXEC
    return Source(kind, path, stage, dialect, given.values.get("optional", False))


def _named(name: str, line: int) -> str:
    if "/" in name or name.startswith("-") or not name.isprintable():
        raise Fault(line, "the name of a unit, program or job is expected here, not a path")
    return name


def _path(path: str, line: int, folder: str) -> str:
    if posixpath.isabs(path):
        return posixpath.normpath(path)
    relative = posixpath.normpath(path)
    if path.startswith("~") or relative.split("/")[0] == "..":
        raise Fault(line, "a relative path stays below the folder of the spec; write an absolute one")
    return posixpath.join(folder, relative)


def _dialect(given: Fields, path: str) -> str:
    if "dialect" in given.values:
        return str(given.values["dialect"])
    dialect = PLAIN.get(posixpath.dirname(path))
    if dialect is None:
        names = ", ".join(sorted(DIALECTS))
        raise Fault(given.line, f"the path does not tell how the file is read: add 'dialect', one of {names}")
    return dialect


def _none(given: Fields) -> str:
    if "dialect" in given.values:
        raise Fault(given.lines["dialect"], "'dialect' goes with 'file'")
    return ""

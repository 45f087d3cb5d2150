"""Specs: YAML -> expectations. Bytes in, frozen values out; whoever calls reads the file."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from functools import partial

from envcheck.errors import SpecError
from envcheck.model import App, Spec, Waiver
from envcheck.spec.apps import app_table, apps
from envcheck.spec.document import parse
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import Fields, Reader, Table, choice, meant, text
from envcheck.spec.templates import extended
from envcheck.spec.waivers import waivers

LATER = frozenset(["include", "defaults", "hosts"])


def load(content: bytes, path: str, servers: Collection[str] = ("gunicorn", "unicorn", "any")) -> Spec:
    """Read the spec *content*; *path* is for messages, and relative paths in it start at its folder.

    Raises nothing but `SpecError`, which names a line and a key but never a value.
    """
    table = app_table(posixpath.dirname(path), servers)
    readers: dict[str, Reader] = {
        "version": choice({"1": 1}),
        "description": text,
        "apps": partial(apps, table=table),
        "templates": partial(apps, table=table._replace(what="a template")),
        "waivers": waivers,
    }
    try:
        given = Table("a spec", readers, LATER).read(extended(parse(content)))
        return Spec(path, _waived(_apps(given), given))
    except Fault as found:
        fault = found
    except RecursionError:  # whoever calls is deep already: a spec has 64 levels at most
        fault = Fault(1, "nested too deep")
    shown = path if path.isprintable() else ascii(path)[1:-1]
    raise SpecError(f"{shown}:{fault.line}: {fault.message}") from None


def _apps(given: Fields) -> tuple[App, ...]:
    if "apps" not in given.values:
        raise Fault(given.line, "a spec needs 'apps'")
    read: tuple[App, ...] = given.values["apps"]
    return read


def _waived(found: tuple[App, ...], given: Fields) -> tuple[App, ...]:
    """Give each app the waivers that are meant for it."""
    read: tuple[Waiver, ...] = given.values.get("waivers", ())
    names = [app.name for app in found]
    for waiver in read:
        if waiver.app and waiver.app not in names:
            raise Fault(
                given.lines["waivers"],
                f"a waiver is for {quoted(waiver.app)}, which is no app here{meant(waiver.app, names)}",
            )
    return tuple(app._replace(waivers=tuple(w for w in read if w.app in ("", app.name))) for app in found)

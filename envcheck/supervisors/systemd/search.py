"""Where the files of a unit are: the unit itself, and its drop-ins in the order in which they are applied.

systemd.unit(5), "Unit File Load Path", and observed precedence: of drop-ins with the same base name the one
in the strongest folder counts, all others are applied by base name, wherever they lie. Within one place of
the search path a unit's own folder is stronger than its template's, and this than those of its prefixes;
`service.d` is the weakest of all, wherever it lies.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import NamedTuple

from envcheck.model import FileFacts
from envcheck.supervisors.known import Known
from envcheck.supervisors.systemd import names
from envcheck.supervisors.systemd.names import UnitName

SYSTEM = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
)

# Where the manager's own configuration may be extended.
MANAGER = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")


class Found(NamedTuple):
    """A file to be applied; one that masks others (a link to /dev/null) is there and empty."""

    path: str
    facts: FileFacts


class Files(NamedTuple):
    fragment: Found | None
    masked: bool
    dropins: tuple[Found, ...]
    changed: float  # when a drop-in folder last changed: something may have been removed from it
    unread: tuple[Found, ...]  # folders that may not be read


def files(name: UnitName, aliases: Sequence[str], path: Sequence[str], known: Known) -> Files:
    """Find all that makes up a unit, as far as it is known."""
    fragment = _fragment(name, path, known)
    masked = fragment is not None and _masks(fragment.facts)
    every = [names.parse(n) for n in dict.fromkeys((name.full, *aliases))]
    folders = [f"{place}/{d}" for n in every for place in path for d in names.folders(n)]
    folders += [f"{place}/{name.type}.d" for place in path]
    listed = [Found(f, facts) for f in dict.fromkeys(folders) if (facts := known.folder(f)) is not None]
    there = [f for f in listed if f.facts.status not in ("missing", "not-a-folder")]
    return Files(
        fragment,
        masked,
        dropins(there),
        max((f.facts.changed for f in there), default=0.0),
        tuple(f for f in there if f.facts.status != "ok"),
    )


def _fragment(name: UnitName, path: Sequence[str], known: Known) -> Found | None:
    """Give the first file of the name, else of its template."""
    found: list[Found] = []
    for wanted in (name.full, name.template):
        for place in path if wanted else ():
            facts = known.file(f"{place}/{wanted}")
            if facts is not None and facts.status != "missing":
                found.append(Found(f"{place}/{wanted}", facts))
    return found[0] if found else None


def _masks(facts: FileFacts) -> bool:
    return facts.status == "not-a-file" or (facts.status == "ok" and not facts.content)


def dropins(folders: Sequence[Found]) -> tuple[Found, ...]:
    """Give the files to apply, by base name; *folders*: the strongest first."""
    chosen: dict[str, Found] = {}
    for folder in folders:
        for name, facts in folder.facts.entries.items():
            usable = name.endswith(".conf") and not name.startswith(".")
            if usable and facts.status not in ("missing", "folder"):
                kept = FileFacts("ok", b"", facts.changed) if _masks(facts) else facts
                chosen.setdefault(name, Found(posixpath.join(folder.path, name), kept))
    return tuple(chosen[name] for name in sorted(chosen))


def manager(kind: str, known: Known) -> tuple[tuple[Found, ...], float]:
    """Give the files that configure the manager itself, and when they changed; *kind*: system or user."""
    own = known.file(f"/etc/systemd/{kind}.conf")
    found = [Found(f"/etc/systemd/{kind}.conf", own)] if own is not None and own.status == "ok" else []
    folders = [f"{place}/{kind}.conf.d" for place in MANAGER]
    listed = [Found(f, facts) for f in folders if (facts := known.folder(f)) is not None]
    there = [f for f in listed if f.facts.status == "ok"]
    files = (*found, *dropins(there))
    return files, max((f.facts.changed for f in (*files, *there)), default=0.0)

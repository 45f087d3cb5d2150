"""All origins of a variable, each with the place that has it, and all cells that come of them."""

from __future__ import annotations

from typing import NamedTuple

from live.matrix import containers, herded, managers, place, services, units
from live.matrix.cells import CHANGES, SERVERS, Cell
from live.matrix.place import Place

SEEN = ("changed", "added")  # what set a variable and no longer does leaves no trace of it
PYTHON = ("gunicorn", "gunicorn-20.1")


class Origin(NamedTuple):
    make: type[Place]
    servers: tuple[str, ...] = SERVERS
    systemd: bool = False  # it needs a booted systemd for itself
    changes: tuple[str, ...] = tuple(CHANGES)
    preloads: tuple[bool, ...] = (False, True)


def half_done(make: type[Place], *, systemd: bool = False) -> Origin:
    """The same, where an upgrade is half done after the source has changed."""
    upgraded = type(f"{make.__name__}HalfDone", (make,), {"half_done": True})
    return Origin(upgraded, systemd=systemd, changes=("changed",), preloads=(False,))


ORIGINS: dict[str, Origin] = {
    "systemd-unit": Origin(units.Unit, systemd=True),
    "systemd-drop-in": Origin(units.DropIn, systemd=True),
    "systemd-environment-file": Origin(units.EnvironmentFile, systemd=True),
    "systemd-environment-file, socket": Origin(units.Socket, systemd=True),
    "systemd-manager": Origin(units.ManagerEnvironment, systemd=True),
    "supervisord-program": Origin(managers.Supervisord),
    "supervisord-all": Origin(managers.SupervisordAll),
    "runit-envdir": Origin(services.Runit),
    "runit-run": Origin(services.RunitRun),
    "daemontools-envdir": Origin(services.Daemontools),
    "s6-envdir": Origin(services.S6),
    "herder-envdir": Origin(herded.Herded),
    "envdir": Origin(place.Envdir),
    "systemd-environment-file, upgrade half done": half_done(units.EnvironmentFile, systemd=True),
    "supervisord-program, upgrade half done": half_done(managers.Supervisord),
    "runit-envdir, upgrade half done": half_done(services.Runit),
    "daemontools-envdir, upgrade half done": half_done(services.Daemontools),
    "s6-envdir, upgrade half done": half_done(services.S6),
    "herder-envdir, upgrade half done": half_done(herded.Herded),
    "envdir, upgrade half done": half_done(place.Envdir),
    "container-env-file": Origin(containers.EnvFile, changes=SEEN),
    "raw_env": Origin(place.RawEnv, PYTHON),
    "configuration-code": Origin(place.ConfigurationCode),
    "cmd_args": Origin(place.CommandArguments, PYTHON),
    "systemd-unit, gunicorn -e": Origin(units.CommandLine, PYTHON, systemd=True),
    "dotenv": Origin(place.Dotenv),
    "dotenv-override": Origin(place.DotenvOverride),
}

CELLS = tuple(
    Cell(server, preload, name, change)
    for name, origin in ORIGINS.items()
    for server in origin.servers
    for preload in origin.preloads
    for change in origin.changes
)

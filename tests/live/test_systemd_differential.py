"""A real systemd starts random units; the environments that they get are the ones that are computed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from live.harness import root_only
from live.systemd import compute
from live.systemd.generator import Definition, Generator, install, output, remove
from live.systemd.machine import Machine

COUNT = int(os.environ.get("ENVCHECK_UNITS", "160"))  # each is started with two definitions
SEED = int(os.environ.get("ENVCHECK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

# What systemd adds and nobody can know before.
UNKNOWABLE = frozenset({"INVOCATION_ID", "SYSTEMD_EXEC_PID", "JOURNAL_STREAM"})
DEFAULTS = "/etc/systemd/system.conf.d/d.conf"

Json = dict[str, Any]
Environment = dict[str, str] | None  # None: the unit does not come up


def computed(machine: Machine, units: list[str]) -> dict[str, Json]:
    done = machine.python(compute.__file__, *units)
    found: dict[str, Json] = json.loads(done.stdout)
    return found


def started(machine: Machine, units: list[str]) -> dict[str, Environment]:
    """Start all units anew, and give what each got."""
    for file in machine.path("/run/out").iterdir():
        file.unlink()
    machine.systemctl("restart", "--", *units, check=False)
    return {unit: _environment(machine.path(output(unit))) for unit in units}


def _environment(file: Path) -> Environment:
    content = file.read_bytes() if file.exists() else b""
    pairs = [e.decode("utf-8", "surrogateescape").partition("=") for e in content.split(b"\0") if e]
    return {name: value for name, _, value in pairs if name not in UNKNOWABLE} or None


def wanted(said: Json, layer: str) -> Environment:
    """Give the computed environment; on disk and loaded are the same where nothing else is loaded."""
    on_disk = layer == "disk" or said["loaded"] is None
    if said["unstartable" if on_disk else "loaded_unstartable"]:
        return None
    found: dict[str, str] = dict(said["disk" if on_disk else "loaded"])
    if on_disk and "OTHER" in said["dynamic"] and found.get("OTHER") == "a b":
        del found["OTHER"]  # told as unknown: the manager does not say whether it was set by hand
    return found


def differences(
    layer: str, said: Mapping[str, Json], real: Mapping[str, Environment], units: Mapping[str, Definition]
) -> list[str]:
    found: list[str] = []
    for name, unit in units.items():
        one, two = wanted(said[name], layer), real[name]
        if one != two:
            files = "\n".join(f"  {path} {content!r}" for path, content in unit.files.items())
            differs = f"computed {_less(one, two)}, real {_less(two, one)}, gaps {said[name]['gaps']}"
            found.append(f"{layer} {name}: {differs}\n{files}")
    return found


def _less(one: Environment, other: Environment) -> Environment:
    return one if one is None or other is None else {n: v for n, v in one.items() if other.get(n) != v}


@root_only
def test_what_is_computed_is_what_a_service_gets() -> None:
    print(f"seed {SEED}")
    generator = Generator(SEED)
    with Machine() as machine:
        machine.path("/run/out").mkdir()
        machine.write(DEFAULTS, "[Manager]\nDefaultEnvironment=DEFAULT=1 'OTHER=a b'\n")
        names = [generator.name() for _ in range(COUNT)]
        first, shared = {name: generator.define(name) for name in names}, generator.shared()
        install(machine, *(unit.files for unit in first.values()), shared)
        machine.systemctl("daemon-reload")
        machine.systemctl("set-environment", "FROM_MANAGER=set by hand", 'E=$x `y` "z"')

        said = computed(machine, names)
        found = differences("disk", said, started(machine, names), first)
        found += [
            f"{n}: something else is loaded after a reload" for n in names if said[n]["loaded"] is not None
        ]

        remove(machine, *(unit.files for unit in first.values()), shared)
        second = {name: generator.define(name) for name in names}
        install(machine, *(unit.files for unit in second.values()), generator.shared())
        machine.write(DEFAULTS, "[Manager]\nDefaultEnvironment=DEFAULT=2 ADDED=3\n")
        said = computed(machine, names)
        found += differences("loaded", said, started(machine, names), second)
        machine.systemctl("daemon-reload")
        found += differences("disk", said, started(machine, names), second)
    assert not found, f"seed {SEED}: {len(found)} differences\n" + "\n".join(found[:5])

"""What a manager says when it is asked itself is what systemctl prints, to root and to others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from live.harness import root_only
from live.systemd.machine import Machine

from envcheck.supervisors.systemd.loaded import Loaded, argv, properties, variables

pytestmark = root_only

UNIT = r"""[Unit]
Description=one
[Service]
Type=forking
PIDFile=/run/odd.pid
User=nobody
WorkingDirectory=-/srv/none
RuntimeDirectory=odd "two words"
Environment=A=1 "B=two words" C=q"uo'te D=back\\slash E=$dollar F=`tick` G=%%n "H=line\nbreak" "I=" J=ümlaut
EnvironmentFile=-/etc/none.env
EnvironmentFile=/etc/odd.env
PassEnvironment=FROM_INIT OTHER
UnsetEnvironment=LANG "X=a b"
ExecSearchPath=/opt/bin:/usr/bin
ExecStart=/bin/sh -c 'exec sleep "$0"' "a  b" '' ümlaut %n
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
TimeoutStopSec={stop}
DynamicUser=no
"""
STOPS = ("90", "1500ms", "infinity", "1h 5min 3s", "2d", "0")
UNITS = ("odd-0.service", "odd@in-stance.service", "systemd-journald.service", "dbus.service", "none.service")

# Runs in the machine: of each, what was asked of the manager, and what the command prints.
BOTH = """\
import json, os, sys
from envcheck.probe import commands
from envcheck.opening import OF_SYSTEM
import _socket, subprocess, struct, envcheck.probe.manager  # others may not read where they are
if sys.argv[1] != "0":
    os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
argv = [*OF_SYSTEM, *sys.argv[2:]]
begun = commands.start(argv, 20.0)
assert isinstance(begun, commands.Asked), "nobody was asked"
asked = begun.units.answer(1 << 22)
printed = commands.Command(argv, 20.0).answer(1 << 22)
print(json.dumps([(a["status"], a["code"], a["stdout"].decode()) for a in (asked, printed)]))
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        for number, stop in enumerate(STOPS):
            booted.write(f"/etc/systemd/system/odd-{number}.service", UNIT.replace("{stop}", stop))
        booted.write("/etc/systemd/system/odd@.service", UNIT.replace("{stop}", "5"))
        booted.write("/etc/odd.env", "")
        booted.systemctl("daemon-reload")
        booted.write("/srv/both.py", BOTH)
        yield booted


@pytest.mark.parametrize("user", [0, 65534])
def test_the_manager_says_what_systemctl_prints(machine: Machine, user: int) -> None:
    units = [*UNITS, *(f"odd-{number}.service" for number in range(1, len(STOPS)))]

    asked, printed = json.loads(machine.python("/srv/both.py", str(user), *units).stdout)

    assert asked[:2] == printed[:2] == ["ok", 0]
    ours, theirs = ([properties(b.encode()) for b in text.split("\n\n")] for text in (asked[2], printed[2]))
    assert len(ours) == len(theirs) == 1 + len(units)
    for our, their in zip(ours, theirs, strict=True):
        start = our.pop("ExecStartWords", ("",))
        our.pop("ExecReloadWords", None)
        assert {n: _told(n, v) for n, v in our.items() if any(v)} == {
            n: _told(n, v) for n, v in their.items() if any(v)
        }
        if "nobody" in our.get("User", ()):
            words = argv(Loaded(unit={**our, "ExecStartWords": start}), ())
            name = our["Id"][0]
            assert words == ("/bin/sh", "-c", 'exec sleep "$0"', "a  b", "", "ümlaut", name)


def _told(name: str, values: tuple[str, ...]) -> object:
    """Leave out how words are quoted, and what the command says of the last run."""
    if name == "Environment":
        return variables(values[0])
    if name in ("ExecStart", "ExecReload"):
        return [v.partition(" ; ignore_errors")[0] for v in values]
    return sorted(values) if name == "Names" else [v.replace('"', "").replace("'", "") for v in values]

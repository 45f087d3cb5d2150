"""Places in a booted systemd: a unit, a drop-in, an EnvironmentFile, the manager's own environment."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from live.checking import Verdict
from live.harness import kill_all_in
from live.matrix.cells import NAME, Cell
from live.matrix.place import Place, World, judged
from live.systemd.machine import Machine

UNITS = "/etc/systemd/system"
UNIT = """\
[Service]
Type={kind}
NotifyAccess=all
WorkingDirectory={folder}
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
StandardOutput=append:{folder}/log
StandardError=inherit
Environment=PATH={path}
{own}

[Install]
WantedBy=multi-user.target
"""


class Unit(Place):
    """The variable stands in the unit."""

    value: str | None = None
    option: tuple[str, ...] = ()  # of the server

    def __init__(self, cell: Cell, home: object, world: World) -> None:
        super().__init__(cell, home, world)  # type: ignore[arg-type]
        assert world.machine is not None
        self.machine: Machine = world.machine
        self.name = f"web{self.server.port}.service"

    @property
    def unit(self) -> str:
        return f"{UNITS}/{self.name}"

    def put(self, value: str | None) -> None:
        self.value = value
        self.define("" if value is None else f"Environment={NAME}={value}")

    def define(self, own: str) -> None:
        program, *rest = (*self.server.argv(), *self.option)
        if "/" not in program:
            where = self.server.env["PATH"].split(":")
            program = next(f"{p}/{program}" for p in where if self.machine.path(f"{p}/{program}").exists())
        text = UNIT.format(
            kind="simple" if self.cell.server == "unicorn" else "notify",
            folder=self.folder,
            command=shlex.join([program, *rest]),
            path=self.server.env["PATH"],
            own=own,
        )
        self.machine.write(self.unit, text)

    def launch(self) -> None:
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("enable", self.name)
        self.machine.systemctl("start", self.name)

    def stop(self) -> None:
        self.machine.systemctl("kill", "-s", "KILL", self.name, check=False)
        self.machine.systemctl("stop", self.name, check=False)
        self.machine.systemctl("reset-failed", self.name, check=False)
        kill_all_in(self.home)

    def argv(self, argv: Sequence[str]) -> list[str]:
        return self.machine.argv(*argv)

    def check(self) -> Verdict:
        done = self.machine.python("-m", "envcheck", "check", f"cwd:{self.folder}", "-f", "json", check=False)
        assert done.stdout, done.stderr
        return judged(json.loads(done.stdout))


class CommandLine(Unit):
    """An option of Gunicorn in the ExecStart of the unit, which no title hides."""

    titles = False

    def put(self, value: str | None) -> None:
        self.option = () if value is None else ("-e", f"{NAME}={value}")
        self.define("")


class DropIn(Unit):
    """In a drop-in: there is one already."""

    def put(self, value: str | None) -> None:
        self.define("")
        own = "" if value is None else f"Environment={NAME}={value}\n"
        self.machine.write(f"{self.unit}.d/more.conf", f"[Service]\nEnvironment=OTHER=1\n{own}")


class EnvironmentFile(Unit):
    def put(self, value: str | None) -> None:
        self.define(f"EnvironmentFile={self.folder}/shop.env")
        own = "" if value is None else f"{NAME}={value}\n"
        (self.folder / "shop.env").write_text(f"OTHER=1\n{own}")


class Socket(EnvironmentFile):
    """A socket unit listens, and hands over what it listens on."""

    def put(self, value: str | None) -> None:
        super().put(value)
        listens = f"[Socket]\nListenStream=127.0.0.1:{self.server.port}\n"
        self.machine.write(self.unit.removesuffix(".service") + ".socket", listens)

    def launch(self) -> None:
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("start", self.name.removesuffix(".service") + ".socket")
        super().launch()

    def stop(self) -> None:
        self.machine.systemctl("stop", self.name.removesuffix(".service") + ".socket", check=False)
        super().stop()


class ManagerEnvironment(Unit):
    def put(self, value: str | None) -> None:
        self.define("")
        words = ("unset-environment", NAME) if value is None else ("set-environment", f"{NAME}={value}")
        self.machine.systemctl(*words)

    def stop(self) -> None:
        super().stop()
        self.machine.systemctl("unset-environment", NAME)

"""A place: one server whose variable comes from one source, kept by one supervisor, or started by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from live.checking import Json, Verdict, check, report
from live.harness import Server, clean, detach, kill_all_in, own_pid, processes_in
from live.matrix.cells import NAME, Cell
from live.servers import Gunicorn, Unicorn
from live.systemd.machine import Machine


class World(NamedTuple):
    """What the places of all cells share."""

    site: Path  # a folder that every user may enter
    bare: Path  # the programs of a Python without setproctitle
    machine: Machine | None = None  # a booted systemd, for this place alone


def server(cell: Cell, folder: Path, bare: Path | None, *args: str, **options: Any) -> Server:
    """Make the server of a cell; *bare*: where gunicorn is to show no titles."""
    if cell.server == "unicorn":
        config = options.pop("config", "") + ("preload_app true\n" if cell.preload else "")
        prelude = options.pop("prelude", {}).get("unicorn", "")
        return Unicorn(folder, *args, config=config, prelude=prelude, **options)
    options.pop("config", None)
    prelude = options.pop("prelude", {}).get("gunicorn", "")
    if cell.preload:
        args = (*args, "--preload")
    if cell.server == "gunicorn-20.1":
        # Debian's: its Python has no setproctitle.
        options["bins"] = "/usr/bin"
    elif bare is not None:
        options["bins"] = bare
    return Gunicorn(folder, *args, prelude=prelude, **options)


class Place:
    """*home* is an empty folder; the server stands in *home*/web."""

    options: ClassVar[dict[str, Any]] = {}  # of the server
    titles = True
    half_done = False  # an upgrade is, after the source has changed
    keeper = "KEEPER"  # the word for a process that is none of the server's

    def __init__(self, cell: Cell, home: Path, world: World) -> None:
        self.cell, self.home, self.world = cell, home.resolve(), world
        self.server = server(cell, self.home / "web", None if self.titles else world.bare, **self.options)
        self.folder = self.server.folder

    def put(self, value: str | None) -> None:
        """Have the source set the variable, or not (None)."""
        raise NotImplementedError

    def launch(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        (self.folder / "log").touch()
        self.launch()
        self.server.ready()

    def stop(self) -> None:
        kill_all_in(self.home)

    def end(self) -> None:
        """Leave nothing behind."""
        self.stop()

    def check(self) -> Verdict:
        """Judge without a spec: everything is found from the supervisor."""
        return judged(report("check", f"cwd:{self.folder}"))

    def names(self) -> dict[str, str]:
        """Name the processes of the place, by the pids that they have there."""
        generations = self.server.generations()
        named = {str(own_pid(p.pid)): self.keeper for p in processes_in(self.home)}
        named |= {str(own_pid(w)): "WORKER" for workers in generations.values() for w in workers}
        return named | {str(own_pid(m)): "MASTER" for m in generations}

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Give the words that run a command where the place is."""
        return list(argv)

    def run(self, argv: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """Run one step as it is given, as somebody would who has just logged in."""
        return subprocess.run(
            self.argv(argv), check=False, capture_output=True, timeout=120, env=clean("/root"), cwd="/"
        )


def judged(document: Json) -> Verdict:
    """Take the first of several servers, which a step that is not enough may leave behind."""
    return Verdict(document["exit_code"], document["hosts"][0]["apps"][0])


class ByHand(Place):
    """Started through an envdir; the spec names its sources."""

    titles = False  # they would hide the command line that it has to be started by again

    def launch(self) -> None:
        detach([*self.server.chain, *self.server.argv()], self.folder, self.server.env)

    def check(self) -> Verdict:
        return check(self.server)


class Envdir(ByHand):
    def put(self, value: str | None) -> None:
        envdir(self.folder / "env.d", value)


def envdir(folder: Path, value: str | None, name: str = NAME) -> None:
    folder.mkdir(exist_ok=True)
    if value is None:
        (folder / name).unlink(missing_ok=True)
    else:
        (folder / name).write_text(f"{value}\n")


class Inside(ByHand):
    """The variable is set after the server has been started: only a rule tells that it is not to be there."""

    beside: ClassVar[tuple[str, ...]] = ()  # what goes with it

    def __init__(self, cell: Cell, home: Path, world: World) -> None:
        super().__init__(cell, home, world)
        if cell.after is None:
            self.server.rules = {name: {"forbidden": True} for name in (NAME, *self.beside)}


class CommandArguments(Inside):
    """Gunicorn takes options from a variable, which comes from an envdir; a shell might have given it too."""

    beside = ("GUNICORN_CMD_ARGS",)

    def put(self, value: str | None) -> None:
        options = None if value is None else f"--env {NAME}={value}"
        envdir(self.folder / "env.d", options, "GUNICORN_CMD_ARGS")


class RawEnv(Inside):
    def put(self, value: str | None) -> None:
        pairs = [] if value is None else [f"{NAME}={value}"]
        self.server.write("gunicorn.conf.py", f"raw_env = {pairs!r}\n")


class ConfigurationCode(Inside):
    """Code of the server's configuration sets it."""

    def put(self, value: str | None) -> None:
        if self.cell.server == "unicorn":
            head = f"worker_processes {self.server.workers}\nlisten '127.0.0.1:{self.server.port}'\n"
            preload = f"preload_app {str(self.cell.preload).lower()}\n"
            self.server.write(
                "unicorn.rb", head + preload + ("" if value is None else f"ENV['{NAME}'] = '{value}'\n")
            )
        else:
            line = "" if value is None else f"os.environ['{NAME}'] = '{value}'\n"
            self.server.write("gunicorn.conf.py", f"import os\n{line}")


# How an application loads a file of its own: what is set already is kept, or not.
KEEPS = {
    "gunicorn": """\
for line in open(os.path.join(os.path.dirname(__file__), ".env")):
    name, _, value = line.strip().partition("=")
    os.environ.setdefault(name, value)
""",
    "unicorn": """\
File.foreach(File.join(__dir__, '.env')) { |l| k, v = l.strip.split('=', 2); ENV[k] ||= v }
""",
}
OVERRIDES = {
    "gunicorn": KEEPS["gunicorn"].replace("os.environ.setdefault(name, value)", "os.environ[name] = value"),
    "unicorn": KEEPS["unicorn"].replace("||=", "="),
}


class Dotenv(Inside):
    """The application reads .env when it is loaded."""

    options: ClassVar = {"prelude": KEEPS}

    def __init__(self, cell: Cell, home: Path, world: World) -> None:
        super().__init__(cell, home, world)
        dialect = "dotenv-ruby" if cell.server == "unicorn" else "dotenv-python"
        self.server.sources.append({"file": str(self.folder / ".env"), "dialect": dialect})

    def put(self, value: str | None) -> None:
        self.server.write(".env", "OTHER=1\n" + ("" if value is None else f"{NAME}={value}\n"))


class DotenvOverride(Dotenv):
    options: ClassVar = {"prelude": OVERRIDES}

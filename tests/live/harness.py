"""Real servers for tests: each in a folder of its own, in a clean environment, waited for, and ended by pid.

What is true of a server is learnt here without envcheck: from HTTP, and from the process table of the kernel.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Self, TypeVar

import pytest

T = TypeVar("T")

PATIENCE = 30.0  # seconds that anything has to happen in
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_BIN = str(Path(sys.executable).parent)

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def need(*programs: str) -> None:
    """Skip where a program is absent, or fail where everything is required to be there."""
    for program in programs:
        if shutil.which(program, path=f"{OWN_BIN}:{SYSTEM_PATH}") is None:
            absent(program)


def absent(what: str) -> NoReturn:
    """Skip, or fail where everything is required to be there."""
    if os.environ.get("ENVCHECK_REQUIRE") == "1":
        pytest.fail(f"{what} is required")
    pytest.skip(f"{what} is absent")


def wait_for(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Poll until *condition* holds; give its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    """Give a port to listen on. None that the kernel gives away by itself: until it is taken, any connection
    that is made on this machine meanwhile may get that one."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, max(first, 20000))
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port


def clean(home: Path | str = "/", *bins: Path | str, **env: str) -> dict[str, str]:
    """Give an environment with nothing of the caller's in it."""
    path = ":".join([*map(str, bins), OWN_BIN, SYSTEM_PATH])
    return {"PATH": path, "HOME": str(home), **env}


class Seen(NamedTuple):
    """A process as the kernel has it."""

    pid: int
    parent: int
    state: str
    name: str  # of its program, as the kernel keeps it


def processes_in(folder: Path) -> list[Seen]:
    """List the processes whose working directory is *folder* or below it, zombies left out."""
    found: list[Seen] = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            cwd = (process / "cwd").readlink()
            name, _, rest = (process / "stat").read_text("latin-1").partition("(")[2].rpartition(")")
            stat = rest.split()
        except OSError:
            continue
        if (cwd == folder or folder in cwd.parents) and stat[0] not in "ZX":
            found.append(Seen(int(process.name), int(stat[1]), stat[0], name))
    return found


def own_pid(pid: int) -> int:
    """Give the pid that a process has in its own namespace; 0: it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("latin-1")
    except OSError:
        return 0
    return int(status.partition("NSpid:")[2].partition("\n")[0].split()[-1])


def kill_all_in(folder: Path) -> None:
    """End every process of a folder at once."""

    def ended() -> bool:
        alive = processes_in(folder)
        for process in alive:
            send(process.pid, signal.SIGKILL)
        return not alive

    wait_for(ended, f"the processes in {folder} do not end")


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def detach(argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
    """Start a program that nobody has to reap."""
    with (folder / "log").open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", *argv],
            check=True,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


class Answer(NamedTuple):
    """What a worker says of itself over HTTP."""

    pid: int
    parent: int
    environ: dict[str, str]


class Server:
    """An application server with *workers* workers, whose variables come from the envdir `env.d`."""

    kind = ""

    def __init__(
        self,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        chain: Sequence[str] = ("envdir", "env.d"),
        workers: int = 2,
    ) -> None:
        need("setsid", *(word for word in chain[:1] if "/" not in word))
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.env = clean(folder) | dict(env or {})
        self.chain = tuple(chain)
        self.workers = workers
        self.port = free_port()
        self.sources: list[dict[str, str]] = [{"envdir": str(self.folder / "env.d")}]
        self.rules: dict[str, Any] = {}
        (self.folder / "env.d").mkdir(exist_ok=True)

    def argv(self) -> list[str]:
        """Give the command line of the server itself."""
        raise NotImplementedError

    # --- its configuration ---------------------------------------------------------------------

    def put(self, folder: str = "env.d", **variables: str | None) -> Self:
        """Write files of an envdir; None removes one."""
        (self.folder / folder).mkdir(exist_ok=True)
        for name, value in variables.items():
            file = self.folder / folder / name
            if value is None:
                file.unlink()
            else:
                file.write_text(value and value + "\n")
        return self

    def write(self, name: str, text: str) -> Self:
        (self.folder / name).write_text(text)
        return self

    def spec(self) -> str:
        """Write the spec: its sources, and its rules if there are any."""
        app: dict[str, Any] = {"match": {"cwd": str(self.folder)}, "sources": self.sources}
        if self.rules:
            app["env"] = self.rules
        self.write("spec.yaml", json.dumps({"version": 1, "apps": {"shop": app}}))
        return str(self.folder / "spec.yaml")

    # --- its life --------------------------------------------------------------------------------

    def launch(self) -> Self:
        detach([*self.chain, *self.argv()], self.folder, self.env)
        return self

    def start(self) -> Self:
        return self.launch().ready()

    def ready(self, masters: int = 1) -> Self:
        """Wait until there are so many masters, and all their workers answer."""

        def complete() -> bool:
            found = self.generations()
            return len(found) == masters and all(len(w) == self.workers for w in found.values())

        try:
            wait_for(complete, "no such masters and workers")
            self.answers()
        except AssertionError as error:
            log = (self.folder / "log").read_text(errors="replace")[-2000:]
            raise AssertionError(f"{error}: {self.generations()}\n{log}") from None
        return self

    def stop(self) -> None:
        kill_all_in(self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what is true of it ----------------------------------------------------------------------

    def generations(self) -> dict[int, set[int]]:
        """Give the masters, oldest first, each with its workers: a master is what has children."""
        alive = processes_in(self.folder)
        pids = {p.pid for p in alive}
        masters = {p.parent for p in alive if p.parent in pids}
        return {m: {p.pid for p in alive if p.parent == m} - masters for m in sorted(masters, key=_age)}

    @property
    def master(self) -> int:
        """The newest master."""
        return list(self.generations())[-1]

    def pids(self) -> set[int]:
        return {p.pid for p in processes_in(self.folder)}

    def ask(self, query: str = "") -> Answer | None:
        """Ask any of the workers; None while none answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", f"/{query}")
            said = json.loads(connection.getresponse().read())
            return Answer(said["pid"], said["parent"], said["environ"])
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def answers(self) -> dict[int, Answer]:
        """Ask until every worker has answered: several at once, each held for a moment."""
        found: dict[int, Answer] = {}

        def complete() -> bool:
            wanted = {pid for workers in self.generations().values() for pid in workers}
            known = {own_pid(pid): pid for pid in self.pids()}
            with ThreadPoolExecutor(8) as pool:
                for answer in pool.map(self.ask, ["?hold"] * (2 * len(wanted))):
                    if answer and answer.pid in known:
                        found[known[answer.pid]] = answer
            return bool(wanted) and wanted <= found.keys()

        wait_for(complete, "not every worker answers")
        alive = self.pids()
        return {pid: answer for pid, answer in found.items() if pid in alive}

    def http(self, name: str) -> set[str | None]:
        """Give the values of a variable over all workers."""
        return {answer.environ.get(name) for answer in self.answers().values()}

    # --- what people do to it ----------------------------------------------------------------------

    def reload(self) -> None:
        """HUP, and wait until every worker has been replaced."""
        before = self.generations()
        send(self.master, signal.SIGHUP)
        old = {pid for workers in before.values() for pid in workers}
        wait_for(lambda: not old & self.pids(), "the old workers do not end")
        self.ready(len(before))

    def upgrade(self) -> int:
        """USR2: start a new master beside the old one; give its pid."""
        masters = set(self.generations())
        send(self.master, signal.SIGUSR2)
        wait_for(lambda: set(self.generations()) - masters, "no new master")
        self.ready(len(masters) + 1)
        return self.master

    def retire(self, master: int, number: signal.Signals = signal.SIGQUIT) -> None:
        """End an old master, and wait until the new one is promoted."""
        old = {master, *self.generations()[master]}
        send(master, number)
        wait_for(lambda: not old & self.pids(), "the old master does not end")
        self.ready(len(self.generations()))

    def reexec(self) -> None:
        """Do a whole upgrade, as a deploy does."""
        old = self.master
        self.upgrade()
        self.retire(old)

    def respawn(self, worker: int) -> None:
        """Kill a worker, and wait for the one in its place."""
        masters = len(self.generations())
        send(worker, signal.SIGKILL)
        wait_for(lambda: worker not in self.pids(), "the worker does not end")
        self.ready(masters)


def _age(pid: int) -> tuple[int, int]:
    """Order processes by their start."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return 0, pid
    return int(stat[19]), pid

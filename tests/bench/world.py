"""What is measured on. Every process ends by its pid, or with the benchmark."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from live.harness import free_port

import envcheck

from .timing import ENVIRONMENT

HERE = Path(__file__).parent
PACKAGE = Path(envcheck.__file__).parent
BIN = Path(sys.executable).parent
MARK = "ENVCHECK_BENCH"  # a variable that only the processes of Crowd.servers have
PATIENCE = 30.0  # seconds for a process to start

FAMILY = """\
import os, sys
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        break
os.read(0, 1)  # until the benchmark ends
"""
APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"


def need(*programs: str) -> None:
    """End with a message where a program is absent: half a benchmark must not look like a whole one."""
    absent = [p for p in programs if shutil.which(p, path=f"{BIN}:{ENVIRONMENT['PATH']}") is None]
    if absent:
        raise SystemExit(f"not installed: {', '.join(absent)}")


def compiled(name: str, folder: Path) -> str:
    """Compile NAME.c; give the path of the program."""
    need("gcc")
    program = folder / name
    source = HERE / f"{name}.c"
    subprocess.run(["gcc", "-O2", "-Wall", "-D_GNU_SOURCE", "-o", program, source], check=True)
    return str(program)


class Crowd:
    """Processes that only are there."""

    def __init__(self, folder: Path) -> None:
        self.pids: list[int] = []
        self.sleeper = compiled("sleeper", folder)
        self.python = str(shutil.copy(self.sleeper, folder / "python3"))

    def idle(self, count: int) -> None:
        """Start processes that are no candidates, with 25 variables."""
        env = {f"SETTING_{i}": "x" * 30 for i in range(25)}
        self._start(count, self.sleeper, ["sleeper"], env)

    def servers(self, count: int) -> None:
        """Start processes that look like Gunicorn's, with 60 variables."""
        env = {MARK: "1"} | {f"SETTING_{i}": "x" * 40 for i in range(59)}
        self._start(count, self.python, ["/srv/bin/python3", "/srv/bin/gunicorn", "app:app"], env)

    def _start(self, count: int, program: str, argv: list[str], env: dict[str, str]) -> None:
        for _ in range(count):
            self.pids.append(os.posix_spawn(program, argv, env))

    def close(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        for pid in self.pids:
            os.waitpid(pid, 0)
        self.pids.clear()


@contextmanager
def crowd(folder: Path, idle: int, servers: int = 0) -> Generator[Crowd]:
    made = Crowd(folder)
    try:
        made.idle(idle)
        made.servers(servers)
        yield made
    finally:
        made.close()


@contextmanager
def family(count: int) -> Generator[list[int]]:
    """Run a Python with *count* forks, as a preloading server has them; give the pids of the forks."""
    env = ENVIRONMENT | {f"SETTING_{i}": "x" * 40 for i in range(57)}
    argv = [sys.executable, "-c", FAMILY, str(count)]
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE) as parent:  # the end closes their input
        try:
            _wait(lambda: len(_children(parent.pid)) == count, "the forks have not started")
            yield _children(parent.pid)
        finally:
            _kill(parent)


@contextmanager
def gunicorn(folder: Path, workers: int, variables: int) -> Generator[Path]:
    """Run a real Gunicorn, started through envdir; give the path of a spec that it meets."""
    need("envdir", "gunicorn")
    sources = folder / "env.d"
    sources.mkdir()
    names = [f"SHOP_SETTING_{i:02}" for i in range(variables)]
    for name in names:
        (sources / name).write_text(f"plain {name.lower()}\n")
    (folder / "app.py").write_text(APP)
    port = free_port()
    argv = ["envdir", str(sources), "gunicorn", f"--workers={workers}", f"--bind=127.0.0.1:{port}", "app:app"]
    env = ENVIRONMENT | {"PATH": f"{BIN}:{ENVIRONMENT['PATH']}"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            argv,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(lambda: len(_children(server.pid)) == workers and _answers(port), "gunicorn has not started")
        yield _spec(folder, sources, names)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            _kill(server)


def _spec(folder: Path, sources: Path, names: list[str]) -> Path:
    """Write a spec with rules of every kind."""
    kinds = (
        "~",
        "plain {value}",
        "{{pattern: '^plain [a-z_0-9]+$'}}",
        "{{one_of: [this, plain {value}, that], severity: warning}}",
    )
    rules = [
        f"      {name}: {kinds[i % len(kinds)].format(value=name.lower())}\n" for i, name in enumerate(names)
    ]
    spec = folder / "spec.yaml"
    spec.write_text(
        "version: 1\n"
        "apps:\n"
        "  shop:\n"
        f"    match: {{server: gunicorn, cwd: {folder}}}\n"
        f"    sources: [{{envdir: {sources}}}]\n"
        "    env:\n" + "".join(rules)
    )
    return spec


def _kill(parent: subprocess.Popen[bytes]) -> None:
    """End a process and its children; those cannot be taken for others: their parent has not reaped them."""
    children: list[int] = []
    with suppress(OSError):
        os.kill(parent.pid, signal.SIGSTOP)
        children = _children(parent.pid)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    parent.kill()
    parent.wait()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _wait(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)

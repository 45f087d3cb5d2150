"""What is measured on: idle processes, processes like Gunicorn's, and a real Gunicorn with a spec."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BIN = Path(sys.executable).parent


def compile_c(name: str, folder: Path) -> Path:
    target = folder / name
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", target, HERE / f"{name}.c"], check=True)
    return target


@contextmanager
def processes(folder: Path, idle: int, alike: int) -> Generator[None]:
    """Run *idle* processes with 25 variables, and *alike* that a scan takes for Gunicorn's, with 60."""
    sleeper = compile_c("sleeper", folder)
    python = folder / "python3"
    shutil.copy(sleeper, python)
    small = {f"SETTING_{i}": "x" * 30 for i in range(25)}
    large = {f"SETTING_{i}": "x" * 40 for i in range(60)}
    pids = [os.posix_spawn(sleeper, [str(sleeper)], small) for _ in range(idle)]
    pids += [os.posix_spawn(python, ["python3", "/srv/bin/gunicorn", "app:app"], large) for _ in range(alike)]
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"


@contextmanager
def gunicorn(folder: Path, workers: int, variables: int) -> Generator[Path]:
    """Run a real Gunicorn in the environment that a spec expects; gives the path of the spec."""
    names = [f"SETTING_{i}" for i in range(variables)]
    sources = folder / "env.d"
    sources.mkdir()
    for name in names:
        (sources / name).write_text("x" * 30 + "\n")
    (folder / "app.py").write_text(APP)
    rules = "".join(f"      {name}: {{pattern: '^x+$'}}\n" for name in names)
    match = f"{{server: gunicorn, cwd: {folder}}}"
    spec = folder / "spec.yaml"
    spec.write_text(
        f"apps:\n  shop:\n    match: {match}\n    sources: [{{envdir: {sources}}}]\n    env:\n{rules}"
    )
    port = _free_port()
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **dict.fromkeys(names, "x" * 30)}
    argv = [str(BIN / "gunicorn"), f"--workers={workers}", f"--bind=127.0.0.1:{port}", "app:app"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(argv, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        _until_all_run(server.pid, workers)
        yield spec
    finally:
        server.terminate()
        server.wait(30)


def _until_all_run(master: int, workers: int) -> None:
    end = time.monotonic() + 60
    children = Path(f"/proc/{master}/task/{master}/children")
    while len(children.read_text().split()) < workers:
        if time.monotonic() > end:
            raise TimeoutError(f"gunicorn has not started {workers} workers")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

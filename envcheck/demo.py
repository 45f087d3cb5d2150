"""The main job on a real server: Gunicorn on 127.0.0.1 goes stale, is found, and is cured by the advice.

Everything lives in a folder of its own below the temporary directory; nothing is left of it.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from envcheck.collect import collect
from envcheck.errors import EnvcheckError
from envcheck.hosts.local import Local
from envcheck.model import Server

PATIENCE = 30.0  # seconds that a server has to do what it was told

APP = """\
import os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ.get("AWS_REGION", "").encode()]
"""

SPEC = """\
version: 1
apps:
  shop:
    match: {server: gunicorn, cwd: %(folder)s}
    sources:
      - envdir: %(folder)s/env.d
    env:
      AWS_REGION: ~
"""

# What daemontools' envdir does, for machines that have none: the first line of each file is the value.
ENVDIR = """\
#!%(python)s
import os, sys
folder = sys.argv[1]
for name in os.listdir(folder):
    with open(os.path.join(folder, name)) as file:
        content = file.read()
    if content:
        os.environ[name] = content.split("\\n")[0].rstrip(" \\t").replace("\\0", "\\n")
    else:
        os.environ.pop(name, None)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def run() -> bool:
    """Tell the story; True if every check said what it should."""
    if shutil.which("gunicorn", path=_path(Path())) is None:
        raise EnvcheckError(
            "gunicorn is not installed", "pip install gunicorn, in the environment of envcheck"
        )
    with tempfile.TemporaryDirectory(prefix="envcheck-demo-") as name:
        # The working directory of the server, as /proc has it.
        folder = Path(name).resolve()
        try:
            return _story(folder)
        finally:
            _stop(folder)


def _story(folder: Path) -> bool:
    port = _free_port()
    _say("A shop keeps its variables in an envdir, and runs under Gunicorn:")
    _write(folder)
    argv = ["envdir", "env.d", "gunicorn", "--workers=2", f"--bind=127.0.0.1:{port}", "app:app"]
    _show(argv)
    with (folder / "log").open("ab") as log:
        env = {"HOME": str(folder), **_environment(folder)}
        detached = ["setsid", "--fork", *argv]
        subprocess.run(
            detached, check=True, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    _until(lambda: _answer(port) == "eu-west-1", "gunicorn does not answer")
    fresh = _check(folder)

    _say("Now a variable is changed and another one added, and the server is reloaded, as people do:")
    (folder / "env.d/AWS_REGION").write_text("eu-west-2\n")
    (folder / "env.d/AWS_S3_BUCKET_NAME").write_text("shop-uploads\n")
    server = _server(folder)
    workers = {p.pid for p in server.processes}
    _show(["kill", "-HUP", str(server.first.pid)])
    os.kill(server.first.pid, signal.SIGHUP)
    _until(lambda: len({p.pid for p in _server(folder).processes} - workers) == 2, "no new workers")  # noqa: PLR2004
    _until(lambda: len(_server(folder).processes) == len(workers), "the old workers do not end")
    _say(f"The workers are new, but the server still answers {_answer(port)!r}. Why?")
    stale = _check(folder)

    _say("The advice, carried out:")
    for step in _advice(folder):
        _show(step)
        subprocess.run(step, check=True, env={**os.environ, **_environment(folder)}, cwd=folder)
    _until(lambda: _answer(port) == "eu-west-2", "gunicorn does not answer with the new value")
    _say(f"The server answers {_answer(port)!r}.")
    cured = _check(folder)
    return (fresh, stale, cured) == (0, 1, 0)


def _write(folder: Path) -> None:
    (folder / "env.d").mkdir()
    (folder / "bin").mkdir()
    (folder / "env.d/AWS_REGION").write_text("eu-west-1\n")
    (folder / "app.py").write_text(APP)
    # Without its titles, which would hide the command line, gunicorn can be started again by hand.
    (folder / "lib").mkdir()
    (folder / "lib/setproctitle.py").write_text("raise ImportError\n")
    (folder / "spec.yaml").write_text(SPEC % {"folder": folder})
    if shutil.which("envdir") is None:
        (folder / "bin/envdir").write_text(ENVDIR % {"python": sys.executable})
        (folder / "bin/envdir").chmod(0o755)


def _path(folder: Path) -> str:
    """Programs of the demo, then those installed beside envcheck, then the caller's."""
    return os.pathsep.join(
        [str(folder / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": _path(folder), "PYTHONPATH": str(folder / "lib")}


def _say(text: str) -> None:
    print(f"\n# {text}", flush=True)


def _show(argv: list[str]) -> None:
    print(f"$ {shlex.join(argv)}", flush=True)


def _envcheck(folder: Path, *options: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "envcheck", "check", "-s", str(folder / "spec.yaml"), *options]
    env = {**os.environ, "PATH": _path(folder)}
    return subprocess.run(argv, check=False, env=env, text=True, stdout=subprocess.PIPE if capture else None)


def _check(folder: Path) -> int:
    _show(["envcheck", "check", "-s", "spec.yaml"])
    status = _envcheck(folder).returncode
    print(f"[exit status {status}]", flush=True)
    return status


def _advice(folder: Path) -> list[list[str]]:
    report = json.loads(_envcheck(folder, "-f", "json", capture=True).stdout)
    [app] = report["hosts"][0]["apps"]
    return [step["argv"] for step in app["remedy"]["steps"]]


def _servers(folder: Path) -> list[Server]:
    return [s for s in collect(Local(), live=False).servers if s.first.cwd == str(folder)]


def _server(folder: Path) -> Server:
    found = _servers(folder)
    if len(found) != 1:
        raise EnvcheckError("the demo's gunicorn is gone", f"its log was {folder / 'log'}")
    return found[0]


def _answer(port: int) -> str | None:
    """Ask the server for its AWS_REGION; None while it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise EnvcheckError(otherwise)
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(folder: Path) -> None:
    """End what the demo started, whatever became of it."""
    import psutil  # noqa: PLC0415

    members: list[psutil.Process] = []
    for server in _servers(folder):
        for process in server.processes:
            try:
                members.append(psutil.Process(process.pid))
            except psutil.NoSuchProcess:
                continue
    for member in members:
        member.terminate()
    _, alive = psutil.wait_procs(members, timeout=PATIENCE)
    for member in alive:
        member.kill()

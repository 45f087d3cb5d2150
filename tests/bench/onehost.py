"""One host over SSH: against what is typed today, and against Fabric as it comes.

The target runs on this machine: its share, sshd's above all, is in the wall time of both sides.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from live.servers import Gunicorn
from remote.sshd import Sshd

from envcheck import spec
from envcheck.collect import collect
from envcheck.hosts import Answer, Request, bootstrap, unpack
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination, parse
from envcheck.hosts.local import Local
from envcheck.hosts.resolve import Resolved, resolve
from envcheck.hosts.ssh import Options, remote
from envcheck.probe import frame
from envcheck.servers import SERVERS

from .fleet import Client
from .table import Row, at_most, slower
from .timing import ENVIRONMENT, Job, Measured, Spent, alternate
from .world import BIN, crowd, need

PAIR = ("ours", "theirs")
WORKERS, VARIABLES, IDLE = 16, 60, 1000
HOST = "box"  # under this name nothing is shared; under the other one there is a master
SHARED = "shared"
BY_HAND = 'sudo cat /proc/$(pgrep -o -f "[g]unicorn: master")/environ'
NONCE = "0" * 32
# The input, and behind it a line that ends the probe: Fabric closes no input, and types it byte by byte.
FED = (
    "import base64,os;r,w=os.pipe();os.write(w,base64.b64decode('{}'));os.dup2(r,0);"
    "import sys;f=sys.stdin.buffer;exec(f.read(int(next(l for l in f if l.strip().isdigit()))))"
)


class Noted(Local):
    """This machine, with what it is asked and how long the answers are."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sequence[Request]] = []
        self.answered = 0  # bytes, as another host would send them

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        answers = super().ask(requests)
        self.asked.append(requests)
        # The server descends from the shell of who measures: on another host it would from its supervisor.
        sent = [_descended(answer) for answer in answers]
        self.answered += len(frame.encode(sent, NONCE))  # pyright: ignore[reportUnknownMemberType]
        return answers


def _descended(answer: Answer) -> Answer:
    above = [p for p in answer.get("ancestors", ()) if p["pid"] == 1]
    return {**answer, "ancestors": above} if "ancestors" in answer else answer


def onehost(folder: Path, rounds: int) -> Iterator[Row]:
    need("sshd", "ssh", "sudo", "pgrep")
    client = [f"Host {SHARED}", f"  ControlPath {folder / 'master'}"]
    variables = {f"SHOP_SETTING_{i:02}": f"plain setting {i} {'x' * 30}" for i in range(VARIABLES)}
    with (
        Sshd(folder / "sshd", client=client, names=f"{HOST} {SHARED}") as sshd,
        Gunicorn(folder / "shop", workers=WORKERS).put(**variables) as shop,
    ):
        yield from _bytes(shop)
        measured = _in_process(sshd, rounds)
        what = "in process / fabric.Connection.run of the same collector's source"
        yield slower("onehost", f"{what}, both told where", measured, PAIR, at_most(0.35))
        what = "in process, asking `ssh -G` where / Fabric, which is told"
        yield slower("onehost", what, measured, ("asking", "theirs"))
        measured = alternate(_whole(HOST, sshd, shop), rounds)
        yield slower("onehost", "check -H / the command typed today", measured, PAIR, at_most(0.9))
        with crowd(folder, IDLE), _master(sshd):
            measured = alternate(_whole(SHARED, sshd, shop), rounds)
        what = f"check -H / the same over a master, {IDLE} processes more"
        yield slower("onehost", what, measured, PAIR, at_most(2.0))


def _bytes(shop: Gunicorn) -> Iterator[Row]:
    """Compare the answers, the files of the envdir among them, with what the kernel has of environments."""
    host = Noted()
    path = shop.spec()
    snapshot = collect(host, spec.load(Path(path).read_bytes(), path, (*SERVERS, "any")))
    processes = [p for s in snapshot.servers if s.first.cwd == str(shop.folder) for p in s.processes]
    raw = sum(len(Path(f"/proc/{p.pid}/environ").read_bytes()) for p in processes)
    what = f"answers / {len(processes)} raw environs"
    yield Row("onehost", f"{what} ({host.answered} / {raw} bytes)", host.answered / raw, at_most(0.05))
    asked = sum(len(json.dumps(questions)) for questions in host.asked)
    yield Row("onehost", "bytes of the collector and of its questions", len(bootstrap.prelude()) + asked)
    sent = len(bootstrap.prelude(near=True)) + asked
    yield Row("onehost", "the same for a host that is near, with its bytecode", sent)


def _in_process(sshd: Sshd, rounds: int) -> Measured:
    noted = Noted()
    collect(noted)
    questions = noted.asked[0]
    document = json.dumps({"nonce": NONCE, "requests": questions}).encode("ascii")
    fed = bootstrap.prelude() + b"%d\n%b\n" % (len(document), document)
    command = bootstrap.line((*bootstrap.PYTHON[:-1], FED.format(base64.b64encode(fed).decode())), sudo=False)

    def ours(options: Options) -> None:
        host = remote(parse(HOST), options)
        host.ask(questions)
        host.close()

    def theirs() -> None:
        with _fabric(sshd) as connection:
            said = connection.run(command, hide=True, warn=True, in_stream=False, encoding="latin-1").stdout
        unpack.decode(said.encode("latin-1"), NONCE)

    before = os.environ["PATH"]
    os.environ["PATH"] = sshd.env()["PATH"]  # the user's ssh
    try:
        found = resolve(parse(HOST), Deadline(30, 5))

        def known(_where: Destination, _deadline: Deadline) -> Resolved:
            return found

        told = Options(resolve=known)
        jobs = {"ours": lambda: ours(told), "asking": lambda: ours(Options()), "theirs": theirs}
        return alternate({name: _part(job) for name, job in jobs.items()}, rounds)
    finally:
        os.environ["PATH"] = before


def _fabric(sshd: Sshd) -> Any:
    key = {"key_filename": str(sshd.folder / "user"), "allow_agent": False, "look_for_keys": False}
    return import_module("fabric").Connection("127.0.0.1", user="root", port=sshd.port, connect_kwargs=key)


def _part(job: Callable[[], None]) -> Job:
    """Time a part of this very process, with the commands that it runs."""

    def cpu() -> float:
        return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])

    def timed() -> Spent:
        wall, spent = time.perf_counter(), cpu()
        job()
        return Spent((time.perf_counter() - wall) * 1000, (cpu() - spent) * 1000)

    return timed


def _whole(host: str, sshd: Sshd, shop: Gunicorn) -> Mapping[str, Job]:
    env = {**ENVIRONMENT, **sshd.env()}
    check = [sys.executable, str(BIN / "envcheck"), "check", f"cwd:{shop.folder}", "-H", host]
    said = subprocess.run(check, env=env, stdout=subprocess.PIPE, check=False).stdout.decode()
    if "gunicorn" not in said:
        raise RuntimeError(f"the check has not found its server: {said}")
    user_ssh = [f"{sshd.folder}/bin/ssh", "-o", "BatchMode=yes"]
    return {
        "ours": Client(check, env, (0, 3)),  # without a spec and a supervisor there is nothing to judge by
        "theirs": Client([*user_ssh, host, BY_HAND], env),
    }


@contextmanager
def _master(sshd: Sshd) -> Generator[None]:
    """Hold a connection that others share."""
    sshd.run("ssh", "-M", "-N", "-f", SHARED)
    try:
        yield
    finally:
        sshd.run("ssh", "-O", "exit", SHARED)

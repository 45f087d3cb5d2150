"""Processes that are no servers, are gone, or may not be seen; and pid files that mislead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.support import Gunicorn, app_in, end, envdir, gunicorn, run, write_spec
from live.harness import clean, need, root_only, wait_for

SAME = {"COLOUR": "red", "SIZE": "large", "LONG": "a" * 60 + "!"}


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0]


@pytest.fixture
def sleeper() -> Iterator[int]:
    child = subprocess.Popen(["sleep", "600"], env={"TOKEN": "x"})
    yield child.pid
    child.kill()
    child.wait()


@pytest.fixture
def zombie() -> Iterator[int]:
    child = subprocess.Popen(["true"])
    wait_for(lambda: state(child.pid) == "Z", "true does not end")
    yield child.pid
    child.wait()


@pytest.fixture
def absent() -> int:
    """The pid of a process that has been reaped."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_no_such_process(absent: int) -> None:
    for name in ("ps", "show"):
        ran = run(name, str(absent))
        assert (ran.status, ran.out) == (2, "")
        assert f"there is no process {absent}" in ran.error
    ran = run("check", str(absent))
    assert (ran.status, ran.first.partition(":")[0]) == (2, "NOTHING MATCHED")
    assert f"there is no process {absent}" in " ".join(ran.out.split())


NO_PIDS = ["0", "4194304", "99999999999", "9" * 30, "9" * 5000, "²", "٣", "-1", "1.5", "0x1", ""]


@pytest.mark.parametrize("pid", NO_PIDS)
def test_no_process_id(pid: str) -> None:
    for name in ("ps", "show", "check"):
        assert run(name, "--", pid).status == 2


def test_another_program(sleeper: int) -> None:
    ran = run("check", str(sleeper))
    assert ran.status == 2
    assert f"process {sleeper} (sleep) is no application server" in " ".join(ran.out.split())

    shown = run("show", str(sleeper))
    assert shown.status == 0
    assert shown.document["layers"]["at_exec"]["variables"]["TOKEN"]["hidden"]


def test_zombie(zombie: int) -> None:
    assert run("check", str(zombie)).status == 2
    shown = run("show", str(zombie))
    assert (shown.status, shown.document["layers"]["at_exec"]["status"]) == (3, "zombie")


def test_thread() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert run("check", str(thread.native_id)).status == 2
        shown = run("show", str(thread.native_id))
        assert shown.status in (2, 3)
        assert "thread" in shown.out + shown.err
    finally:
        over.set()
        thread.join()


@root_only
def test_kernel_thread() -> None:
    kthreadd = 2
    if Path(f"/proc/{kthreadd}/cmdline").read_bytes():
        pytest.skip("a pid namespace without kernel threads")
    shown = run("show", str(kthreadd))
    assert shown.status == 3
    assert "kthread" in shown.out
    assert run("check", str(kthreadd)).status == 2


def test_pidfiles(shop: Gunicorn, home: Path, sleeper: int, absent: int) -> None:
    def check(content: str | None, make: str = "") -> tuple[int, str]:
        path = home / f"pid{len(list(home.iterdir()))}"
        if content is not None:
            path.write_text(content)
        elif make:
            getattr(os, make)(path)
        ran = run("check", f"pidfile:{path}")
        return ran.status, " ".join(ran.out.split())

    assert check(f"{shop.master}\n")[0] == 3  # found, and nothing to compare with
    for content in (str(sleeper), str(absent), str(shop.workers[0])):
        status, text = check(content)
        assert (status, f"it is stale: process {content} is no master" in text) == (2, True)
    for content in ("", "none", "9" * 6000, "\x00", "1 2", "²"):
        assert check(content)[0] == 2
    assert "it is a folder" in check(None, "mkdir")[1]
    assert "no regular file" in check(None, "mkfifo")[1]
    assert "there is no such file" in check(None)[1]


@root_only
def test_what_an_unprivileged_user_reads(shop: Gunicorn, home: Path) -> None:
    ran = run("check", str(shop.master), nobody=True)
    assert (ran.status, ran.app["state"]) == (3, "undecided")
    assert {f["cause"] for f in ran.app["findings"]} >= {"denied"}
    assert "run as root" in " ".join(ran.out.split())

    shown = run("show", str(shop.master), nobody=True)
    assert shown.status == 3
    assert {layer["status"] for layer in shown.document["layers"].values()} >= {"denied"}

    spec = write_spec(home / "spec.yaml", shop=app_in(shop.folder, COLOUR="green"))
    hidden = run("check", "-s", str(spec), nobody=True)
    assert (hidden.status, hidden.first.partition(":")[0]) == (3, "COULD NOT TELL")
    assert "not allowed to read" in " ".join(hidden.out.split())


def commands(shop: Gunicorn, spec: Path) -> list[tuple[str, ...]]:
    pid = str(shop.master)
    return [("ps",), ("check",), ("check", "-s", str(spec)), ("check", pid), ("show", pid)]


@root_only
def test_hidden_processes(shop: Gunicorn, home: Path) -> None:
    """A mount of its own: the machine's /proc stays as it is."""
    need("unshare")
    spec = write_spec(home / "spec.yaml", shop=app_in(shop.folder))
    hide = ("unshare", "--mount", "sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$0" "$@"')

    for argv in commands(shop, spec):
        ran = run(*argv, nobody=True, wrap=hide)
        assert ran.status == 3, ran
        said = " ".join((ran.out + ran.err).split())
        assert "other users' processes: cannot see them" in said
        assert "sudo" in said
    whole = run("check", str(shop.master), wrap=hide)
    assert whole.first.startswith("UNPROVEN")


@root_only
def test_no_proc(shop: Gunicorn, home: Path) -> None:
    need("unshare")
    spec = write_spec(home / "spec.yaml", shop=app_in(shop.folder))
    without = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"')

    for argv in commands(shop, spec):
        ran = run(*argv, wrap=without)
        assert ran.status == 3, ran
        assert "/proc lists no process: is it mounted?" in " ".join((ran.out + ran.err).split())


def test_servers_that_come_and_go(site: Path, home: Path) -> None:
    """A master that is killed leaves workers; then they are gone too."""
    need("setsid")
    server = gunicorn(site / "mortal", workers=2)
    spec = write_spec(home / "spec.yaml", mortal=app_in(server.folder, COLOUR={"forbidden": True}))
    stopped = server.workers[0]
    os.kill(stopped, 19)
    assert run("check", "-s", str(spec)).status == 0
    os.kill(stopped, 18)

    end(server.master)
    for worker in server.workers:
        end(worker)
    wait_for(lambda: not any(Path(f"/proc/{p}").exists() for p in (server.master, *server.workers)), "alive")

    assert run("check", "-s", str(spec)).status == 2


def test_what_only_mentions_gunicorn(home: Path) -> None:
    argv = [
        sys.executable,
        "-c",
        "import time; print('up', flush=True); time.sleep(600)",
        "gunicorn: master [x]",
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=clean(), cwd=home) as decoy:
        try:
            assert decoy.stdout is not None
            decoy.stdout.readline()
            assert run("check", f"cwd:{home}").status == 2
        finally:
            decoy.kill()


def test_fresh_folder_of_a_deleted_server(site: Path, home: Path) -> None:
    """The release that a server was started in may have been deleted meanwhile."""
    server = gunicorn(site / "deleted", env=SAME)
    (server.folder / "app.py").unlink()
    server.folder.rename(site / "renamed")
    copy = envdir(home / "env.d", **SAME | {"COLOUR": "green"})
    app = {"match": {"pid": str(server.master)}, "sources": [{"envdir": str(copy)}]}

    assert run("check", "-s", str(write_spec(home / "spec.yaml", shop=app))).status == 1

"""What a user may do himself, by sudo, or not at all: told, done by that very user, and not attempted."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live.checking import AS_NOBODY, Json, Outcome, as_nobody
from live.harness import clean, need, root_only, wait_for
from live.servers import Gunicorn
from live.test_services import TOOLS, Service

SUDOERS = Path("/etc/sudoers.d")


@pytest.fixture
def stale(home: Path, bare: Path) -> Iterator[Service]:
    """A server of nobody's, which root's runsv has started, and whose source has changed."""
    need("runsv", "sudo", "visudo")
    server = Gunicorn(home / "app", program=(str(bare / "gunicorn"),)).put(COLOUR="red")
    command = shlex.join(server.argv())
    made = Service(TOOLS["runit"], server, f"exec chpst -u nobody:nogroup -e ./env.d {command}\n")
    try:
        made.start()
        server.put(COLOUR="blue")
        yield made
    finally:
        made.stop()


@contextmanager
def may(rule: str) -> Generator[None]:
    """Let sudo know one rule more; it is validated before it counts, and removed."""
    file, tried = SUDOERS / "envcheck-test", SUDOERS / "envcheck-test.tried"  # one with a dot is not read
    tried.write_text(f"nobody ALL={rule}\n")
    tried.chmod(0o440)
    try:
        subprocess.run(["visudo", "-c", "-f", str(tried)], check=True, capture_output=True)
        tried.rename(file)
        yield
    finally:
        tried.unlink(missing_ok=True)
        file.unlink(missing_ok=True)


def remedy(seen: Outcome) -> Json:
    [app] = json.loads(seen.out)["hosts"][0]["apps"]
    found: Json = app["remedy"]
    return found


def as_that_user(argv: list[str]) -> None:
    subprocess.run([*AS_NOBODY, *argv], check=True, capture_output=True, timeout=60, env=clean(), cwd="/")


@root_only
def test_a_user_without_and_with_a_rule(stale: Service, site: Path) -> None:
    server, folder = stale.server, str(stale.folder)
    before, target = server.pids(), ("-s", server.spec())  # what root's runsv hands on, nobody may not read

    asked = remedy(as_nobody(site, "check", *target, "-f", "json"))
    refused = as_nobody(site, "restart", *target, "--apply", "--yes")

    assert [(s["argv"], s["runnable"]) for s in asked["steps"]] == [(["sv", "restart", folder], False)]
    assert asked["sufficient"]
    # sudo tells one who has no rule, and one who would have to type a password, the same.
    assert f"ask for: sv restart {folder} (as root; sudo may ask" in asked["steps"][0]["ask"]
    assert refused.status == 5
    assert refused.out.startswith("REFUSED: ")
    assert f"do: ask for: sv restart {folder} (as root" in " ".join(refused.out.split())
    assert server.pids() == before

    with may(f"(root) NOPASSWD: /usr/bin/sv restart {folder}"):
        told = remedy(as_nobody(site, "check", *target, "-f", "json"))
        [step] = told["steps"]
        assert step["argv"] == ["sudo", "/usr/bin/sv", "restart", folder]
        assert (step.get("runnable", True), told["sufficient"]) == (True, True)
        master = server.master
        as_that_user(step["argv"])
        wait_for(lambda: master not in server.pids(), "the master does not end")
        server.ready()
        assert server.http("COLOUR") == {"blue"}
        assert as_nobody(site, "check", *target).status == 0

        server.put(COLOUR="green")
        done = as_nobody(site, "restart", *target, "--apply", "--yes")
        assert (done.status, server.http("COLOUR")) == (0, {"green"}), done.out

    server.put(COLOUR="red")
    before = server.pids()
    with may(f"(root) PASSWD: /usr/bin/sv restart {folder}, NOPASSWD: /bin/false"):
        typed = as_nobody(site, "restart", *target, "--apply", "--yes")
    assert (typed.status, server.pids()) == (5, before)
    assert f"do: run the steps yourself: sudo /usr/bin/sv restart {folder}" in " ".join(typed.out.split())


@root_only
def test_who_may_write_to_the_supervisor_needs_no_sudo(stale: Service, site: Path) -> None:
    supervise = stale.folder / "supervise"
    supervise.chmod(0o755)
    for name in ("control", "ok"):
        (supervise / name).chmod(0o666)

    [step] = remedy(as_nobody(site, "check", f"cwd:{stale.server.folder}", "-f", "json"))["steps"]

    assert step["argv"] == ["sv", "restart", str(stale.folder)]
    assert "ask" not in step
    master = stale.server.master
    as_that_user(step["argv"])
    wait_for(lambda: master not in stale.server.pids(), "the master does not end")
    stale.server.ready()
    assert stale.server.http("COLOUR") == {"blue"}

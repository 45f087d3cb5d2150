"""What podman's containers are given, and what brings a change in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live.checking import envcheck
from live.harness import root_only, wait_for
from live.podman import Container

pytestmark = [pytest.mark.live, root_only]


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    server = Container(tmp_path)
    server.file.write_text("COLOUR=red\n")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_only_a_new_container_has_the_new_value(container: Container) -> None:
    before = container.judge()
    assert before.app["supervisor"] == {"kind": "podman", "name": container.name}
    assert (before.status, before.state) == (0, "in-sync"), before.app

    container.file.write_text("COLOUR=blue\n")
    stale = container.judge()
    assert (stale.status, stale.state) == (1, "stale"), stale.app
    [finding] = [f for f in stale.app["findings"] if f["variable"] == "COLOUR"]
    assert finding["configured"]["origin"] == f"{container.file}:1"
    remedy = stale.app["remedy"]
    assert (remedy["action"], remedy["sufficient"]) == ("recreate", True), remedy

    for step in remedy["insufficient"]:
        if "restart" not in step["argv"]:
            continue
        old = container.master
        container.run(*container.tool("restart", "-t", "3", container.name))
        wait_for(lambda old=old: old not in container.pids(), "it does not restart")  # type: ignore[misc]
        container.ready()
        assert container.colour() == "red"
        break
    else:
        pytest.fail("restart is not named as insufficient")
    assert container.judge().state == "stale"

    for step in container.judge().app["remedy"]["steps"]:
        container.run(*step["argv"])
    container.ready()
    assert container.colour() == "blue"
    after = container.judge()
    assert (after.status, after.state) == (0, "in-sync"), after.app


def test_a_new_container_is_verified(container: Container) -> None:
    """Its process title hides how many workers it is started with."""
    container.file.write_text("COLOUR=blue\n")
    wishes = ("--apply", "--yes", "--reveal", "BY_OPTION", "--timeout", "30s")
    done = envcheck("restart", f"cwd:{container.folder}", *wishes, PATH=container.door())
    assert (done.status, done.out.startswith("DONE")) == (0, True), done
    assert container.colour() == "blue"

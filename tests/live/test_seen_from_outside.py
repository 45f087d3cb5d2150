"""A server in a container, seen from the host: files as it sees them, and not as the host does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live.checking import check
from live.harness import own_pid, root_only
from live.podman import Container
from live.servers import without_titles

pytestmark = [pytest.mark.live, root_only]


class Shop(Container):
    """What it reads is in a folder that only it has at that place."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.inside = home / "inside"
        self.inside.mkdir()
        self.seen = f"/etc/shop-{self.port}"  # no such folder on the host
        self.engine.limits += ("--volume", f"{self.inside.resolve()}:{self.seen}")
        self.args = ("-c", f"{self.seen}/conf.py")
        self.sources = [{"file": f"{self.seen}/link.env", "dialect": "docker"}]
        (self.inside / "link.env").symlink_to(f"{self.seen}/shop.env")
        self.conf("sweet")
        self.env_file("red")

    def command(self) -> list[str]:
        """Give a gunicorn whose title does not hide which configuration it has."""
        bins = without_titles(self.folder / "venv")
        return [str(bins / "python3"), str(bins / "gunicorn"), *self.argv()[1:]]

    def conf(self, flavour: str) -> None:
        (self.inside / "conf.py").write_text(f'raw_env = ["FLAVOUR={flavour}"]\n')

    def env_file(self, colour: str) -> None:
        (self.inside / "shop.env").write_text(f"COLOUR={colour}\n")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    server = Shop(tmp_path)
    server.file.write_text("COLOUR=red\n")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_files_are_read_in_its_root(shop: Shop) -> None:
    before = check(shop)
    assert before.status == 0, before.app
    assert not {"COLOUR", "FLAVOUR"} & before.wrong().keys()
    [generation] = before.app["generations"]
    assert (generation["master"]["pid"], own_pid(shop.master)) == (shop.master, 1)

    shop.env_file("blue")
    stale = check(shop)
    assert (stale.status, stale.says("COLOUR")[0]) == (1, "stale"), stale.app
    assert stale.finding("COLOUR")["configured"]["origin"] == f"{shop.seen}/link.env:1"
    shop.env_file("red")

    shop.conf("sour")
    changed = check(shop)
    assert (changed.status, changed.says("FLAVOUR")[0]) == (1, "stale"), changed.app
    assert changed.finding("FLAVOUR")["configured"]["origin"].startswith(f"{shop.seen}/conf.py")
    signals = [s["argv"] for s in changed.remedy["insufficient"] if s["argv"][0] == "kill"]
    assert signals
    assert {int(argv[-1]) for argv in signals} <= shop.pids()  # by the pids that the host has for them


def test_a_file_that_only_the_host_has(shop: Shop) -> None:
    """Read for the host, it would be told as what the server is given."""
    (shop.inside / "link.env").unlink()
    (shop.inside / "link.env").symlink_to("/etc/none")
    gone = check(shop)
    assert gone.status == 3, gone.app

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from live.harness import Server, kill_all_in
from live.servers import without_titles


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def site() -> Iterator[Path]:
    """A folder that every user may enter; whatever runs in it is ended."""
    folder = Path(tempfile.mkdtemp(prefix="envcheck-live-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        kill_all_in(folder)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def bare(site: Path) -> Path:
    """The programs of a Python that has no setproctitle."""
    return without_titles(site / "bare")


def _folder(site: Path, name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=site)).resolve()
    folder.chmod(0o755)
    return folder


@pytest.fixture
def home(site: Path, request: pytest.FixtureRequest) -> Path:
    """An empty folder for the servers of one test."""
    return _folder(site, "".join(c if c.isalnum() else "-" for c in request.node.name))


@pytest.fixture(scope="module")
def street(site: Path, request: pytest.FixtureRequest) -> Path:
    """An empty folder for what the tests of a module share."""
    return _folder(site, request.node.path.stem)


@pytest.fixture
def run() -> Iterator[Callable[[Server], Server]]:
    """Start a server and end it after the test."""
    with ExitStack() as stack:

        def start(server: Server) -> Server:
            stack.callback(server.stop)
            return server.start()

        yield start

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.support import Gunicorn, envdir, gunicorn
from live.harness import kill_all_in, need


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def site() -> Iterator[Path]:
    """A folder that every user may enter; whatever runs in it is ended."""
    folder = Path(tempfile.mkdtemp(prefix="envcheck-hostile-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        kill_all_in(folder)
        shutil.rmtree(folder)


@pytest.fixture
def home(site: Path) -> Path:
    """An empty folder for one test, open to every user."""
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=site)).resolve()
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def shop(site: Path) -> Gunicorn:
    """A server that nobody changes; tests judge it by specs and folders of their own."""
    need("envdir", "setsid")
    folder = site / "shop"
    folder.mkdir()
    envdir(folder / "env.d", COLOUR="red", SIZE="large", LONG="a" * 60 + "!")
    return gunicorn(folder, chain=("envdir", "env.d"))

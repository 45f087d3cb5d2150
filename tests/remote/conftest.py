from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live.conftest import bare, home, run, site, street
from remote.sshd import Sshd

__all__ = ["bare", "home", "run", "site", "street"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def box(site: Path) -> Iterator[Sshd]:
    """A plain sshd for root."""
    with Sshd(site / "box") as sshd:
        yield sshd

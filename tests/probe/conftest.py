from __future__ import annotations

import importlib
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from probe.support import Nursery, compiled

import envcheck.probe

for _module in pkgutil.iter_modules(envcheck.probe.__path__):  # user nobody could not import them later
    importlib.import_module(f"envcheck.probe.{_module.name}")

FLAGS = {
    "pie": ("gcc", "-fPIE", "-pie"),
    "fixed": ("gcc", "-no-pie"),
    "copy": ("gcc", "-DCOPY", "-no-pie", "-fno-pie"),
    "sysv": ("gcc", "-DCOPY", "-no-pie", "-fno-pie", "-Wl,--hash-style=sysv"),
    "stripped": ("gcc", "-s"),
    "static": ("gcc", "-static"),
    "static-pie": ("gcc", "-static-pie", "-fPIE"),
    "static-stripped": ("gcc", "-static", "-s"),
    "musl": ("musl-gcc", "-fPIE", "-pie"),
    "musl-copy": ("musl-gcc", "-DCOPY", "-no-pie", "-fno-pie"),
    "musl-static": ("musl-gcc", "-static"),
}


@pytest.fixture(scope="session")
def program() -> Iterator[Callable[[str], Path]]:
    """The target program, built in one of the ways of FLAGS."""
    with tempfile.TemporaryDirectory(prefix="envcheck-probe-") as name:  # pytest's own are closed to nobody
        folder = Path(name)
        folder.chmod(0o755)
        yield lambda kind: compiled(folder, kind, *FLAGS[kind])


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def read() -> Callable[..., dict[str, Any]]:
    """The facts of one process."""

    def one(pid: int, *, live: bool = True) -> dict[str, Any]:
        (answer,) = envcheck.probe.answer([{"op": "process", "pids": [pid], "live": live}])
        assert answer["status"] == "ok"
        (facts,) = answer["processes"]
        return dict(facts)

    return one


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package under another name, away from envcheck: the folder to put on sys.path."""
    folder = tmp_path_factory.mktemp("sent")
    shutil.copytree(
        Path(envcheck.probe.__file__).parent,
        folder / "elsewhere",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder

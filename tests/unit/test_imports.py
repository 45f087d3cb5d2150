"""A local check loads nothing that only other commands or a terminal need: it costs tens of milliseconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HEAVY = {"asyncio", "cryptography", "fabric", "invoke", "paramiko", "psutil", "pydantic", "rich", "unittest"}
RUN = """\
import sys
from envcheck.cli import run
status = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(status)
"""
SPEC = """\
version: 1
apps:
  shop:
    match: {{server: gunicorn, cwd: {folder}}}
    env:
      SHOP: {{pattern: '^it.s$'}}
      REGION: eu
"""
IN_SYNC, COULD_NOT_TELL = 0, 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """A process that calls itself as Gunicorn's master does, in this folder."""
    code = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        ["gunicorn: master [shop]", "-c", code],
        executable=sys.executable,
        cwd=tmp_path,
        env={"SHOP": "it's", "REGION": "eu"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield tmp_path
        process.kill()


def check(*arguments: str) -> tuple[int, set[str]]:
    """Give the exit status, and all modules that were loaded at the end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, "check", *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, set(done.stderr.splitlines()[-1].split())


def test_with_a_spec(server: Path) -> None:
    spec = server / "spec.yaml"
    spec.write_text(SPEC.format(folder=server))
    status, modules = check("-s", str(spec))
    assert status in {IN_SYNC, COULD_NOT_TELL}
    assert "envcheck.report.text" in modules  # it went all the way
    assert not HEAVY & modules


def test_without_a_spec(server: Path) -> None:
    _, modules = check(f"cwd:{server}")
    assert "envcheck.report.text" in modules
    assert not (HEAVY | {"yaml", "envcheck.spec"}) & modules

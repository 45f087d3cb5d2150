"""What the differential tests share: the seed, and what to do where the real program is not installed."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from envcheck.model import Parsed

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return loaded


def absent(what: str) -> None:
    """Skip a test whose real program is not here; where it must be, fail."""
    if os.environ.get("ENVCHECK_REQUIRE") == "1":
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


def seeded(default: int) -> random.Random:
    """Give a generator; ENVCHECK_SEED chooses another seed, and a failing test shows the one it had."""
    seed = int(os.environ.get("ENVCHECK_SEED", default))
    print(f"seed {seed}")
    return random.Random(seed)  # noqa: S311 - test inputs, no secrets


def environment(parsed: Parsed) -> dict[str, str]:
    """What a process gets: the last assignment of a name wins, in the place of the first."""
    result: dict[str, str | None] = {}
    for assignment in parsed.assignments:
        result[assignment.name] = assignment.value
    return {name: value for name, value in result.items() if value is not None}

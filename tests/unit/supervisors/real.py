"""The real programs' own code, as oracles."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from unit.sources.oracle import absent


def real(module: str) -> Any:
    """Give a module of a supervisor; skip, or fail, where it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        return absent(module)

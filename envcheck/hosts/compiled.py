"""What this Python has compiled of the probe and kept, for a target whose Python reads the same bytecode.

There, compiling takes about as long as everything that is read afterwards. Who imported or installed envcheck
has left it beside the sources; where that is not so, it does without.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any

from envcheck import probe

MAGIC = MAGIC_NUMBER.hex()  # of this Python's bytecode; a target that has another one does not look at it


def modules(names: Mapping[str, str]) -> dict[str, bytes]:
    """Give those of the modules that are to be had, marshalled; they say nothing of this machine.

    *names*: of the modules, to what they are called there.
    """
    if sys.implementation.name != "cpython":
        return {}
    found = {there: _kept(name) for name, there in names.items()}
    return {there: marshal.dumps(_bare(code, f"<{there}>")) for there, code in found.items() if code}


def _kept(name: str) -> CodeType | None:
    whole = probe.__name__ if name == "__init__" else f"{probe.__name__}.{name}"
    spec = probe.__spec__ if name == "__init__" else PathFinder.find_spec(whole, probe.__path__)
    if spec is None or not spec.cached or not os.path.exists(spec.cached):  # noqa: PTH110
        return None
    loader: Any = spec.loader
    try:
        code: CodeType | None = loader.get_code(whole)  # it looks whether that is still of this source
    except Exception:  # noqa: BLE001 - what was kept is damaged, in whatever way
        return None
    return code


def _bare(code: CodeType, file: str) -> CodeType:
    """Leave out where it is from and on which lines: a quarter of it, and a path of this machine."""
    constants = (_bare(c, file) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_consts=tuple(constants), co_filename=file, co_linetable=b"")

"""Fabric is imported without what nothing here uses, and no other import is the worse for it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from envcheck.hosts import lean

IMPORT = """
import sys
from envcheck.hosts import lean
ssh = lean.paramiko()
assert ssh.Transport and lean.classes().connection
left = [name for name in sys.modules if isinstance(sys.modules[name], lean.Nothing)]
assert not left, left
assert not {"asyncio", "importlib.metadata"} & set(sys.modules)
from importlib.metadata import version
assert ssh.Transport._CLIENT_ID == "paramiko_" + version("paramiko"), ssh.Transport._CLIENT_ID
from unittest.mock import Mock
assert Mock(return_value=1)() == 1
"""


def test_nothing_stays() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_there_is_left() -> None:
    with lean.without(("sys", "envcheck.nowhere")):
        assert not isinstance(sys.modules["sys"], lean.Nothing)
        nowhere = import_module("envcheck.nowhere")
        assert nowhere.anything is object
        with pytest.raises(AttributeError):
            _ = nowhere.__anything__
    assert "envcheck.nowhere" not in sys.modules

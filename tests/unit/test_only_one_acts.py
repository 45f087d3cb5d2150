"""One module alone can signal a process, or run what changes something; the others have no means to."""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import envcheck
from envcheck.hosts import bootstrap
from envcheck.hosts.local import Local

PACKAGE = Path(envcheck.__file__).parent

# Modules with which programs are run, and the functions that signal, run or replace processes.
MODULES = {"subprocess", "multiprocessing", "pty", "ctypes", "cffi", "_posixsubprocess", "asyncio", "posix"}
CALLS = re.compile(
    r"(kill|killpg|terminate|suspend|resume|send_signal|pidfd_send_signal|pthread_kill|raise_signal|abort|"
    r"exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|fork|forkpty|system|popen|Popen)"
)
BUILTINS = {"exec", "eval", "compile", "__import__"}
# What may do what, and why.
ALLOWED = {
    "probe/act.py": {"subprocess", "kill", "killpg", "pidfd_send_signal", "Popen"},
    "probe/commands.py": {"subprocess", "killpg", "Popen"},  # what only reads, by a table; ends what hangs
    "probe/arrive.py": {"exec", "compile", "__import__"},  # the probe itself, which came the same way
    "below.py": {"subprocess", "Popen", "kill"},  # the end of a child of its own, and of its tree
    "questions.py": {"subprocess", "Popen", "kill"},  # ssh -G, and the end of this very child
    "probe/inside.py": {"ctypes"},  # openat2, to look into another root
    "hosts/process.py": {"subprocess", "Popen", "kill"},  # ssh or an engine, and the end of its own tree
    "demo.py": {"subprocess", "kill", "terminate"},  # a server of its own
}


def means(tree: ast.Module) -> Iterator[str]:
    """Give what a module has to signal or to run something: imports, and calls and mentions by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name.partition(".")[0] for a in node.names if a.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and (node.module or "").partition(".")[0] in MODULES:
                yield (node.module or "").partition(".")[0]
            if node.module in ("os", "signal", "psutil", "builtins"):
                yield from (a.name for a in node.names if CALLS.fullmatch(a.name))
        elif isinstance(node, ast.Attribute) and CALLS.fullmatch(node.attr):
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name in BUILTINS or CALLS.fullmatch(name):
                yield name


def test_only_one_module_acts() -> None:
    found = {
        str(path.relative_to(PACKAGE)): set(means(ast.parse(path.read_bytes())))
        for path in sorted(PACKAGE.rglob("*.py"))
    }

    assert {name: what for name, what in found.items() if what} == ALLOWED


def test_the_means_are_seen() -> None:
    code = """
import subprocess as s
from os import kill
import os, psutil
def f(p, o=os):
    o.kill(1, 9); psutil.Process(p).terminate(); x = os.execv; exec("")
"""
    assert set(means(ast.parse(code))) == {"subprocess", "kill", "terminate", "execv", "exec"}


def carried(prelude: bytes) -> set[str]:
    """Give the modules of a packed probe, behind the loader."""
    size, _, rest = prelude.removeprefix(bootstrap.GUARD).partition(b"\n")
    _, _, packed = rest[int(size) :].removeprefix(b"- 0\n").partition(b"\n")
    return {name.rpartition(".")[2] for name in zlib.decompress(packed).decode().split("\0")[::2]}


def test_what_acts_travels_only_where_something_is_to_be_changed() -> None:
    reading, acting = carried(bootstrap.prelude()), carried(bootstrap.prelude(acts=True))

    assert {"serve", "commands"} <= reading
    assert acting - reading == {"acting", "act", "lock"}
    assert {path.stem for path in (PACKAGE / "probe").glob("*.py")} - {"__init__", "arrive"} == acting - {
        "envcheck_probe"
    }


def test_acting_is_none_of_the_ops_of_the_reading_probe() -> None:
    [answer] = Local().ask([{"op": "act", "do": "step", "argv": ["true"]}])
    assert answer == {"status": "error", "detail": "unknown op"}
    mentions = re.compile(rb"^\s*(from|import) .*\bact\b", re.MULTILINE)
    importers = [p for p in PACKAGE.rglob("*.py") if mentions.search(p.read_bytes())]
    assert sorted(importers) == [PACKAGE / "hosts/local.py", PACKAGE / "probe/acting.py"]

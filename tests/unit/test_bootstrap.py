"""What is sent to a target: it answers from bytecode where its Python reads that, else from the source."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from envcheck import probe
from envcheck.hosts import bootstrap, compiled, unpack

NONCE = "0" * 32


def answers(first: bytes) -> object:
    """Give what a Python of this version answers to *first* and a question; None: nothing."""
    document = json.dumps({"nonce": NONCE, "requests": [{"op": "host"}]}).encode()
    command = [sys.executable, *bootstrap.PYTHON[1:]]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(first + b"%d\n%b" % (len(document), document))
        process.stdin.flush()
        said = b""
        while f"{NONCE} END\n".encode() not in said:  # its input is held open: else it would leave
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                return None
            said += piece
        process.stdin.close()
    return unpack.decode(said, NONCE)


def parts(prelude: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Take apart: what comes first, the magic number, the packed bytecode, the packed source."""
    head, _, rest = prelude.removeprefix(bootstrap.GUARD).partition(b"\n")
    loader, rest = rest[: int(head)], rest[int(head) :]
    line, _, rest = rest.partition(b"\n")
    magic, length = line.split()
    codes, rest = rest[: int(length)], rest[int(length) :]
    size, _, sources = rest.partition(b"\n")
    assert len(sources) == int(size)
    return bootstrap.GUARD + head + b"\n" + loader, magic, codes, sources


def whole(first: bytes, magic: bytes, codes: bytes, sources: bytes) -> bytes:
    return b"%b%b %d\n%b%d\n%b" % (first, magic, len(codes), codes, len(sources), sources)


MAKE = """
import compileall, sys
from envcheck import probe
from envcheck.hosts import bootstrap
assert compileall.compile_dir(probe.__path__[0], quiet=2)
sys.stdout.buffer.write(bootstrap.prelude(near=True))
"""


@pytest.fixture(scope="module")
def near() -> bytes:
    """Give what goes to a host that is near; the probe is compiled, as whoever installs it leaves it."""
    return subprocess.run([sys.executable, "-c", MAKE], check=True, stdout=subprocess.PIPE).stdout


def test_it_answers_from_bytecode_alone(near: bytes) -> None:
    first, magic, codes, _ = parts(near)

    assert magic.decode() == compiled.MAGIC
    assert answers(whole(first, magic, codes, zlib.compress(b"\0".join([b"envcheck_probe.serve", b"!"]))))


def test_another_version_answers_from_the_source(near: bytes) -> None:
    first, _, codes, sources = parts(near)

    assert answers(whole(first, b"550d0d0a", b"no bytecode of this version", sources))
    assert answers(whole(first, b"550d0d0a", codes, sources))
    assert answers(whole(first, b"550d0d0a", codes, zlib.compress(b""))) is None


def test_far_away_no_bytecode_goes(near: bytes) -> None:
    _, magic, codes, sources = parts(bootstrap.prelude())

    assert (magic, codes) == (b"-", b"")
    assert sources == parts(near)[3]
    assert answers(bootstrap.prelude())


def test_bytecode_says_nothing_of_this_machine(near: bytes) -> None:
    modules = marshal.loads(zlib.decompress(parts(near)[2]))  # noqa: S302
    codes = [marshal.loads(code) for code in modules.values()]  # noqa: S302

    assert len(codes) == len(bootstrap.MODULES)
    files = {code.co_filename for top in codes for code in within(top)}
    assert files == {f"<{name}>" for name in modules}
    assert os.fsencode(Path(probe.__path__[0]).parent) not in b"".join(modules.values())


def within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from within(constant)


def test_what_was_not_kept_is_not_compiled() -> None:
    assert compiled.modules({"nowhere": "x"}) == {}


DAMAGED = """
import importlib.util, os, sys
from envcheck import probe
from envcheck.hosts import compiled
kept = importlib.util.cache_from_source(probe.__path__[0] + "/scan.py")
os.truncate(kept, 500)
assert list(compiled.modules({"scan": "x", "facts": "y"})) == ["y"]
"""


def test_what_is_damaged_is_left_out(tmp_path: Path) -> None:
    package = Path(probe.__path__[0]).parent
    shutil.copytree(package, tmp_path / "envcheck")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for script in (MAKE, DAMAGED):
        command = [sys.executable, "-c", script]
        subprocess.run(command, check=True, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)

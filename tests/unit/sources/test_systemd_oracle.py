"""EnvironmentFile held against systemd's own library, on generated files."""

from __future__ import annotations

import ctypes
import random
import re
from collections.abc import Callable
from pathlib import Path

from unit.sources.oracle import absent, environment, seeded

from envcheck.sources import Dialect, systemd

INPUTS = 120_000
LIBRARIES = sorted(Path("/usr/lib").glob("*/systemd/libsystemd-shared-*.so"))

# Pieces of files: what the grammar knows, what it does not, and what is near to either.
PIECES: list[bytes] = [
    *[b"A", b"B", b"_c", b"A1", b"1A", b"A.B", b"A-B", b"export ", b"export\t", b"x", b"value", b"a b"],
    *[b"=", b"=", b"=", b"=", b" = ", b"A=", b"B=", b"A=1\n", b"\nA=", b"\nB=", b"\nexport A="],
    *[b" ", b"  ", b"\t", b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\v", b"\f", b"\x01", b"\x1b", b"\x7f"],
    *[
        b'"',
        b'"',
        b"'",
        b"'",
        b'""',
        b"''",
        b'" "',
        b"' '",
        b'"x"',
        b"'y'",
        b"`",
        b"$",
        b"$A",
        b"${A}",
        b"$(x)",
    ],
    *[
        b"\\",
        b"\\",
        b"\\\\",
        b"\\\n",
        b"\\\r\n",
        b"\\\r",
        b'\\"',
        b"\\'",
        b"\\$",
        b"\\`",
        b"\\n",
        b"\\ ",
        b"\\#",
    ],
    *[
        b"#",
        b";",
        b" #",
        b" ;",
        b"\n#",
        b"\n;",
        b"\n #c\\\n",
        b"#c\\\\\n",
        b"#c\\ \n",
        b"# A=1\n",
        b"!",
        b"%h",
        b"*",
    ],
    *[
        "é".encode(),
        "ą=".encode(),
        "\U0001f600".encode(),
        b"\xef\xbb\xbf",
        b'{"k": "v"}',
        b"https://h/?a=b#c",
    ],
]
# Rare, for one of them refuses the file and hides the rest.
ENDS: list[bytes] = [
    *[
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xe9",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\x80",
        b"\xf0\x9f\x98",
    ],
    *[b"\xf8\x88\x80\x80\x80", b"\xe0\x80\x80"],
    *[
        chr(point).encode()
        for point in (0xFFFE, 0xFFFF, 0xFDD0, 0xFDEF, 0xFDCF, 0xFDF0, 0xFFFD, 0x1FFFE, 0x10FFFF)
    ],
]


def library() -> tuple[Callable[[bytes], dict[str, str] | None], Dialect]:
    """Give the real reader of a service's file, and the dialect of its version."""
    if not LIBRARIES:
        absent("libsystemd-shared")
    path = LIBRARIES[-1]
    version = int((re.search(r"-shared-(\d+)", path.name) or [0, 0])[1])
    shared, libc = ctypes.CDLL(str(path)), ctypes.CDLL(None)
    libc.fmemopen.restype = ctypes.c_void_p
    libc.fmemopen.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
    libc.fclose.argtypes = [ctypes.c_void_p]
    strings = ctypes.POINTER(ctypes.c_char_p)
    shared.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(strings)]
    shared.strv_env_clean_with_callback.argtypes = [strings, ctypes.c_void_p, ctypes.c_void_p]
    shared.strv_free.argtypes = [strings]
    shared.log_set_max_level(-1)

    def load(content: bytes) -> dict[str, str] | None:
        file = libc.fmemopen(content, len(content), b"r")
        loaded = strings()
        failed = shared.load_env_file(file, None, ctypes.byref(loaded))
        libc.fclose(file)
        if failed < 0:
            return None
        if not loaded:
            return {}
        shared.strv_env_clean_with_callback(loaded, None, None)
        result: dict[str, str] = {}
        for raw in iter(lambda: loaded[len(result)], None):
            name, _, value = raw.decode().partition("=")
            result[name] = value
        shared.strv_free(loaded)
        return result

    return load, systemd.since_254 if version >= 254 else systemd.before_254


def generate(chance: random.Random) -> bytes:
    """Compose a file; about half begin as a file should."""
    pieces = chance.choices(PIECES, k=int(chance.expovariate(0.1)) + 1)
    if chance.random() < 0.5:
        pieces.insert(0, b"A=")
    if chance.random() < 0.08:
        pieces.insert(chance.randrange(len(pieces) + 1), chance.choice(ENDS))
    if chance.random() < 0.02:
        pieces.append(bytes(chance.choices(range(256), k=8)))
    return b"".join(pieces)


def test_reads_generated_files_as_the_real_library_does() -> None:
    load, dialect = library()
    chance = seeded(20261123)
    refused = assigned = 0
    for number in range(INPUTS):
        content = generate(chance)
        expected = load(content)
        parsed = dialect(content, {})
        found = None if parsed.refused else environment(parsed)
        assert found == expected, f"input {number}: {content!r}"
        if found is not None and expected is not None:
            assert list(found) == list(expected), f"order, input {number}: {content!r}"
        refused += expected is None
        assigned += bool(expected)
    print(f"{INPUTS} inputs, {assigned} with assignments, {refused} refused")
    assert assigned > INPUTS / 4
    assert refused > INPUTS / 100


def test_reads_every_single_byte_and_pair_as_the_real_library_does() -> None:
    load, dialect = library()
    for first in range(256):
        for frame in (
            b"A=%bx\nB=2",
            b"%bA=1",
            b"A%b=1",
            b'A="%b"',
            b'A="\\%b"',
            b"A=\\%b",
            b"A=1\\\n%b",
            b"#%b\nA=1",
        ):
            content = frame.replace(b"%b", bytes([first]))
            parsed = dialect(content, {})
            assert (None if parsed.refused else environment(parsed)) == load(content), content

"""The live environment of a process, by the symbol tables of its files: another way than that of envcheck."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

SYMBOLS = ("environ", "__environ", "_environ")
WORD = struct.Struct("<Q")


def live(pid: int) -> dict[str, str]:
    """Read what the variable `environ` of the executable, or of libc, points to."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for path, base in _files(pid, maps):
            address = _symbol(f"/proc/{pid}/root{path}")
            if address is None:
                continue
            (array,) = WORD.unpack(_read(memory.fileno(), base + address, 8))
            if array:
                return dict(_strings(memory.fileno(), array))
    raise AssertionError(f"no environ in {pid}")


def _files(pid: int, maps: list[str]) -> list[tuple[str, int]]:
    """Give the executable, then libc, each with the address that its symbols are relative to."""
    exe = str(Path(f"/proc/{pid}/exe").readlink())
    first: dict[str, int] = {}
    for line in maps:
        words = line.split(maxsplit=5)
        if len(words) == 6 and words[2] == "00000000":
            first.setdefault(words[5], int(words[0].partition("-")[0], 16))
    named = [exe, *(path for path in first if Path(path).name.startswith(("libc.so", "libc-")))]
    return [(path, first[path] if _moves(f"/proc/{pid}/root{path}") else 0) for path in named]


def _moves(file: str) -> bool:
    """Tell whether the file may be loaded anywhere (ET_DYN)."""
    with Path(file).open("rb") as opened:
        return struct.unpack_from("<H", opened.read(18), 16) == (3,)


def _symbol(file: str) -> int | None:
    argv = ["nm", "-D", "--defined-only", file]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 3 and words[2].partition("@")[0] in SYMBOLS:
            return int(words[0], 16)
    return None


def _read(memory: int, address: int, size: int) -> bytes:
    return os.pread(memory, size, address)


def _strings(memory: int, array: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while (pointer := WORD.unpack(_read(memory, array, 8))[0]) != 0:
        text = b""
        while b"\0" not in text:
            # Never over the end of a page: the next one may not be there.
            start = pointer + len(text)
            text += _read(memory, start, 4096 - start % 4096)
        name, _, value = text.partition(b"\0")[0].decode(errors="surrogateescape").partition("=")
        found.append((name, value))
        array += 8
    return found

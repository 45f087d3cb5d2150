"""Static executables: `environ` in the file's .symtab, which is not loaded into memory."""

import os
from struct import calcsize, unpack_from
from sys import byteorder

from .elf import Layout, NoSymbol

SYMTAB = 2  # section type
MOST = 268435456  # bytes of one table
STEP = 1048576


def entry(fd: int, layout: Layout) -> int:
    """The entry point as the file has it."""
    return int.from_bytes(_read(fd, layout.offsets[0], layout.word), byteorder)


def find(fd: int, layout: Layout, names: "tuple[bytes, ...]") -> int:
    """The value of the first of *names* that is defined, a global before a local; or NoSymbol."""
    sections = _sections(fd, layout)
    best = ()  # type: tuple[int, ...]
    for section in sections:
        if section[1] == SYMTAB and section[6] < len(sections):
            strings = sections[section[6]]
            wanted = _endings(_read(fd, strings[4], min(strings[5], MOST)), names)
            for rank in _ranked(fd, layout, section, wanted):
                best = min(best, rank) if best else rank
    if not best:
        raise NoSymbol(go=_is_go(fd, layout, sections))
    return best[-1]


def _sections(fd: int, layout: Layout) -> "list[Header]":
    """The section headers: name, type, flags, address, offset, size, link, ..."""
    header = _read(fd, 0, 64)
    _, where, size, count = layout.offsets
    start = int.from_bytes(header[where : where + layout.word], byteorder)
    size, count = unpack_from("=H", header, size)[0], unpack_from("=H", header, count)[0]
    if not start or size != calcsize(layout.section):
        return []
    data = _read(fd, start, size * count)
    return [unpack_from(layout.section, data, offset) for offset in range(0, len(data) - size + 1, size)]


def _endings(strings: bytes, names: "tuple[bytes, ...]") -> "dict[int, int]":
    """{offset of a string that equals a name: its rank}; .strtab shares tails, so no NUL need precede."""
    found = {}
    for rank, name in enumerate(names):
        offset = strings.find(name + b"\0")
        while offset >= 0:
            found[offset] = rank
            offset = strings.find(name + b"\0", offset + 1)
    return found


def _ranked(fd: int, layout: Layout, section: "Header", wanted: "dict[int, int]") -> "Iterator[tuple]":
    """(local, rank of the name, value) of each symbol that is wanted, defined and a variable."""
    size = layout.symbol.size
    for start in range(0, min(section[5], MOST), STEP * size):
        data = _read(fd, section[4] + start, min(STEP * size, section[5] - start))
        for offset in range(0, len(data) - size + 1, size):
            name, info, index, value = layout.unpack(data, offset)
            if name in wanted and index and value and info & 15 in (0, 1):
                yield (int(info >> 4 == 0), wanted[name], value)


def _is_go(fd: int, layout: Layout, sections: "list[Header]") -> bool:
    """Whether there is a section .go.buildinfo."""
    index = unpack_from("=H", _read(fd, 0, 64), layout.offsets[3] + 2)[0]  # e_shstrndx
    if index >= len(sections):
        return False
    return b".go.buildinfo\0" in _read(fd, sections[index][4], min(sections[index][5], STEP))


def _read(fd: int, offset: int, size: int) -> bytes:
    """Up to *size* bytes of the file; a table that ends early is a file that was cut."""
    if offset >= 1 << 62:
        return b""
    pieces = []
    while size > 0:
        piece = os.pread(fd, min(size, STEP), offset)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
        offset += len(piece)
    return b"".join(pieces)


if False:  # for the type checker alone
    from collections.abc import Iterator

    Header = tuple[int, ...]

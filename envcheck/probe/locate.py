"""Where libc's variable `environ` lies in a process: the debugger's path, all in the memory of the target.

The dynamic linker's list of objects is walked in its own search order, so that a COPY relocation (the
variable is in the executable, libc's own stays NULL: python, node, perl) comes out right.
"""

import os

from . import elf
from .elf import Layout, Object
from .memory import Memory
from .procfs import Folder

NAMES = (b"environ", b"__environ", b"_environ")
OBJECTS = 4096


class NotStarted(Exception):
    """The program is in the middle of an exec, or its dynamic linker has not run yet."""


class Location:
    """*address* of the variable, the *word* size, and *how* it was found: r_debug, dynsym, symtab."""

    def __init__(self, address: int, word: int, how: str) -> None:
        self.address = address
        self.word = word
        self.how = how


def locate(folder: Folder, memory: Memory, auxv: bytes) -> Location:
    """Raises NotStarted, elf.NoSymbol, memory.Garbage, memory.Gone, OSError."""
    parsed = elf.auxv(auxv)
    if parsed is None:
        raise NotStarted("no auxiliary vector")
    layout, values = parsed
    memory.word = layout.word
    segments = elf.segments(memory, layout, values)
    if elf.PT_DYNAMIC in segments:
        bias = _bias(folder, layout, values, segments)
        own = Object(memory, layout, bias, bias + segments[elf.PT_DYNAMIC])
        for one in _objects(memory, layout, own):
            address = _environ(one)
            if address:
                return Location(address, layout.word, "r_debug")
        address = _environ(own)
        if address:
            return Location(address, layout.word, "dynsym")
        if elf.PT_INTERP in segments:
            raise NotStarted("the dynamic linker has not run yet")
    return Location(_static(folder, layout, values), layout.word, "symtab")


def _environ(one: Object) -> int:
    for name in NAMES:
        address = one.find(name)
        if address:
            return address
    return 0


def _bias(folder: Folder, layout: Layout, values: dict, segments: "dict[int, int]") -> int:
    """What the kernel added to the addresses of the program that the auxv describes."""
    if elf.PT_PHDR in segments:
        return int(values[elf.AT_PHDR]) - segments[elf.PT_PHDR]
    from . import symtab

    fd = _executable(folder)  # the dynamic linker, run by hand
    try:
        return int(values[elf.AT_ENTRY]) - symtab.entry(fd, layout)
    finally:
        os.close(fd)


def _static(folder: Folder, layout: Layout, values: dict) -> int:
    from . import symtab

    fd = _executable(folder)
    try:
        return int(values[elf.AT_ENTRY]) - symtab.entry(fd, layout) + symtab.find(fd, layout, NAMES)
    finally:
        os.close(fd)


def _executable(folder: Folder) -> int:
    """Works for deleted files and in a chroot too: the link leads to the file itself."""
    return folder.open(b"exe", os.O_NONBLOCK)


def _objects(memory: Memory, layout: Layout, own: Object) -> "Iterator[Object]":
    """Every object of the link map: the executable, preloaded ones, libraries."""
    word = layout.word
    debug = own.tags.get(elf.DT_DEBUG, 0)
    if not debug:  # run through the dynamic linker by hand: it is the program
        debug = own.find(b"_r_debug")  # glibc: the struct itself
    if not debug:
        debug = own.find(b"_dl_debug_addr")  # musl: a pointer to it
        debug = debug and memory.pointer(debug)
    entry = debug and memory.pointer(debug + word)
    for _ in range(OBJECTS):
        if not entry:
            return
        bias, dynamic = memory.pointer(entry), memory.pointer(entry + 2 * word)
        if dynamic:
            yield Object(memory, layout, bias, dynamic)
        entry = memory.pointer(entry + 3 * word)


if False:  # for the type checker alone
    from collections.abc import Iterator

"""The parts of ELF that lead to a symbol in memory: auxv, program headers, dynamic array, hash tables.

By the System V ABI and its GNU extensions; every rule was tried on glibc and musl (live-environ.md, 2).
"""

from struct import Struct, calcsize, iter_unpack

from .memory import Garbage, Memory

AT_PHDR, AT_PHENT, AT_PHNUM, AT_ENTRY = 3, 4, 5, 9
PT_DYNAMIC, PT_INTERP, PT_PHDR = 2, 3, 6
DT_HASH, DT_STRTAB, DT_SYMTAB, DT_DEBUG, DT_GNU_HASH = 4, 5, 6, 21, 0x6FFFFEF5
CHAIN = 1048576  # links of one hash chain: more is a loop


class NoSymbol(Exception):
    """Stripped, or no libc at all. `go`: the file says that Go built it."""

    def __init__(self, go: bool) -> None:
        super().__init__("no symbol environ")
        self.go = go


class Layout:
    """Sizes and orders of one ELF class. Formats are structs in native byte order without padding."""

    def __init__(self, word: int) -> None:
        wide = word == 8
        self.word = word
        self.pair = "=QQ" if wide else "=II"
        self.header = "=IIQQQQQQ" if wide else "=IIIIIIII"
        self.header_address = 3 if wide else 2  # index of p_vaddr
        self.section = "=IIQQQQIIQQ" if wide else "=IIIIIIIIII"
        self.symbol = Struct("=IBBHQQ" if wide else "=IIIBBH")
        self.fields = (0, 1, 3, 4) if wide else (0, 3, 5, 1)  # name, info, section, value
        # of e_entry, e_shoff, e_shentsize, e_shnum
        self.offsets = (24, 40, 58, 60) if wide else (24, 32, 46, 48)

    def unpack(self, data: bytes, offset: int = 0) -> "tuple[int, int, int, int]":
        """(name offset, info, section index, value) of a symbol."""
        entry = self.symbol.unpack_from(data, offset)
        name, info, section, value = self.fields
        return entry[name], entry[info], entry[section], entry[value]


def auxv(data: bytes) -> "tuple[Layout, dict] | None":
    """The layout and {key: value}; the size of a program header tells the class. None in mid-exec."""
    for word, size in ((8, 56), (4, 32)):
        layout = Layout(word)
        pair = calcsize(layout.pair)
        values = {}  # type: dict[int, int]
        for key, value in iter_unpack(layout.pair, data[: len(data) // pair * pair]):
            if key == 0:
                break
            values[key] = value
        if values.get(AT_PHENT) == size and AT_PHDR in values and AT_PHNUM in values:
            return layout, values
    return None


def segments(memory: Memory, layout: Layout, values: dict) -> "dict[int, int]":
    """{type: p_vaddr} of the program headers; the first of a type counts."""
    size = calcsize(layout.header)
    data = memory.read(values[AT_PHDR], size * min(values[AT_PHNUM], 1024))
    found = {}  # type: dict[int, int]
    for header in iter_unpack(layout.header, data):
        found.setdefault(header[0], header[layout.header_address])
    return found


class Object:
    """One loaded object. *bias*: what was added to its addresses; *dynamic*: where its dynamic array lies."""

    def __init__(self, memory: Memory, layout: Layout, bias: int, dynamic: int) -> None:
        self.memory = memory
        self.layout = layout
        self.bias = bias
        self.tags = {}  # type: dict[int, int]
        size = calcsize(layout.pair)
        for index in range(512):
            address = dynamic + index * size
            tag = memory.pointer(address)
            if tag == 0:
                break
            self.tags.setdefault(tag, memory.pointer(address + layout.word))

    def table(self, tag: int) -> int:
        """The address a tag holds, or 0: glibc relocates it in place, musl and the vDSO do not."""
        value = self.tags.get(tag, 0)
        return value + self.bias if value and value < self.bias else value

    def find(self, name: bytes) -> int:
        """The address of a symbol that is defined here, or 0."""
        symbols, strings = self.table(DT_SYMTAB), self.table(DT_STRTAB)
        if not symbols or not strings:
            return 0
        if self.table(DT_GNU_HASH):
            indexes = self._gnu(self.table(DT_GNU_HASH), name)
        elif self.table(DT_HASH):
            indexes = self._sysv(self.table(DT_HASH), name)
        else:
            return 0
        for index in indexes:
            data = self.memory.read(symbols + index * self.layout.symbol.size, self.layout.symbol.size)
            offset, _, section, value = self.layout.unpack(data)
            if section and value and self.memory.string(strings + offset) == name:
                return self.bias + value
        return 0

    def _gnu(self, table: int, name: bytes) -> "Iterator[int]":
        """Indexes of symbols with the hash of *name*, by DT_GNU_HASH."""
        integer = self.memory.integer
        buckets, first, bloom = integer(table, 4), integer(table + 4, 4), integer(table + 8, 4)
        wanted = gnu_hash(name)
        start = table + 16 + bloom * self.layout.word
        if not buckets:
            return
        lowest = integer(start + wanted % buckets * 4, 4)
        if lowest < first:
            return
        for index in range(lowest, lowest + CHAIN):
            value = integer(start + (buckets + index - first) * 4, 4)
            if value | 1 == wanted | 1:
                yield index
            if value & 1:
                return
        raise Garbage("a hash chain without an end")

    def _sysv(self, table: int, name: bytes) -> "Iterator[int]":
        """Indexes of symbols in the bucket of *name*, by DT_HASH."""
        integer = self.memory.integer
        buckets, length = integer(table, 4), integer(table + 4, 4)
        if not buckets:
            return
        index = integer(table + 8 + sysv_hash(name) % buckets * 4, 4)
        for _ in range(min(length, CHAIN)):
            if not index:
                return
            yield index
            index = integer(table + 8 + (buckets + index) * 4, 4)


def gnu_hash(name: bytes) -> int:
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def sysv_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = ((value << 4) + byte) & 0xFFFFFFFF
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value


if False:  # for the type checker alone
    from collections.abc import Iterator

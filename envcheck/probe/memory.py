"""The memory of another process, through /proc/PID/mem: no stop, no signal, no trace of the reader.

A descriptor stays bound to one address space: after an exec or exit it gives nothing, never another program.
"""

import errno
import os

PAGE = 4096  # also what one read asks for: variables lie scattered, four pages at once take twice as long
TOTAL = 67108864  # bytes read in one attempt, and bytes of all strings together
STRING = 4194304  # bytes of one string
SLOTS = 100000  # words of one array


class Garbage(Exception):
    """What was read makes no sense: the process is changing it, or is not what it seemed."""


class Gone(Exception):
    """The address space is no more: the process has exited or exec'd."""


def pieces(places: "list[tuple[int, bytes]]") -> "list[Piece]":
    """(address, size, [(offset, bytes)]): what lies in each page, in the order of *places*.

    What crosses into the next page is read with what lies in the page where it begins.
    """
    by_page = {}  # type: dict[int, list[tuple[int, bytes]]]
    for address, data in places:
        by_page.setdefault(address // PAGE, []).append((address, data))
    found = []  # type: list[Piece]
    for held in by_page.values():
        begin = min(address for address, _ in held)
        size = max(address + len(data) for address, data in held) - begin
        found.append((begin, size, [(address - begin, data) for address, data in held]))
    return found


class Memory:
    """Reads of one attempt: pages are kept until `forget`. *word*: 8 or 4 bytes."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.word = 8
        self.pages = {}  # type: dict[int, bytes]

    def forget(self) -> None:
        self.pages.clear()

    def page(self, number: int) -> bytes:
        """The 4096 bytes at *number* * 4096."""
        page = self.pages.get(number)
        if page is None:
            self._fetch(number)
            page = self.pages[number]
        return page

    def _fetch(self, number: int) -> None:
        if not 0 < number < 1 << 50:  # os.pread takes no address from 2**63 on
            raise Garbage("no address")
        if len(self.pages) * PAGE > TOTAL:
            raise Garbage("more than %d bytes" % TOTAL)
        try:
            page = os.pread(self.fd, PAGE, number * PAGE)
        except OSError as error:
            if error.errno == errno.EIO:
                raise Garbage("not mapped") from None
            raise
        if not page:
            raise Gone
        if len(page) < PAGE:
            raise Garbage("short read")
        self.pages[number] = page

    def read(self, address: int, size: int) -> bytes:
        """Exactly *size* bytes."""
        number, offset = divmod(address, PAGE)
        data = self.page(number)[offset : offset + size]
        while len(data) < size:
            number += 1
            data += self.page(number)[: size - len(data)]
        return data

    def integer(self, address: int, size: int) -> int:
        from sys import byteorder

        return int.from_bytes(self.read(address, size), byteorder)

    def pointer(self, address: int) -> int:
        return self.integer(address, self.word)

    def packed(self, words: "list[int]") -> bytes:
        """As they lie in this memory."""
        from struct import pack

        return pack("=%d%s" % (len(words), "Q" if self.word == 8 else "I"), *words)

    def string(self, address: int) -> bytes:
        """The bytes up to the NUL."""
        number, offset = divmod(address, PAGE)
        page = self.page(number)
        end = page.find(b"\0", offset)
        if end >= 0:
            return page[offset:end]
        pieces = [page[offset:]]
        for following in range(number + 1, number + STRING // PAGE):
            page = self.page(following)
            end = page.find(b"\0")
            if end >= 0:
                pieces.append(page[:end])
                return b"".join(pieces)
            pieces.append(page)
        raise Garbage("a string without an end")

    def strings(self, addresses: "list[int]") -> "list[bytes]":
        """Those at all of the addresses; two may be one, or one the end of another."""
        found, left = [], TOTAL
        for address in addresses:
            string = self.string(address)
            left -= len(string) + 1
            if left < 0:
                raise Garbage("strings of more than %d bytes" % TOTAL)
            found.append(string)
        return found

    def holds(self, pieces: "list[Piece]") -> bool:
        """Whether exactly these bytes lie there now: one read for each piece, of which none is kept."""
        read, fd = os.pread, self.fd
        try:
            for address, size, held in pieces:
                piece = read(fd, size, address)
                for offset, data in held:
                    if not piece.startswith(data, offset):
                        return False
        except OSError:
            return False  # whoever reads on is told why
        return True

    def array(self, address: int) -> "list[int]":
        """The words up to the first 0, read a page at a time."""
        from struct import unpack_from

        if address % self.word:
            raise Garbage("an array between words")
        code = "Q" if self.word == 8 else "I"
        found = []  # type: list[int]
        while len(found) <= SLOTS:
            number, offset = divmod(address, PAGE)
            words = unpack_from("=%d%s" % ((PAGE - offset) // self.word, code), self.page(number), offset)
            if 0 in words:
                found += words[: words.index(0)]
                if len(found) > SLOTS:
                    break
                return found
            found += words
            address += PAGE - offset
        raise Garbage("an array without an end")


if False:  # for the type checker alone
    from typing import List, Tuple

    Piece = Tuple[int, int, List[Tuple[int, bytes]]]

"""The live environment: libc's `environ` array as it is now, read without stopping the process."""

import os
import time

from . import locate
from .elf import NoSymbol
from .locate import NotStarted
from .memory import Garbage, Gone, Memory, pieces
from .procfs import Folder, meaning

PAUSE = 0.02
TRIES = 50
# They copy environ at start and write it back late or never (bash: when it runs an external command).
SHELLS = frozenset(b"sh ash bash rbash dash zsh ksh ksh93 mksh lksh pdksh yash fish csh tcsh busybox".split())

_known = {}  # type: dict[tuple, tuple[locate.Location, Block]]
KNOWN = 1024  # programs of which the location, and the last block, are kept


class Unstable(Exception):
    """No two readings in a row were equal."""


def read(folder: Folder, exe: "bytes | None", at_exec: str, deadline: float, auxv: bytes = b"") -> dict:
    """{"status", "entries", "detail", "how"}.

    *at_exec*: the status of reading its environ; *deadline*: until when to wait for it, by time.monotonic();
    *auxv*: what was just read of it.
    """
    shell = os.path.basename(exe or b"").replace(b" (deleted)", b"")
    if shell in SHELLS:
        return _result("unsupported", shell.decode("ascii") + " keeps its variables elsewhere")
    while True:
        last = time.monotonic() >= deadline
        result, settled = _attempt(folder, at_exec, last, auxv)
        auxv = b""
        if settled or last:
            return result
        time.sleep(0 if result["status"] == "exited" else PAUSE)  # a new image may be there already


def _attempt(folder: Folder, at_exec: str, last: bool, auxv: bytes) -> "tuple[dict, bool]":
    """A result, and whether waiting for the program to start cannot change it."""
    try:
        auxv = auxv or folder.try_read(b"auxv", 65536)
        fd = folder.open(b"mem")
    except OSError as error:
        return _refused(error, at_exec), True
    try:
        # After a vfork and exec the old memory lives on as the parent's.
        if folder.try_read(b"auxv", 65536) != auxv:
            return _result("exited", "it exec'd meanwhile"), False
        return _located(folder, Memory(fd), auxv, last)
    except NotStarted as error:
        return _result("not_started", str(error)), False
    except Gone:
        return _result("exited", "its address space is gone"), False
    except Garbage as error:
        return _result("error", "memory: %s" % error), False
    except Unstable:
        return _result("unstable", "no two readings of %d were equal" % TRIES), False
    except NoSymbol as error:
        if error.go:
            return _result("unsupported", "a Go program keeps its variables elsewhere"), True
        return _result("no_symbol", "stripped, or without libc"), True
    except OSError as error:
        status = {"hidden": "denied"}.get(meaning(error), meaning(error))
        return _result(status, os.strerror(error.errno or 0)), status != "exited"
    finally:
        os.close(fd)


def _located(folder: Folder, memory: Memory, auxv: bytes, last: bool) -> "tuple[dict, bool]":
    """Forked workers share their master's auxv, to the last random byte: one search serves them all."""
    exe = os.stat(b"exe", dir_fd=folder.fd)
    key = (exe.st_dev, exe.st_ino, auxv)
    location, kin = _known.get(key, (None, None))
    known = location is not None
    if location is None:
        location = locate.locate(folder, memory, auxv)
    memory.word = location.word
    block = stable(memory, location.address, kin)
    if block.entries or last or known:
        if len(_known) >= KNOWN:
            _known.clear()
        _known[key] = (location, block)
    # A fork of a program that was seen running has started: what is empty there was emptied.
    return _result("ok", entries=block.entries, how=location.how), known or bool(block.entries)


class Block:
    """One reading: where the variable, the array and the strings lie, and what they are."""

    def __init__(self, entries: "list[bytes]", places: "list[tuple[int, bytes]]") -> None:
        self.entries = entries
        self._places = places
        self._pieces = None  # type: list[Piece] | None

    @property
    def pieces(self) -> "list[Piece]":
        """What the memory of a process has to hold to be equal to it; made once, for all of its kin."""
        if self._pieces is None:
            self._pieces = pieces(self._places)
        return self._pieces


def stable(memory: Memory, address: int, kin: "Block | None" = None) -> Block:
    """Read until two readings in a row are equal.

    *kin*: what was read so of a fork of the same program. To be equal to that is as good as a second reading:
    what is caught in the midst of a change is equal to nothing that was seen at rest.
    """
    previous = None  # type: Block | None
    garbage = None  # type: Garbage | None
    for _ in range(TRIES):
        memory.forget()
        try:
            block = once(memory, address, previous or kin)
        except Garbage as error:
            previous, garbage = None, error
            continue
        if block is kin or (previous is not None and block.entries == previous.entries):
            return block
        previous, garbage = block, None
    raise garbage or Unstable


def once(memory: Memory, address: int, guess: "Block | None" = None) -> Block:
    """One reading. A slot equal to the one before it is an unsetenv half-way through its shift.

    To see that all is as in the *guess* takes less than half as long as to find out what is there.
    """
    if guess is not None and memory.holds(guess.pieces):
        return guess
    array = memory.pointer(address)
    slots = memory.array(array) if array else []
    addresses = [pointer for index, pointer in enumerate(slots) if not index or pointer != slots[index - 1]]
    entries = memory.strings(addresses)
    places = [(address, memory.packed([array]))]
    if array:
        places.append((array, memory.packed([*slots, 0])))
    places += [(pointer, entry + b"\0") for pointer, entry in zip(addresses, entries)]  # noqa: B905
    return Block(entries, places)


def _refused(error: OSError, at_exec: str) -> dict:
    """Opening mem is one ptrace check (ATTACH); environ needs less (READ): the difference tells of Yama."""
    from .host import yama

    status = meaning(error)
    if status not in ("denied", "hidden"):
        return _result(status, os.strerror(error.errno or 0))
    detail = os.strerror(error.errno or 0)
    scope = yama()
    if scope and at_exec in ("ok", "empty", "truncated"):
        detail += ": Yama, /proc/sys/kernel/yama/ptrace_scope is %d" % scope
    return _result("denied", detail)


def _result(status: str, detail: str = "", entries: "list[bytes] | None" = None, how: str = "") -> dict:
    return {"status": status, "entries": entries or [], "detail": detail, "how": how}


if False:  # for the type checker alone
    from .memory import Piece

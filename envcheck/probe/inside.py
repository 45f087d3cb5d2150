"""Files as a process sees them: below its root, every symbolic link resolved inside of it, never outside.

By openat2 with RESOLVE_IN_ROOT where the kernel has it (5.6), else component by component, which never asks
the kernel to follow a link or to go up. Its `stat`, `open` and `glob` stand in for those of the system.
"""

import errno
import os
import stat as modes

from .procfs import Folder, Stat

PLACE = os.O_PATH | os.O_CLOEXEC
LINKS = 40  # as the kernel counts
OPENAT2 = 437  # on every architecture but alpha
NO_MAGICLINKS, IN_ROOT = 0x02, 0x10
GONE = "the process that sees it has ended"


class Gone(Exception):
    """The process whose root was meant is not there any more."""


class Inside:
    """What process *pid* sees that began at the tick *start*. Raises Gone, and OSError."""

    def __init__(self, pid: int, start: int) -> None:
        try:
            with Folder(b"/proc/%d" % pid) as folder:
                if Stat(folder.read(b"stat")).start != start:
                    raise Gone(GONE)
                self.root = folder.open(b"root", PLACE | os.O_DIRECTORY)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESRCH):
                raise Gone(GONE) from None
            raise

    def __enter__(self) -> "Inside":
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self.root)

    def stat(self, path: bytes) -> os.stat_result:
        fd = self._find(path)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def open(self, path: bytes, flags: int) -> int:
        fd = self._find(path)
        try:
            return os.open(
                b"/proc/self/fd/%d" % fd, flags
            )  # the very thing that was found, by its descriptor
        finally:
            os.close(fd)

    def glob(self, pattern: bytes) -> "list[bytes]":
        """The paths that match; hidden names only where the pattern begins with a dot."""
        from fnmatch import fnmatchcase

        found = [b""]
        for part in pattern.strip(b"/").split(b"/"):
            if not set(part) & set(b"*?["):
                found = [path + b"/" + part for path in found]
                continue
            found = [
                path + b"/" + name
                for path in found
                for name in self._names(path or b"/")
                if fnmatchcase(name, part) and (part[:1] == b"." or name[:1] != b".")
            ]
        return [path for path in found if self._exists(path)]

    def _names(self, path: bytes) -> "list[bytes]":
        try:
            fd = self.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return []
        try:
            return [os.fsencode(name) for name in os.listdir(fd)]
        finally:
            os.close(fd)

    def _exists(self, path: bytes) -> bool:
        try:
            self.stat(path)
        except OSError:
            return False
        return True

    def _find(self, path: bytes) -> int:
        fd = openat2(self.root, path)
        return walk(self.root, path) if fd is None else fd


def openat2(root: int, path: bytes) -> "int | None":
    """A descriptor of what is there; None where the kernel cannot tell."""
    try:
        import ctypes
    except ImportError:
        return None
    how = (ctypes.c_uint64 * 3)(PLACE, 0, NO_MAGICLINKS | IN_ROOT)
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    fd = call(ctypes.c_long(OPENAT2), ctypes.c_int(root), path, ctypes.byref(how), ctypes.c_size_t(24))
    if fd >= 0:
        return int(fd)
    number = ctypes.get_errno()
    # A filter of system calls may say EPERM of one that it does not know; EAGAIN: something moved meanwhile.
    if number in (errno.ENOSYS, errno.EPERM, errno.EAGAIN, errno.EINVAL, errno.E2BIG):
        return None
    raise OSError(number, os.strerror(number))


def walk(root: int, path: bytes) -> int:
    """The same without its help: the way back is remembered, and no link is followed by the kernel."""
    held = [os.dup(root)]
    left = path.split(b"/")[::-1]
    links = 0
    try:
        while left:
            part = left.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                if len(held) > 1:
                    os.close(held.pop())
                continue
            fd = os.open(part, PLACE | os.O_NOFOLLOW, dir_fd=held[-1])
            held.append(fd)
            if modes.S_ISLNK(os.fstat(fd).st_mode):
                target = os.readlink(b"", dir_fd=fd)
                links += 1
                if links > LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                for _ in range(len(held) - 1 if target[:1] == b"/" else 1):
                    os.close(held.pop())
                left += target.split(b"/")[::-1]
        return held.pop()
    finally:
        for fd in held:
            os.close(fd)

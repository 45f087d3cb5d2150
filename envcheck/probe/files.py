"""The ops "file", "folder", "glob", "access". Reading never hangs, nor follows a size that a file claims.

Paths are text with surrogate escapes, whatever the locale. What is not a regular file is not opened:
opening a FIFO wakes its writer, opening a device may do anything.
"""

import errno
import os
import stat as modes

if False:  # for the type checker alone
    from typing import Union

    from .inside import Inside

    Look = Union["Here", "Below", Inside]

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
MAGIC = frozenset(b"*?[")  # what makes a path a pattern
ACL = "system.posix_acl_access"
NO_ACL = (errno.ENODATA, errno.EOPNOTSUPP)
TOGETHER = 33554432  # bytes of all files of one folder
MEANINGS = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENXIO: "not-a-file",
}


def file(path: str, limit: int, seen: "Inside | None" = None, columns: int = 0) -> dict:
    """{"status", "content", "mtime", "ctime", "mode", "uid", "gid", "acl", "size", "detail"}; None: unknown.

    Times are microseconds since the epoch. *seen*: as that process sees it. *columns*: how many of each line
    are wanted, between colons; 0: all.
    """
    found = _file(_bytes(path), limit, seen or Here())
    if columns:
        lines = found["content"].split(b"\n")
        found["content"] = b"\n".join(b":".join(line.split(b":")[:columns]) for line in lines)
    return found


def folder(path: str, limit: int, most: int, seen: "Inside | None" = None) -> dict:
    """Its own times and {name: answer of `file`}; every file is opened relative to the held folder.

    *seen*: as that process sees it; there every file is found by its path anew, for it may be a link.
    """
    look = seen or Here()
    answer = {"status": "ok", "entries": {}, "detail": ""}  # type: dict
    answer.update(dict.fromkeys(("mtime", "ctime", "mode", "uid", "acl")))
    try:
        answer.update(_times(look.stat(_bytes(path)), ("mtime", "ctime", "mode", "uid")))
        fd = look.open(_bytes(path), FLAGS | os.O_DIRECTORY)
    except OSError as error:
        answer.update(_refused(error))
        if answer["status"] == "not-a-file" or (answer["mode"] and error.errno == errno.ENOTDIR):
            answer["status"] = "not-a-folder"
        return answer
    try:
        answer.update(_times(os.fstat(fd), ("mtime", "ctime", "mode", "uid")), acl=_acl(fd))
        answer.update(_entries(fd, limit, most, Here(fd) if seen is None else Below(seen, _bytes(path))))
    except OSError as error:
        answer.update(_refused(error))
    finally:
        os.close(fd)
    return answer


class Here:
    """This machine as it is, from the working directory or a folder that is held."""

    def __init__(self, fd: "int | None" = None) -> None:
        self.fd = fd

    def stat(self, path: bytes) -> os.stat_result:
        return os.stat(path, dir_fd=self.fd)

    def open(self, path: bytes, flags: int) -> int:
        return os.open(path, flags, dir_fd=self.fd)


class Below:
    """What is below a folder of another root."""

    def __init__(self, seen: "Inside", folder: bytes) -> None:
        self.seen = seen
        self.folder = folder + b"/"

    def stat(self, path: bytes) -> os.stat_result:
        return self.seen.stat(self.folder + path)

    def open(self, path: bytes, flags: int) -> int:
        return self.seen.open(self.folder + path, flags)


def matches(patterns: "list[str]", real: bool = False, seen: "Inside | None" = None) -> dict:
    """{"paths": {pattern: sorted paths}}; hidden names only where the pattern begins with a dot.

    *real*: where the paths lead to, when their symbolic links are followed; of this machine alone.
    """
    found = {}
    for pattern in patterns:
        paths = seen.glob(_bytes(pattern)) if seen else _matching(_bytes(pattern))
        found[pattern] = sorted({_text(os.path.realpath(path) if real else path) for path in paths})
    return {"status": "ok", "paths": found}


def _matching(pattern: bytes) -> "list[bytes]":
    if not MAGIC.intersection(pattern):
        return [pattern] if os.path.lexists(pattern) else []
    from glob import glob  # only here: it takes longer than all other modules together

    return glob(pattern)


def access(paths: "list[str]") -> dict:
    """{"writable": {path: whether who asks may write it}}; what is not there may not be written."""
    return {"status": "ok", "writable": {path: os.access(_bytes(path), os.W_OK) for path in paths}}


def _entries(fd: int, limit: int, most: int, look: "Look") -> dict:
    names = sorted(os.fsencode(name) for name in os.listdir(fd))
    if len(names) > most:
        return {"status": "oversized", "detail": "%d names" % len(names)}
    entries, left = {}, TOGETHER
    for name in names:
        entry = _file(name, limit, look)
        left -= len(entry["content"])
        if left < 0:
            return {"status": "oversized", "detail": "more than %d bytes together" % TOGETHER}
        entries[_text(name)] = entry
    return {"entries": entries}


def _file(path: bytes, limit: int, look: "Look") -> dict:
    answer = {"status": "ok", "content": b"", "detail": ""}  # type: dict
    answer.update(dict.fromkeys(("mtime", "ctime", "mode", "uid", "gid", "acl", "size")))
    try:
        answer.update(_judged(look.stat(path), limit))
        if answer["status"] != "ok":
            return answer
        fd = look.open(path, FLAGS)
        try:
            answer.update(_judged(os.fstat(fd), limit), acl=_acl(fd))  # it may have been replaced in between
            if answer["status"] == "ok":
                answer.update(_content(fd, limit))
        finally:
            os.close(fd)
    except OSError as error:
        answer.update(_refused(error))
    return answer


def _judged(info: os.stat_result, limit: int) -> dict:
    """The facts of fstat, and whether there is something to be read."""
    facts = _times(info, ("mtime", "ctime", "mode", "uid", "gid", "size"))
    if modes.S_ISDIR(info.st_mode):
        facts["status"] = "folder"
    elif not modes.S_ISREG(info.st_mode):
        facts["status"] = "not-a-file"
    elif info.st_size > limit:
        facts["status"] = "oversized"
    return facts


def _content(fd: int, limit: int) -> dict:
    """To its end; a file may be longer than it says (/proc says 0) or grow meanwhile."""
    pieces, size = [], 0  # type: list[bytes], int
    while size <= limit:
        piece = os.read(fd, min(limit + 1 - size, 1048576))
        if not piece:
            return {"content": b"".join(pieces)}
        pieces.append(piece)
        size += len(piece)
    return {"status": "oversized"}


def _acl(fd: int) -> "bytes | None":
    """What says beside the mode who may, as the kernel tells it; b"": nothing, None: unknown."""
    try:
        return os.getxattr(fd, ACL)
    except OSError as error:
        return b"" if error.errno in NO_ACL else None


def _times(info: os.stat_result, names: "tuple[str, ...]") -> dict:
    """The times in microseconds, none of them earlier than it was."""
    found = {name: getattr(info, "st_" + name) for name in names}
    found.update(mtime=-(-info.st_mtime_ns // 1000), ctime=-(-info.st_ctime_ns // 1000))
    return found


def _refused(error: OSError) -> dict:
    return {"status": MEANINGS.get(error.errno or 0, "error"), "detail": os.strerror(error.errno or 0)}


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")

"""The ops "file", "folder" and "glob". Reading never hangs and never follows a size that a file claims.

Paths are text with surrogate escapes, whatever the locale. What is not a regular file is not opened:
opening a FIFO wakes its writer, opening a device may do anything.
"""

import errno
import os
import stat as modes

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
TOGETHER = 33554432  # bytes of all files of one folder
MEANINGS = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENXIO: "not-a-file",
}


def file(path: str, limit: int) -> dict:
    """{"status", "content", "mtime", "ctime", "mode", "uid", "gid", "size", "detail"}; None where unknown."""
    return _file(_bytes(path), limit, None)


def folder(path: str, limit: int, most: int) -> dict:
    """Its own times and {name: answer of `file`}; every file is opened relative to the held folder."""
    answer = {"status": "ok", "entries": {}, "detail": ""}  # type: dict
    answer.update(dict.fromkeys(("mtime", "ctime", "mode", "uid")))
    try:
        answer.update(_times(os.stat(_bytes(path)), ("mtime", "ctime", "mode", "uid")))
        fd = os.open(_bytes(path), FLAGS | os.O_DIRECTORY)
    except OSError as error:
        answer.update(_refused(error))
        if answer["status"] == "not-a-file" or (answer["mode"] and error.errno == errno.ENOTDIR):
            answer["status"] = "not-a-folder"
        return answer
    try:
        answer.update(_times(os.fstat(fd), ("mtime", "ctime", "mode", "uid")))
        answer.update(_entries(fd, limit, most))
    except OSError as error:
        answer.update(_refused(error))
    finally:
        os.close(fd)
    return answer


def matches(patterns: "list[str]", real: bool = False) -> dict:
    """{"paths": {pattern: sorted paths}}; hidden names only where the pattern begins with a dot.

    *real*: where the paths lead to, when their symbolic links are followed.
    """
    from glob import glob

    found = {}
    for pattern in patterns:
        paths = glob(_bytes(pattern))
        found[pattern] = sorted({_text(os.path.realpath(path) if real else path) for path in paths})
    return {"status": "ok", "paths": found}


def _entries(fd: int, limit: int, most: int) -> dict:
    names = sorted(os.fsencode(name) for name in os.listdir(fd))
    if len(names) > most:
        return {"status": "oversized", "detail": "%d names" % len(names)}
    entries, left = {}, TOGETHER
    for name in names:
        entry = _file(name, limit, fd)
        left -= len(entry["content"])
        if left < 0:
            return {"status": "oversized", "detail": "more than %d bytes together" % TOGETHER}
        entries[_text(name)] = entry
    return {"entries": entries}


def _file(path: bytes, limit: int, dir_fd: "int | None") -> dict:
    answer = {"status": "ok", "content": b"", "detail": ""}  # type: dict
    answer.update(dict.fromkeys(("mtime", "ctime", "mode", "uid", "gid", "size")))
    try:
        answer.update(_judged(os.stat(path, dir_fd=dir_fd), limit))
        if answer["status"] != "ok":
            return answer
        fd = os.open(path, FLAGS, dir_fd=dir_fd)
        try:
            answer.update(_judged(os.fstat(fd), limit))  # it may have been replaced in between
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


def _times(info: os.stat_result, names: "tuple[str, ...]") -> dict:
    return {name: getattr(info, "st_" + name) for name in names}


def _refused(error: OSError) -> dict:
    return {"status": MEANINGS.get(error.errno or 0, "error"), "detail": os.strerror(error.errno or 0)}


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")

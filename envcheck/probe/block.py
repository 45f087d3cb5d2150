"""/proc/PID/environ: the environment at exec, as bytes, with a state that is never guessed.

The content is a claim of the process: PR_SET_MM_MAP lets it show anything, of any length. Whether the bytes
have been written over by a title is for the client to decide.
"""

import os
import time

from .procfs import Folder, Stat, meaning

MOST = 8388608  # bytes; exec allows 6 MiB at most with the usual stack limit
PAGE = 4096
PAUSES = (0.001, 0.005, 0.02)  # seconds; an exec under way shows an empty block for less


def read(folder: Folder, stat: "Stat | None" = None) -> dict:
    """{"status", "data", "expected", "detail"}; status as in the package's contract.

    A live process with an empty block is asked again: it may be in the middle of an exec. *stat*: what was
    just read of it.
    """
    for pause in (*PAUSES, 0):
        result = _once(folder, stat)
        stat = None
        if result["status"] != "empty":
            break
        time.sleep(pause)
    return result


def _once(folder: Folder, stat: "Stat | None") -> dict:
    try:
        stat = stat or Stat(folder.read(b"stat"))
        if stat.expected > MOST:
            return _result(stat, "oversized", detail="%d bytes" % stat.expected)
        fd = folder.open(b"environ")
        try:
            data = _contents(fd, stat)
        finally:
            os.close(fd)
    except OSError as error:
        return _refused(folder, stat, error)
    if len(data) > MOST:
        return _result(stat, "oversized", detail="more than %d bytes" % MOST)
    if not data and stat.expected != 0:
        return _result(stat, "zombie" if stat.dead else "empty")
    if len(data) < stat.expected:
        return _result(stat, "truncated", data, "%d of %d bytes" % (len(data), stat.expected))
    return _result(stat, "ok", data)


def _contents(fd: int, stat: Stat) -> bytes:
    """One large read; where it falls short, page by page.

    A read that runs into an unmapped page gives 0, the kernel drops what it had: so no step crosses a page.
    """
    size = stat.expected if stat.expected >= 0 else 131072
    data = os.pread(fd, size + 1, 0)
    whole = PAGE if stat.expected < 0 else size
    while len(data) < whole or (stat.expected < 0 and data and len(data) <= MOST):
        piece = os.pread(fd, PAGE - (stat.env_start + len(data)) % PAGE, len(data))
        if not piece:
            break
        data += piece
    return data


def _refused(folder: Folder, stat: "Stat | None", error: OSError) -> dict:
    status = meaning(error)
    if stat is not None and stat.dead and status == "exited":
        status = "zombie"  # since 6.18 opening a zombie's environ is ESRCH
    detail = os.strerror(error.errno or 0)
    if status == "denied" and _changed_user(folder):
        detail += ": it changed its user without an exec and is not dumpable"
    return _result(stat, status, detail=detail)


def _changed_user(folder: Folder) -> bool:
    """Whether the process is ours by its folder, but the kernel keeps its environ for root."""
    try:
        owner = os.stat(b"environ", dir_fd=folder.fd).st_uid
        return os.fstat(folder.fd).st_uid == os.geteuid() != owner
    except OSError:
        return False


def _result(stat: "Stat | None", status: str, data: bytes = b"", detail: str = "") -> dict:
    return {"status": status, "data": data, "expected": stat.expected if stat else -1, "detail": detail}

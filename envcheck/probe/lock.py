"""A lock for each target, so that two do not restart it at the same time; it goes with this process.

A file in a folder that only this user can write to: whatever others have put in its place is refused.
"""

import os

ROOTS = "/run"  # the runtime folder of root; others have $XDG_RUNTIME_DIR, or a folder in /tmp


class Refusal(Exception):
    """Nothing is done. `status`: locked, changed, exited, denied, unknown, error; `detail` says more."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


def lock(name: str) -> int:
    """The descriptor of a locked file. Nobody else can have put anything in its place."""
    import fcntl
    import stat

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    if not name or not name.replace("-", "").isalnum():
        raise Refusal("error", "no name for a lock")
    folder = _runtime_folder()
    try:
        fd = os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        raise Refusal("error", "no lock: " + os.strerror(error.errno or 0)) from None
    finally:
        os.close(folder)
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_nlink != 1:
            raise Refusal("error", "no lock: something else stands in its place")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
    except BlockingIOError:
        holder = os.read(fd, 16).decode("ascii", "replace").strip()
        os.close(fd)
        raise Refusal("locked", holder if holder.isdigit() else "") from None
    except BaseException:
        os.close(fd)
        raise
    return fd


def _runtime_folder() -> int:
    """A folder that only this user can write to; made where it is not there."""
    import stat

    uid = os.geteuid()
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = ROOTS if uid == 0 else given if given.startswith("/") and os.path.isdir(given) else ""
    path = parent + "/envcheck" if parent else "/tmp/envcheck-%d" % uid  # noqa: S108 - looked at below
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise Refusal("error", "no lock: %s: %s" % (path, os.strerror(error.errno or 0))) from None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Refusal("error", "no lock: %s: %s" % (path, os.strerror(error.errno or 0))) from None
    facts = os.fstat(fd)
    if facts.st_uid != uid or stat.S_IMODE(facts.st_mode) & 0o022:
        os.close(fd)
        raise Refusal("error", "no lock: %s belongs to, or is open to, others" % path)
    return fd

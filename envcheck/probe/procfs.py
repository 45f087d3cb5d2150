"""/proc/PID through one held descriptor: whatever is read belongs to one process, however pids are reused.

After the process is reaped every open below the descriptor answers ESRCH (measured on 6.18).
"""

import errno
import os

STEP = 16384  # bytes of one read
MEANINGS = {errno.ESRCH: "exited", errno.ENOENT: "exited", errno.EACCES: "denied", errno.EPERM: "hidden"}


def meaning(error: OSError) -> str:
    """The state a refusal of /proc stands for: exited, denied, hidden (hidepid=1), error."""
    return MEANINGS.get(error.errno or 0, "error")


class Folder:
    """/proc/PID, or a thread's folder below it. Its methods raise OSError."""

    def __init__(self, path: bytes, dir_fd: "int | None" = None) -> None:
        self.fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self.fd)

    def open(self, name: bytes, flags: int = 0) -> int:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=self.fd)

    def read(self, name: bytes, most: int = 1048576) -> bytes:
        """At most *most* bytes of a file of one record: less of it than was asked for is its end."""
        fd = self.open(name)
        try:
            data = piece = os.read(fd, STEP)
            while len(piece) == STEP and len(data) < most:
                piece = os.read(fd, STEP)
                data += piece
            return data[:most]
        finally:
            os.close(fd)

    def try_read(self, name: bytes, most: int = 1048576) -> bytes:
        """The content, or b"" where it is refused; a process that is gone still raises."""
        try:
            return self.read(name, most)
        except PermissionError:
            return b""

    def try_link(self, name: bytes) -> "bytes | None":
        """Where a link points, or None where there is none or it is refused."""
        try:
            return os.readlink(name, dir_fd=self.fd)
        except OSError:
            return None

    def names(self, name: bytes) -> "list[bytes]":
        """The names in a folder below."""
        fd = self.open(name, os.O_DIRECTORY)
        try:
            return [os.fsencode(entry) for entry in os.listdir(fd)]
        finally:
            os.close(fd)


class Stat:
    """The fields of /proc/PID/stat that matter here; see proc_pid_stat(5) for their numbers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        # The name may hold blanks and parentheses.
        self.fields = fields = data[data.rindex(b")") + 2 :].split()
        self.state = fields[0]  # field 3
        self.parent = int(fields[1])  # 4
        self.kernel_thread = bool(int(fields[6]) & 0x200000)  # 9, PF_KTHREAD
        self.start = int(fields[19])  # 22, in ticks after boot
        self.arg_start, self.env_start, self.env_end = int(fields[45]), int(fields[47]), int(fields[48])

    @property
    def dead(self) -> bool:
        return self.state in (b"Z", b"X", b"x")

    @property
    def expected(self) -> int:
        """Bytes of environ there should be; -1 where the kernel does not tell (no permission, mid-exec)."""
        return self.env_end - self.env_start if self.env_start else -1


class Image:
    """What one exec leaves behind and a fork keeps: the raw auxv and where arguments and environment lie."""

    def __init__(self, folder: Folder, stat: "Stat | None" = None) -> None:
        """*stat*: what was just read of it; without, it is read."""
        self.stat = stat or Stat(folder.read(b"stat"))
        self.auxv = folder.try_read(b"auxv", 65536)
        self.key = (self.auxv, self.stat.arg_start, self.stat.env_start, self.stat.env_end)

    def digest(self) -> str:
        """Equal for all processes forked from one exec; "" where the auxv cannot be read."""
        from zlib import adler32, crc32

        if not self.auxv:
            return ""
        data = self.auxv + b"%d %d" % (self.stat.arg_start, self.stat.env_start)
        return "%08x%08x" % (crc32(data) & 0xFFFFFFFF, adler32(data) & 0xFFFFFFFF)

"""Find the processes worth a look, at one system call for each of the others. Imports nothing but os.

`readlink(/proc/PID/exe)` needs the permission that reading the environment needs, so it is a fair first
question; where it is refused (EACCES) the world-readable command line is asked, so that the process can
still be reported. Kernel threads and zombies answer ENOENT.
"""

import os

CMDLINE = 131072  # bytes; a single argument cannot be longer
STEP = 16384


class Walk:
    """One pass over /proc. `found`: (pid, cmdline); `seen`: pids listed; `vanished`: gone while looked at."""

    def __init__(self, interpreters: "list[str]", words: "list[str]") -> None:
        self.interpreters = interpreters
        self.words = [word.encode("utf-8", "surrogateescape") for word in words]
        self.found = []  # type: list[tuple[int, bytes]]
        self.seen = 0
        self.vanished = 0

    def go(self) -> "Walk":
        """Look at every process but this one; OSError where /proc cannot be listed."""
        interpreters, consider, readlink = self.interpreters, self.consider, os.readlink
        own = str(os.getpid())
        judged = {}  # type: dict[str, bool]  # few programs run as many processes
        for pid in os.listdir("/proc"):
            if pid[0] not in "123456789":
                continue
            self.seen += 1
            try:
                exe = readlink("/proc/" + pid + "/exe")
            except PermissionError:
                if pid != own:
                    consider(pid)
                continue
            except OSError:
                continue
            known = judged.get(exe)
            if known is None:
                known = judged[exe] = any(interpreter in exe for interpreter in interpreters)
            if known and pid != own:
                consider(pid)
        self.found.sort()
        return self

    def consider(self, pid: str) -> None:
        """Keep the process if its command line holds one of the words."""
        try:
            cmdline = contents("/proc/" + pid + "/cmdline", CMDLINE)
        except PermissionError:
            return  # hidepid=1: told by the op "host"
        except OSError:
            self.vanished += 1
            return
        if any(word in cmdline for word in self.words):
            self.found.append((int(pid), cmdline))


def candidates(interpreters: "list[str]", words: "list[str]") -> "list[tuple[int, bytes]]":
    """(pid, cmdline) of each process whose exe holds an interpreter and whose cmdline holds a word."""
    return Walk(interpreters, words).go().found


def environments(interpreters: "list[str]", words: "list[str]") -> "list[tuple[int, bytes, bytes]]":
    """The candidates with the bytes of their environ (b"" where it cannot be read); no states."""
    result = []
    for pid, cmdline in candidates(interpreters, words):
        try:
            environ = contents("/proc/%d/environ" % pid, 8388608)
        except OSError:
            environ = b""
        result.append((pid, cmdline, environ))
    return result


def contents(path: str, most: int) -> bytes:
    """Up to *most* bytes of a file of one record: /proc gives less than asked for only at its end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = piece = os.read(fd, STEP)
        step = STEP
        while len(piece) == step and len(data) < most:
            step = min(1048576, most - len(data))
            piece = os.read(fd, step)
            data += piece
        return data[:most]
    finally:
        os.close(fd)


def records(path: str) -> bytes:
    """All of a file of many records, of which /proc gives about a page at a time."""
    pieces = []  # type: list[bytes]
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while not pieces or pieces[-1]:
            pieces.append(os.read(fd, 1048576))
    finally:
        os.close(fd)
    return b"".join(pieces)


def children(pid: int) -> "list[int] | None":
    """Direct children, from all its threads; None for a kernel without CONFIG_PROC_CHILDREN."""
    found = []  # type: list[int]
    try:
        threads = os.listdir("/proc/%d/task" % pid)
    except OSError:
        return found
    for thread in threads:
        path = "/proc/%d/task/%s" % (pid, thread)
        try:
            found += [int(child) for child in records(path + "/children").split()]
        except OSError:
            if os.path.exists(path + "/stat") and not os.path.exists(path + "/children"):
                return None
    return found


def parents() -> "dict[int, int]":
    """Pid -> parent pid of every process, for kernels without `children`."""
    found = {}
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                stat = contents("/proc/" + pid + "/stat", 4096)
            except OSError:
                continue
            found[int(pid)] = int(stat[stat.rindex(b")") + 2 :].split()[1])
    return found


def is_interpreter(pid: int, interpreters: "list[str]") -> bool:
    """Whether its exe holds one of the interpreters, or may not be known."""
    try:
        exe = os.readlink("/proc/%d/exe" % pid)
    except PermissionError:
        return True
    except OSError:
        return False
    return any(interpreter in exe for interpreter in interpreters)

"""The facts of one process: raw bytes of /proc, read from one process and one image of it."""

import os
import time

from .procfs import Folder, Image, Stat, meaning

REREADS = 3  # a process that execs more often while it is read is "replaced"
DESCRIPTORS = 10000
PATIENCE = 0.5  # seconds for a program to start, whatever it does; a NULL that stays is a real clearenv()

# What is sent of /proc/PID/status: the rest is most of it, and differs from process to process.
STATUS = (
    b"\nTgid:",
    b"\nNSpid:",
    b"\nUid:",
    b"\nGid:",
    b"\nGroups:",
    b"\nUmask:",
    b"\nSigIgn:",
    b"\nSigCgt:",
)

# And of /proc/PID/stat, from its third field on (proc_pid_stat(5)): state, parent, the faults and times of
# ended children, start, and where the arguments lie.
STAT = frozenset((0, 1, 8, 13, 14, 19, 45, 46))

# What is said of the environment of a process that is not there to be read.
ENVIRON = {"thread": "error"}
LIVE = {
    "hidden": "denied",
    "denied": "denied",
    "exited": "exited",
    "zombie": "exited",
    "kthread": "unsupported",
}


def facts(pid: int, live: bool, only_lost: bool = False, kin: "dict | None" = None) -> dict:
    """Everything about *pid*; its keys are always the same.

    *live*: also read the live environment; *only_lost*: only where that at exec is gone, as a title wipes it.
    *kin*: the images of those already read, by pid: the sockets of what is forked of one are not looked for.
    """
    found = _blank(pid)
    try:
        with Folder(b"/proc/%d" % pid) as folder:
            _settle(folder, found, live, only_lost, kin)
    except OSError as error:
        found["status"] = meaning(error)
        if not found["environ"]["status"]:
            found["environ"]["detail"] = os.strerror(error.errno or 0)
    status = found["status"]
    found["environ"]["status"] = found["environ"]["status"] or ENVIRON.get(status, status)
    if not live or (only_lost and status == "ok" and not found["live"]["status"]):
        found["live"]["status"] = "skipped"
    elif not found["live"]["status"]:
        found["live"]["status"] = LIVE.get(status, "error")
    return found


def _blank(pid: int) -> dict:
    return {
        "pid": pid,
        "status": "ok",
        "stat": b"",
        "proc_status": b"",
        "cmdline": b"",
        "exe": None,
        "cwd": None,
        "root": None,
        "mount": None,
        "cgroup": b"",
        "stdout": None,
        "stderr": None,
        "sockets": [],
        "image": "",
        "environ": {"status": "", "data": b"", "expected": -1, "detail": ""},
        "live": {"status": "", "entries": [], "detail": "", "how": ""},
    }


def _settle(folder: Folder, found: dict, live: bool, only_lost: bool, kin: "dict | None") -> None:
    """Read until no exec happened in between."""
    deadline = time.monotonic() + PATIENCE
    for _ in range(1 + REREADS):
        stat = Stat(folder.read(b"stat"))
        body = _identify(folder, stat, found)
        if body is None:
            return
        with body:
            before = Image(body, None if stat.dead else stat)
            _describe(body, found, kin is None or kin.get(stat.parent) != before.key)
            _read(body, before, found)
            if kin is not None:
                kin[found["pid"]] = before.key
            if live and not (only_lost and found["environ"]["data"].strip(b"\0")):
                found["live"] = _live(body, before, found, deadline)
            if Image(body).key == before.key:
                return
    found["status"] = "replaced"


def _identify(folder: Folder, stat: Stat, found: dict) -> "Folder | None":
    """Tell what it is; the folder to read its memory's files from, or None if it has none."""
    found["stat"] = _kept(stat)
    found["proc_status"] = _told(folder.read(b"status"))
    if not found["proc_status"].startswith(b"Tgid:\t%d\n" % found["pid"]):
        found["status"] = "thread"
        return None
    found["cgroup"] = folder.try_read(b"cgroup")
    if stat.kernel_thread:
        found["status"] = "kthread"
        return None
    if not stat.dead:
        return Folder(b".", dir_fd=folder.fd)
    body = _living_thread(folder)
    if body is None:
        found["status"] = "zombie"
    return body


def _living_thread(folder: Folder) -> "Folder | None":
    """A thread that outlived its leader: it still has the memory that the leader has let go."""
    for name in folder.names(b"task"):
        try:
            thread = Folder(b"task/" + name, dir_fd=folder.fd)
        except OSError:
            continue
        try:
            if not Stat(thread.read(b"stat")).dead:
                return thread
        except OSError:
            pass
        os.close(thread.fd)
    return None


def _read(body: Folder, image: Image, found: dict) -> None:
    from . import block

    found["image"] = image.digest()
    found["cmdline"] = body.try_read(b"cmdline", 131072)
    for name in ("exe", "cwd", "root"):
        found[name] = body.try_link(name.encode())
    found["mount"] = body.try_link(b"ns/mnt")
    found["environ"] = block.read(body, image.stat)


def _live(body: Folder, image: Image, found: dict, deadline: float) -> dict:
    from .live import read

    return read(body, found["exe"], found["environ"]["status"], deadline, image.auxv)


def _describe(body: Folder, found: dict, sockets: bool) -> None:
    """Where its outputs lead, and the inodes of its sockets, ascending; [] where they may not be seen."""
    names = [b"1", b"2"]
    if sockets:
        try:
            names = body.names(b"fd")[:DESCRIPTORS]
        except OSError:
            names = []
    links = {name: body.try_link(b"fd/" + name) or b"" for name in names}
    found["stdout"], found["stderr"] = links.get(b"1") or None, links.get(b"2") or None
    found["sockets"] = sorted({int(link[8:-1]) for link in links.values() if link.startswith(b"socket:[")})


def _kept(stat: Stat) -> bytes:
    """The line with a 0 for each field that nobody wants."""
    fields = [field if index in STAT else b"0" for index, field in enumerate(stat.fields)]
    return stat.data[: stat.data.rindex(b")") + 2] + b" ".join(fields)


def _told(proc_status: bytes) -> bytes:
    """The lines of STATUS; the name of the process, in the first line, holds no plain newline."""
    found = []
    for name in STATUS:
        begin = proc_status.find(name) + 1
        if begin:
            found.append(proc_status[begin : proc_status.index(b"\n", begin) + 1])
    return b"".join(found)

"""The ops "scan" and "process": facts of servers, of their children, and of what they descend from."""

import os

from .facts import facts
from .procfs import Stat

if False:  # for the type checker alone
    from .commands import Asked, Command

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._@-")


def scan(interpreters: "list[str]", words: "list[str]", live: bool, more: "dict | None" = None) -> dict:
    """Candidates, their direct children that are interpreters, and all their ancestors.

    In *more*, "ahead": commands that will be wanted for what the cgroups name; they run while all else is
    read. Their answers stand under "ahead", each with its "argv"; one for which nothing is named is not.
    "beside": names of files that will be wanted, of the folders in which they run; {path: answer of "file"}.
    "sockets": also those of what is forked of another one: most have no others than their parent.
    """
    more = more or {}
    from .scan import Walk

    try:
        walk = Walk(interpreters, words).go()
    except OSError as error:
        return {"status": "error", "detail": "/proc: " + os.strerror(error.errno or 0)}
    if not walk.seen:
        return {"status": "error", "detail": "/proc lists no process: is it mounted?"}
    pids = {pid for pid, _ in walk.found}
    begun = _begun(more.get("ahead", []), pids)
    try:
        pids |= _workers(pids, interpreters)
        kin = None if more.get("sockets", True) else {}  # type: dict | None
        read = [facts(pid, live, kin=kin) for pid in sorted(pids)]
        processes = [one for one in read if one["stat"] or one["status"] != "exited"]
        return {
            "status": "ok",
            "processes": processes,
            "ancestors": _ancestors(processes, live),
            "seen": walk.seen,
            "vanished": walk.vanished + len(read) - len(processes),
            "beside": _beside(processes, more.get("beside", [])),
            "ahead": [dict(command.answer(limit), argv=argv) for argv, limit, command in begun],
        }
    finally:
        for _, _, command in begun:
            command.end()


def _beside(processes: "list[dict]", names: "list[str]") -> "dict[str, dict]":
    """The files by their paths, of processes that see the same files as this one."""
    if not names:
        return {}
    from .files import file
    from .host import link

    here = link("/proc/self/ns/mnt")
    folders = set()  # type: set[bytes]
    for one in processes:
        if one["cwd"] and one["root"] == b"/" and one["mount"] in (None, here and here.encode()):
            folders.add(one["cwd"].rstrip(b"/"))
    paths = [
        folder.decode("utf-8", "surrogateescape") + "/" + name for folder in sorted(folders) for name in names
    ]
    return {path: file(path, 1048576) for path in paths}


def _begun(ahead: "list[dict]", pids: "set[int]") -> "list[tuple[list[str], int, Command | Asked]]":
    """Start each command that only reads, for the words that its pattern finds in the cgroups."""
    begun = []  # type: list[tuple[list[str], int, Command | Asked]]
    if not ahead:
        return begun
    from .scan import contents

    cgroups = set()  # type: set[str]
    for pid in pids:
        try:
            cgroups.add(contents("/proc/%d/cgroup" % pid, 65536).decode("utf-8", "surrogateescape"))
        except OSError:
            continue  # it has ended, or /proc hides it
    for one in ahead:
        argv = one["argv"] + _named("\n".join(cgroups), one["before"], one["after"])
        if len(argv) > len(one["argv"]):
            from .commands import reads, start

            if reads(argv):
                begun.append((argv, one["limit"], start(argv, one["timeout"])))
    return begun


def _named(cgroups: str, before: str, after: str) -> "list[str]":
    """The plain names that end with *after* and are the last of a path that begins with *before*."""
    names = set()  # type: set[str]
    for line in cgroups.split("\n"):
        path = line.split(":", 2)[-1]
        name = path.rpartition("/")[2]
        if path.startswith(before) and name.endswith(after) and not set(name) - PLAIN:
            names.add(name)
    return sorted(names)


def explicit(pids: "list[int]", live: bool) -> dict:
    """The same for given pids; one that does not exist is "exited"."""
    processes = [facts(int(pid), live) for pid in pids]
    return {"status": "ok", "processes": processes, "ancestors": _ancestors(processes, live)}


def _workers(masters: "set[int]", interpreters: "list[str]") -> "set[int]":
    """Children of *masters* that run an interpreter: a worker may call itself anything."""
    from .scan import children, is_interpreter, parents

    found = set()  # type: set[int]
    parent_of = None  # type: dict[int, int] | None
    for master in masters:
        pids = children(master)
        if pids is None:
            if parent_of is None:
                parent_of = parents()
            pids = [pid for pid, parent in parent_of.items() if parent == master]
        found.update(pid for pid in pids if pid not in masters and pid != os.getpid())
    return {pid for pid in found if is_interpreter(pid, interpreters)}


def _ancestors(processes: "list[dict]", live: bool) -> "list[dict]":
    """The facts of every ancestor that is not among *processes*, each once, up to pid 1.

    *live*: also read the live environment of those whose environment at exec is gone, as a title wipes it.
    """
    known = {one["pid"] for one in processes}
    found = []
    queue = list(processes)
    while queue:
        one = queue.pop()
        parent = Stat(one["stat"]).parent if one["stat"] else 0
        if parent > 0 and parent not in known:
            known.add(parent)
            queue.append(facts(parent, live, only_lost=True))
            found.append(queue[-1])
    return sorted(found, key=lambda one: int(one["pid"]))

"""Processes as a shell shows them: what `envcheck.probe` gives, as far as a shell can tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import adler32, crc32

from envcheck.hosts import Answer, Request

NO_LIVE = "no python3 runs on the host, and a shell cannot read memory"
Parts = Mapping[str, bytes]


def parents(content: bytes) -> dict[int, int]:
    """Pid -> parent of every process."""
    found: dict[int, int] = {}
    for line in content.splitlines():
        pid, _, rest = line.partition(b" (")
        fields = rest.rpartition(b") ")[2].split()
        if pid.isdigit() and len(fields) > 1 and fields[1].isdigit():
            found[int(pid)] = int(fields[1])
    return found


def asked_for(request: Request, parts: Parts, table: Mapping[int, int]) -> list[int]:
    """The processes that a request may be about: candidates and their children, or those it names."""
    if request["op"] == "process":
        return [int(pid) for pid in request["pids"]]
    if request["op"] != "scan":
        return []
    candidates = _candidates(parts)
    return [*candidates, *(pid for pid, parent in table.items() if parent in candidates)]


def _candidates(parts: Parts) -> list[int]:
    words = (line.split(b"/") for line in parts.get("candidates", b"").splitlines())
    return [int(word[2]) for word in words if len(word) > 2 and word[2].isdigit()]  # noqa: PLR2004


def family(pids: set[int], table: Mapping[int, int]) -> set[int]:
    """With all their ancestors."""
    found = set(pids)
    queue = list(pids)
    while queue:
        parent = table.get(queue.pop(), 0)
        if parent > 0 and parent not in found:
            found.add(parent)
            queue.append(parent)
    return found


def scan(request: Request, parts: Parts, facts: Parts, table: Mapping[int, int]) -> Answer:
    if not table:
        return {"status": "error", "detail": "/proc lists no process: is it mounted?"}
    interpreters = [word.encode() for word in request["interpreters"]]

    def fits(found: Mapping[str, Any]) -> bool:
        exe = found["exe"]
        return found["status"] != "exited" and (exe is None or any(word in exe for word in interpreters))

    candidates = {p["pid"] for p in (process(pid, facts) for pid in _candidates(parts)) if fits(p)}
    members = candidates | {pid for pid, parent in table.items() if parent in candidates}
    processes = [p for p in (process(pid, facts) for pid in sorted(members)) if fits(p)]
    pids = [p["pid"] for p in processes]
    return {
        "status": "ok",
        "processes": processes,
        "ancestors": ancestors(pids, facts, table),
        "seen": len(table),
        "vanished": len(members) - len(processes),
        "ahead": [],
        "beside": {},
    }


def ancestors(pids: Sequence[int], facts: Parts, table: Mapping[int, int]) -> list[dict[str, Any]]:
    return [process(pid, facts) for pid in sorted(family(set(pids), table) - set(pids))]


def process(pid: int, facts: Parts) -> dict[str, Any]:
    """What `envcheck.probe.facts` gives, as far as a shell can tell it."""

    def link(name: str) -> bytes | None:
        value = facts.get(f"{pid} {name}", b"")
        return value[:-1] if value.endswith(b"\n") else None

    stat = facts.get(f"{pid} stat", b"")
    fields = stat.rpartition(b")")[2].split()
    status = "exited" if len(fields) < 49 else "zombie" if fields[0] in (b"Z", b"X") else "ok"  # noqa: PLR2004
    if status == "ok" and int(fields[6]) & 0x200000:
        status = "kthread"
    proc_status = facts.get(f"{pid} status", b"")
    if status == "ok" and b"\nTgid:\t%d\n" % pid not in proc_status:
        status = "thread" if proc_status else "exited"
    return {
        "pid": pid,
        "status": status,
        "stat": stat if status != "exited" else b"",
        "proc_status": proc_status,
        "cmdline": facts.get(f"{pid} cmdline", b""),
        "exe": link("exe"),
        "cwd": link("cwd"),
        "root": link("root"),
        "mount": link("ns/mnt"),
        "cgroup": facts.get(f"{pid} cgroup", b""),
        "stdout": link("fd/1"),
        "stderr": link("fd/2"),
        "sockets": _sockets(facts.get(f"{pid} sockets", b"")),
        "image": _image(facts.get(f"{pid} auxv", b""), fields),
        "environ": _environ(pid, facts, fields, status),
        "live": {"status": "unsupported", "entries": [], "detail": NO_LIVE, "how": ""},
    }


def _sockets(listing: bytes) -> list[int]:
    # Whatever a process calls its files: an inode has 20 digits at most.
    words = (word for word in listing.split() if word.startswith(b"socket:[") and len(word) < 30)  # noqa: PLR2004
    return sorted({int(word[8:-1]) for word in words if word[8:-1].isdigit()})


def _image(auxv: bytes, fields: Sequence[bytes]) -> str:
    """As `envcheck.probe.procfs.Image` has it."""
    if not auxv or len(fields) < 48:  # noqa: PLR2004
        return ""
    data = auxv + b"%d %d" % (int(fields[45]), int(fields[47]))
    return f"{crc32(data):08x}{adler32(data):08x}"


def _environ(pid: int, facts: Parts, fields: Sequence[bytes], status: str) -> dict[str, Any]:
    data = facts.get(f"{pid} environ", b"")
    expected = int(fields[48]) - int(fields[47]) if status == "ok" and int(fields[47]) else -1
    detail = ""
    if status != "ok":
        status = "error" if status == "thread" else status
    elif f"{pid} read" not in facts:
        status = "denied" if f"{pid} denied" in facts else "exited"
        detail = "Permission denied" if status == "denied" else ""
    elif len(data) < expected:
        status, detail = ("truncated", f"{len(data)} of {expected} bytes") if data else ("empty", "")
    return {"status": status, "data": data, "expected": expected, "detail": detail}

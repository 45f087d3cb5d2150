"""The requests of the probe, answered by a POSIX sh: the environment at exec and files, no live memory."""

from __future__ import annotations

import secrets
import shlex
import stat as modes
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import adler32, crc32

from envcheck.errors import HostError
from envcheck.hosts import Answer, Request, silence
from envcheck.hosts.shell_script import LIBRARY, grep, quoted_pattern
from envcheck.hosts.stream import Stream
from envcheck.probe.commands import reads

MOST = 67108864  # bytes of one answer
PHASE = "waiting for the answer of its shell"
NO_LIVE = "no python3 runs on the host, and a shell cannot read memory"
NO_ROOT = "no python3 runs on the host, and a shell cannot keep inside of another root"
NOT_READING = "it is none of the commands that only read"
WHOLE = 0.999999
Parts = Mapping[str, bytes]


class ShellConversation:
    """Like `channel.Conversation`, with a shell at the other end."""

    def __init__(self, stream: Stream, *, sudo: bool) -> None:
        self.stream = stream
        self.library = LIBRARY
        self.sudo = sudo

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Give one answer for each request, in two round trips at most.

        Raises:
            HostError: There is no whole answer.
        """
        try:
            return self._answers(requests)
        except (
            ValueError,
            LookupError,
            ArithmeticError,
        ) as error:  # not written as the kernel and its tools write
            told = f"its answer makes no sense ({type(error).__name__})"
            raise HostError("damaged", PHASE, told) from None

    def _answers(self, requests: Sequence[Request]) -> list[Answer]:
        parts = self._exchange(list(_first(requests)))
        table = _table(parts.get("table", b""))
        wanted = {pid for r in requests for pid in _pids(r, parts, table)}
        facts: Parts = (
            self._exchange([f"facts {pid}" for pid in sorted(_family(wanted, table))]) if wanted else {}
        )
        return [_answer(str(i), r, parts, facts, table) for i, r in enumerate(requests)]

    def _exchange(self, lines: Sequence[str]) -> Parts:
        nonce = secrets.token_hex(16)
        script = "\n".join([f"{self.library}N={nonce}", *lines, "h end"]) + "\n"
        self.library = ""
        self.stream.send(script.encode("utf-8", "surrogateescape"))
        separator = b"\n" + nonce.encode() + b" "
        data = self._receive(separator + b"end\n")
        parts: dict[str, list[bytes]] = {}
        for part in data.split(separator)[1:]:
            key, _, value = part.partition(b"\n")
            parts.setdefault(key.decode("ascii", "replace"), []).append(value)
        return {key: b"\0".join(values) for key, values in parts.items()}

    def _receive(self, end: bytes) -> bytes:
        data = bytearray()
        while not data.endswith(end):
            piece = self.stream.receive()
            if not piece:
                raise silence.explain(self.stream.ended(), bytes(data), sudo=self.sudo)
            data += piece
            if len(data) > MOST:
                raise HostError("oversized", PHASE, f"it answers with more than {MOST} bytes")
        return bytes(data)


def _first(requests: Sequence[Request]) -> Iterator[str]:
    """What needs no other answer."""
    yield "i=0"
    if any(r["op"] in ("scan", "process") for r in requests):
        yield "table"
    for number, request in enumerate(requests):
        yield from LINES.get(request["op"], _nothing)(str(number), request)


def _nothing(_key: str, _request: Request) -> Iterator[str]:
    yield from ()


def _host_line(key: str, _request: Request) -> Iterator[str]:
    yield f"host {key}"


def _scan_line(_key: str, request: Request) -> Iterator[str]:
    yield grep(request["words"])


def _path_line(key: str, request: Request) -> Iterator[str]:
    if "\0" not in request["path"] and not request.get("root"):
        limit = int(request.get("limit", 1048576)) + 1
        yield f"{request['op']} {key} {shlex.quote(request['path'])} {limit}"


def _glob_line(key: str, request: Request) -> Iterator[str]:
    word = "real" if request.get("real") else "globbed"
    for number, pattern in enumerate(request["patterns"] if not request.get("root") else ()):
        if "\0" not in pattern:
            yield f"{word} {shlex.quote(f'{key} {number}')} {quoted_pattern(pattern)}"


def _run_line(key: str, request: Request) -> Iterator[str]:
    words = " ".join(shlex.quote(word) for word in request["argv"])
    if "\0" not in words and reads(list(request["argv"])):
        yield f"run {key} {max(1, round(request['timeout']))} {int(request.get('limit', 4194304))} {words}"


def _which_lines(key: str, request: Request) -> Iterator[str]:
    for number, name in enumerate(request["names"]):
        yield f"which {shlex.quote(f'{key} {number}')} {shlex.quote(name)}"


LINES = {
    "host": _host_line,
    "scan": _scan_line,
    "file": _path_line,
    "folder": _path_line,
    "glob": _glob_line,
    "run": _run_line,
    "which": _which_lines,
}


def _answer(key: str, request: Request, parts: Parts, facts: Parts, table: Mapping[int, int]) -> Answer:
    if request.get("root") and request["op"] in ("file", "folder"):
        return {"status": "error", "detail": NO_ROOT}
    make = ANSWERS.get(request["op"])
    if make is not None:
        return make(key, request, parts)
    if request["op"] == "scan":
        return _scan(request, parts, facts, table)
    if request["op"] == "process":
        pids = [int(pid) for pid in request["pids"]]
        processes = [_facts(pid, facts) for pid in pids]
        return {"status": "ok", "processes": processes, "ancestors": _ancestors(pids, facts, table)}
    return {"status": "error", "detail": "unknown op"}


# --- processes ------------------------------------------------------------------------------------


def _table(content: bytes) -> dict[int, int]:
    """Pid -> parent of every process."""
    found: dict[int, int] = {}
    for line in content.splitlines():
        pid, _, rest = line.partition(b" (")
        fields = rest.rpartition(b") ")[2].split()
        if pid.isdigit() and len(fields) > 1 and fields[1].isdigit():
            found[int(pid)] = int(fields[1])
    return found


def _pids(request: Request, parts: Parts, table: Mapping[int, int]) -> list[int]:
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


def _family(pids: set[int], table: Mapping[int, int]) -> set[int]:
    """With all their ancestors."""
    found = set(pids)
    queue = list(pids)
    while queue:
        parent = table.get(queue.pop(), 0)
        if parent > 0 and parent not in found:
            found.add(parent)
            queue.append(parent)
    return found


def _scan(request: Request, parts: Parts, facts: Parts, table: Mapping[int, int]) -> Answer:
    if not table:
        return {"status": "error", "detail": "/proc lists no process: is it mounted?"}
    interpreters = [word.encode() for word in request["interpreters"]]

    def fits(process: Mapping[str, Any]) -> bool:
        exe = process["exe"]
        return process["status"] != "exited" and (exe is None or any(word in exe for word in interpreters))

    candidates = {p["pid"] for p in (_facts(pid, facts) for pid in _candidates(parts)) if fits(p)}
    family = candidates | {pid for pid, parent in table.items() if parent in candidates}
    processes = [p for p in (_facts(pid, facts) for pid in sorted(family)) if fits(p)]
    pids = [p["pid"] for p in processes]
    return {
        "status": "ok",
        "processes": processes,
        "ancestors": _ancestors(pids, facts, table),
        "seen": len(table),
        "vanished": len(family) - len(processes),
    }


def _ancestors(pids: Sequence[int], facts: Parts, table: Mapping[int, int]) -> list[dict[str, Any]]:
    return [_facts(pid, facts) for pid in sorted(_family(set(pids), table) - set(pids))]


def _facts(pid: int, facts: Parts) -> dict[str, Any]:
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


# --- files, commands, the host ----------------------------------------------------------------------


def _file(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    limit = int(request.get("limit", 1048576))
    said = parts.get(f"{key} stat", b"").split()
    found: dict[str, Any] = {"status": "ok", "content": b"", "detail": ""}
    found |= dict.fromkeys(("mtime", "ctime", "mode", "uid", "gid", "size"))
    try:
        mode, (uid, gid, size), (mtime, ctime) = int(said[0], 16), map(int, said[1:4]), map(_moment, said[4:])
    except (ValueError, IndexError):
        return found | _refused(b" ".join(said))
    found |= {"mode": mode, "uid": uid, "gid": gid, "size": size}
    found |= {"mtime": mtime, "ctime": ctime}
    content = parts.get(f"{key} content", b"")
    if modes.S_ISDIR(mode):
        found["status"] = "folder"
    elif not modes.S_ISREG(mode):
        found["status"] = "not-a-file"
    elif f"{key} denied" in parts:
        found |= {"status": "denied", "detail": "Permission denied"}
    elif max(size, len(content)) > limit:
        found["status"] = "oversized"
    else:
        found["content"] = content
    return found


def _moment(told: bytes) -> float:
    """Read a moment; busybox cuts its fraction off: what has changed must not seem to be older than it is."""
    return float(told) if b"." in told else float(told) + WHOLE


def _refused(said: bytes) -> dict[str, str]:
    for words, status in (
        (b"ermission denied", "denied"),
        (b"o such file", "missing"),
        (b"ot a dir", "missing"),
    ):
        if words in said:
            return {"status": status, "detail": "Permission denied" if status == "denied" else ""}
    return {"status": "error", "detail": "the host has no stat(1)"}


def _folder(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    own = _file(key, {"limit": 0}, parts)
    found = {name: own[name] for name in ("status", "detail", "mtime", "ctime", "mode", "uid")}
    found["entries"] = {}
    if own["status"] != "folder":
        if own["status"] in ("ok", "not-a-file", "oversized"):
            found["status"] = "not-a-folder"
        return found
    if f"{key} denied" in parts:
        return found | {"status": "denied", "detail": "Permission denied"}
    prefix = f"{key} entry "
    names = {k.removeprefix(prefix): v for k, v in parts.items() if k.startswith(prefix)}
    entries = {
        name.decode("utf-8", "surrogateescape"): _file(f"{key} {number}", request, parts)
        for number, name in names.items()
    }
    return found | {"status": "ok", "entries": dict(sorted(entries.items()))}


def _glob(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for number, pattern in enumerate(request["patterns"]):
        value = parts.get(f"{key} {number}", b"")
        paths = [path.removesuffix(b"\n") for path in value.split(b"\0") if path]
        found[pattern] = sorted({path.decode("utf-8", "surrogateescape") for path in paths})
    return {"status": "ok", "paths": found}


def _run(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    if not reads(list(request["argv"])):
        return {"status": "denied", "code": None, "stdout": b"", "stderr": b"", "detail": NOT_READING}
    code = parts.get(f"{key} code", b"")
    number = int(code) if code.isdigit() else None
    status = {None: "oversized", 124: "timeout", 126: "denied", 127: "missing"}.get(number, "ok")
    out = parts.get(f"{key} out", b"")
    return {
        "status": status,
        "code": number if status == "ok" else None,
        "stdout": out,
        "stderr": b"",
        "detail": "",
    }


def _which(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    paths: dict[str, str | None] = {}
    for number, name in enumerate(request["names"]):
        path = parts.get(f"{key} {number}", b"").decode("utf-8", "surrogateescape").partition("\n")[0]
        paths[name] = path if path.startswith("/") else None
    return {"status": "ok", "paths": paths}


def _host(key: str, _request: Request, parts: Parts) -> dict[str, Any]:
    from envcheck.probe.host import capabilities, hidepid  # noqa: PLC0415

    def said(name: str) -> str:
        return parts.get(f"{key} {name}", b"").decode("utf-8", "surrogateescape").strip()

    seconds, _, fraction = said("now").partition(".")  # not every date(1) knows parts of a second
    now = float(f"{seconds or 0}.{fraction if fraction.isdigit() else 5}")
    yama = said("yama")
    return {
        "hostname": said("hostname"),
        "now": now,
        "boot": now - float((said("uptime") or "0").split()[0]),
        "hz": int(said("hz") or 100),
        "uid": int(said("uid") or 65534),
        "boot_id": said("boot_id"),
        "capabilities": capabilities(said("status")),
        "yama": int(yama) if yama.isdigit() else None,
        "mount": said("mount") or None,
        "hidepid": hidepid(said("mountinfo")),
        "python": "",
    }


ANSWERS = {"host": _host, "file": _file, "folder": _folder, "glob": _glob, "run": _run, "which": _which}

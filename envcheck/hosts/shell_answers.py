"""The answers of a shell to the requests of the probe: files, commands, the host itself, and processes."""

from __future__ import annotations

import stat as modes
from collections.abc import Mapping
from math import ceil
from typing import Any

from envcheck.hosts import Answer, Request
from envcheck.hosts.shell_processes import Parts, ancestors, process, scan
from envcheck.probe.commands import reads

NO_ROOT = "no python3 runs on the host, and a shell cannot keep inside of another root"
NOT_READING = "it is none of the commands that only read"
WHOLE = 0.999999
# By the exit status of timeout(1); that of busybox ends with the signal by which it ends the command.
NOT_RUN = {124: "timeout", 143: "timeout", 126: "denied", 127: "missing"}


def answer(key: str, request: Request, parts: Parts, facts: Parts, table: Mapping[int, int]) -> Answer:
    if request.get("root") and request["op"] in ("file", "folder"):
        return {"status": "error", "detail": NO_ROOT}
    make = ANSWERS.get(request["op"])
    if make is not None:
        return make(key, request, parts)
    if request["op"] == "scan":
        return scan(request, parts, facts, table)
    if request["op"] == "process":
        pids = [int(pid) for pid in request["pids"]]
        processes = [process(pid, facts) for pid in pids]
        return {"status": "ok", "processes": processes, "ancestors": ancestors(pids, facts, table)}
    return {"status": "error", "detail": "unknown op"}


def _file(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    limit = int(request.get("limit", 1048576))
    said = parts.get(f"{key} stat", b"").split()
    found: dict[str, Any] = {"status": "ok", "content": b"", "detail": ""}
    found |= dict.fromkeys(("mtime", "ctime", "mode", "uid", "gid", "acl", "size"))
    try:
        mode, (uid, gid, size), (mtime, ctime) = int(said[0], 16), map(int, said[1:4]), map(_moment, said[4:])
    except (ValueError, IndexError, OverflowError):
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


def _moment(told: bytes) -> int:
    """Read a moment, in microseconds.

    Busybox cuts its fraction off: what has changed must not seem to be older than it is.
    """
    return ceil((float(told) if b"." in told else float(told) + WHOLE) * 1e6)


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
    found = {name: own[name] for name in ("status", "detail", "mtime", "ctime", "mode", "uid", "acl")}
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
    status = "oversized" if number is None else NOT_RUN.get(number, "ok")
    out = parts.get(f"{key} out", b"")
    return {
        "status": status,
        "code": number if status == "ok" else None,
        "stdout": out,
        "stderr": b"",
        "detail": "",
    }


def _access(key: str, request: Request, parts: Parts) -> dict[str, Any]:
    writable = {path: f"{key} {number}" in parts for number, path in enumerate(request["paths"])}
    return {"status": "ok", "writable": writable}


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


ANSWERS = {
    "host": _host,
    "file": _file,
    "folder": _folder,
    "glob": _glob,
    "access": _access,
    "run": _run,
    "which": _which,
}

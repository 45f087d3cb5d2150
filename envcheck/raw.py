"""Raw answers of the probe as the values of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envcheck import environ
from envcheck.hosts import Answer
from envcheck.model import FileFacts, Output, Process, Reading

UID = re.compile("[0-9]{1,10}")


def output(answer: Answer) -> Output:
    return Output(
        answer["status"], answer.get("code") or 0, answer.get("stdout") or b"", answer.get("stderr") or b""
    )


def file_facts(answer: Answer) -> FileFacts:
    """Make facts of the answer to a file or a folder request."""
    entries: Mapping[str, Answer] = answer.get("entries") or {}
    return FileFacts(
        status=answer["status"],
        content=answer.get("content") or b"",
        changed=max(answer.get("mtime") or 0, answer.get("ctime") or 0) / 1e6,
        mode=answer.get("mode") or 0,
        uid=answer.get("uid") or 0,
        detail=answer.get("detail") or "",
        entries={name: file_facts(entry) for name, entry in entries.items()},
        gid=answer.get("gid"),
        acl=answer.get("acl"),
    )


def _fields(stat: bytes) -> list[bytes]:
    """Split /proc/PID/stat from its third field on: the second may hold blanks and brackets (proc(5))."""
    return stat.rpartition(b")")[2].split()


def _comm(facts: Answer) -> str:
    return environ.text(facts["stat"].partition(b"(")[2].rpartition(b")")[0])


def process(facts: Answer, host: Answer, ports: Mapping[int, str]) -> Process:
    stat = _fields(facts["stat"])
    status = _table(facts["proc_status"])
    raw = facts["cmdline"]
    area = int(stat[46]) - int(stat[45]) if len(stat) > 46 else 0  # noqa: PLR2004
    block = facts["environ"]
    live = facts["live"]
    return Process(
        pid=facts["pid"],
        parent=int(stat[1]),
        # The end of the tick: what was written just before the start must not seem to be later than it.
        started=host["boot"] + (int(stat[19]) + 1) / host["hz"],
        uid=int(status.get("Uid", "0").split()[0]),
        argv=tuple(environ.text(word) for word in raw.rstrip(b"\0").split(b"\0"))
        if raw.rstrip(b"\0")
        else (),
        comm=_comm(facts),
        exe=_text(facts.get("exe")),
        cwd=_text(facts.get("cwd")),
        caught=int(status.get("SigCgt", "0"), 16),
        ignored=int(status.get("SigIgn", "0"), 16),
        image=facts["image"],
        at_exec=environ.at_exec(block.get("data", b""), block["status"], spilled=len(raw) > area > 0)
        if facts["status"] != "thread"
        else Reading("error", detail=f"it is a thread of process {status.get('Tgid', '?')}, not a process"),
        live=environ.live(live["entries"]) if live["status"] == "ok" else _refused(live),
        cgroup=environ.text(facts.get("cgroup") or b""),
        state=stat[0].decode("ascii", "replace"),
        stdout=_text(facts.get("stdout")) or "",
        listens=tuple(sorted({ports[i] for i in facts.get("sockets", ()) if i in ports})),
        sockets=frozenset(facts.get("sockets", ())),
        title_is_cut=bool(area) and not raw.endswith(b"\0\0") and len(raw) >= area,
        inner=int(status.get("NSpid", "0").split()[-1]),
        stderr=_text(facts.get("stderr")) or "",
        gid=int(status.get("Gid", "-1").split()[0]),
        groups=tuple(int(group) for group in status.get("Groups", "").split()),
        apart=_apart(facts, host),
        ticks=int(stat[19]),
        reaped=int(stat[8]),
        umask=int(status["Umask"], 8) if "Umask" in status else -1,
    )


def _apart(facts: Answer, host: Answer) -> bool:
    """Tell whether it sees other files than who looked; what may not be read of it does not say so."""
    mount = _text(facts.get("mount"))
    other = mount is not None and bool(host.get("mount")) and mount != host["mount"]
    return other or facts.get("root") not in (None, b"/")


def _refused(live: Mapping[str, Any]) -> Reading:
    return Reading(live["status"], detail=live.get("detail", ""))


def _text(value: bytes | None) -> str | None:
    return None if value is None else environ.text(value)


def _table(status: bytes) -> dict[str, str]:
    """Read the `Key: value` lines of /proc/PID/status."""
    pairs = (line.partition(":") for line in environ.text(status).split("\n"))
    return {key: value.strip() for key, _, value in pairs}


def users(passwd: bytes) -> dict[int, str]:
    """Read user names by number from /etc/passwd."""
    rows = (line.split(":") for line in environ.text(passwd).split("\n"))
    return {int(row[2]): row[0] for row in rows if len(row) > 2 and UID.fullmatch(row[2])}  # noqa: PLR2004


def listening(table: bytes) -> dict[int, str]:
    """Read /proc/net/tcp: the inode of each listening socket and its port (state 0A is LISTEN)."""
    rows = [line.split() for line in table.splitlines()[1:]]
    found = (row for row in rows if len(row) > 9 and row[3] == b"0A")  # noqa: PLR2004
    return {int(row[9]): str(int(row[1].rpartition(b":")[2], 16)) for row in found}

"""Whether systemd started a master: by the last unit in its cgroup.

The path may carry any prefix (a container, a cgroup of its own); what counts is its last unit. A scope is
what somebody else started and systemd only tracks: a login session, a container. The name stays escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envcheck.model import Owner, Process
from envcheck.supervisors.systemd import sessions

_UNIT = re.compile(r"([^/]+\.(?:service|scope))(?=/|$)")
_USER = re.compile(r"/user@(\d+)\.service/")


def path(cgroup: str) -> str:
    """Give the path in the unified hierarchy where it has one, else in systemd's own."""
    rows = [line.split(":", 2) for line in cgroup.splitlines() if line.count(":") >= 2]  # noqa: PLR2004
    unified = next((r[2] for r in rows if r[0] == "0" and r[1] == ""), "")
    named = next((r[2] for r in rows if r[1] == "name=systemd"), "")
    return unified if _UNIT.search(unified) else named or unified


def unit(cgroup_path: str) -> str | None:
    """Name the last unit of a path.

    Its folder begins with `_` where the kernel would take the name for a file of its own: `memory.service` is
    `_memory.service` (systemd's src/basic/cgroup-util.c: cg_unescape).
    """
    units = [name.removeprefix("_") for name in _UNIT.findall(cgroup_path) if name != "init.scope"]
    return units[-1] if units and units[-1].endswith(".service") else None


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Name the unit; user managers are told by the path, a parent of that kind, or MANAGERPID."""
    where = path(process.cgroup)
    name = unit(where)
    opener = sessions.opener(process, ancestors, where) if name is None else None
    if name is None and opener is None:
        return None
    manager = _manager(process, ancestors, where)
    user = _of_user(process, manager, where)
    facts = {
        "cgroup": where,
        # Its own pid and those of its ancestors as their pid namespace has them, to be compared with MainPID.
        "pids": " ".join(str(p.inner or p.pid) for p in (process, *ancestors)),
        "started": " ".join(str(p.started) for p in (process, *ancestors)),
        "invocation": process.at_exec.variables.get("INVOCATION_ID", ""),
        "exec": _exec(process),
        "socket": _socket(process, manager),
        "foreign": "yes" if process.inner not in (0, process.pid) else "",
    }
    if opener is not None:
        facts[sessions.OPENER] = str(opener.inner or opener.pid)
    if user is not None:
        runtime = manager.running.variables.get("XDG_RUNTIME_DIR") if manager else None
        facts |= {"user": user, "runtime": runtime or f"/run/user/{user}"}
    return Owner(
        "systemd", name or "", "cgroup", len(ancestors), manager.pid if manager else 1, facts, manager
    )


def _manager(process: Process, ancestors: Sequence[Process], where: str) -> Process | None:
    """Find the process of the manager itself: pid 1, or the nearest `systemd --user`."""
    for manager in ancestors:
        if "--user" in manager.argv and manager.comm.startswith("systemd"):
            own = path(manager.cgroup).removesuffix("/init.scope").rstrip("/")
            beside = bool(own) and where.startswith(f"{own}/")
            if beside or _USER.search(where) or "MANAGERPID" in process.at_exec.variables:
                return manager
    return next((p for p in ancestors if (p.inner or p.pid) == 1), None)


def _of_user(process: Process, manager: Process | None, where: str) -> str | None:
    """Give the user id of a user's manager; None: the system's."""
    if manager is not None and "--user" in manager.argv:
        return str(manager.uid)
    match = _USER.search(where)
    if match:
        return match[1]
    return str(process.uid) if "MANAGERPID" in process.at_exec.variables else None


def _socket(process: Process, manager: Process | None) -> str:
    """Tell whether systemd gave it a socket: "held" where it is seen to hold one of its own, "given", or "".

    Gunicorn takes LISTEN_FDS out of its environment, and its title may hide what it was exec'd with.
    """
    if manager is not None and process.sockets & manager.sockets:
        return "held"
    return "given" if "LISTEN_FDS" in process.at_exec.variables else ""


def _exec(process: Process) -> str:
    """Tell whether systemd exec'd it itself: "yes", "no", or "" where nothing tells (before 248)."""
    said = process.at_exec.variables.get("SYSTEMD_EXEC_PID")
    if said is None:
        return ""
    return "yes" if said == str(process.inner or process.pid) else "no"

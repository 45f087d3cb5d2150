"""The op "host": what the other answers must be read against: clocks, rights, and what /proc hides."""

import os
import sys
import time


def host() -> dict:
    """Times are seconds since the epoch; boot is the zero of the start times in /proc/PID/stat."""
    now = time.time()
    return {
        "hostname": os.uname().nodename,
        "now": now,
        "boot": now - _uptime(),
        "hz": os.sysconf("SC_CLK_TCK"),
        "uid": os.geteuid(),
        "boot_id": _text("/proc/sys/kernel/random/boot_id").strip(),
        "capabilities": capabilities(_text("/proc/self/status")),
        "yama": yama(),
        "hidepid": hidepid(_text("/proc/self/mountinfo")),
        "mount": link("/proc/self/ns/mnt"),
        "python": "%d.%d.%d" % sys.version_info[:3],
    }


def yama() -> "int | None":
    """ptrace_scope: 0 classic, 1 descendants only, 2 CAP_SYS_PTRACE only, 3 nobody; None without Yama."""
    scope = _text("/proc/sys/kernel/yama/ptrace_scope").strip()
    return int(scope) if scope.isdigit() else None


def capabilities(status: str) -> str:
    """The effective capabilities in hexadecimal digits, from /proc/self/status."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return line[7:].strip()
    return ""


def hidepid(mountinfo: str) -> str:
    """The hidepid option of the /proc mounted last: "1", "2", "invisible", ...; "" for none."""
    found = ""
    for line in mountinfo.splitlines():
        mount, separator, rest = line.partition(" - ")
        if separator and mount.split(" ")[4:5] == ["/proc"] and rest.startswith("proc "):
            options = rest.split(" ")[-1].split(",")
            found = "".join(option[8:] for option in options if option.startswith("hidepid="))
    return found


def _uptime() -> float:
    """Seconds since boot, suspended time included."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Python 3.7
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return float((_text("/proc/uptime") or "0").split()[0])


def link(path: str) -> "str | None":
    try:
        return os.readlink(path)
    except OSError:
        return None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""

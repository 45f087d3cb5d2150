"""When a host was seen that is judged by a record."""

from __future__ import annotations

from envcheck.model import HostReport
from envcheck.moments import iso

OLD = 600.0  # seconds: what was seen longer ago says little of now
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def told(host: HostReport, made: float | None) -> str:
    """Say when, and how long ago that was when it was judged at *made*."""
    taken = host.taken or 0.0
    passed = 0.0 if made is None else made - taken
    old = f", {_age(passed)} ago" if passed > OLD else ", by a clock that is ahead" if passed < -OLD else ""
    return f"seen at {iso(taken)}{old}"


def _age(seconds: float) -> str:
    size, unit = next((s, u) for s, u in UNITS if seconds >= s)
    number = int(seconds // size)
    return f"{number} {unit}{'' if number == 1 else 's'}"

"""systemd: units of the system's manager, and of those of users."""

from envcheck.supervisors.systemd.detection import owner
from envcheck.supervisors.systemd.sessions import confirmed
from envcheck.supervisors.systemd.starting import start
from envcheck.supervisors.systemd.steps import hazards, insufficient, restart

# A cgroup has no other generation to leave behind.
ENDS_ALL = True

__all__ = ["confirmed", "hazards", "insufficient", "owner", "restart", "start"]

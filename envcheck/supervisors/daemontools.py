"""daemontools 0.76: svc, supervise."""

from __future__ import annotations

from envcheck.supervisors.services import Services

_SERVICES = Services("daemontools", "supervise", ("svc", "-t"), (("svc", "-h"),))

owner = _SERVICES.owner
start = _SERVICES.start
restart = _SERVICES.restart
insufficient = _SERVICES.insufficient
hazards = _SERVICES.hazards

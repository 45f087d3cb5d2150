"""s6 2.11: s6-svc, s6-supervise."""

from __future__ import annotations

from envcheck.supervisors.services import Services

_SERVICES = Services("s6", "s6-supervise", ("s6-svc", "-r"), (("s6-svc", "-h"),))

owner = _SERVICES.owner
start = _SERVICES.start
restart = _SERVICES.restart
insufficient = _SERVICES.insufficient
hazards = _SERVICES.hazards

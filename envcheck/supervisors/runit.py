"""runit 2.1.2: sv(8), runsv(8)."""

from __future__ import annotations

from envcheck.supervisors.services import Services

_SERVICES = Services("runit", "runsv", ("sv", "restart"), (("sv", "hup"), ("sv", "2")))

owner = _SERVICES.owner
start = _SERVICES.start
restart = _SERVICES.restart
insufficient = _SERVICES.insufficient
hazards = _SERVICES.hazards

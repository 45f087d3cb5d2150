"""OpenRC 0.45: observed. `restart` reads /etc/conf.d again; supervise-daemon itself keeps what it has."""

from __future__ import annotations

from envcheck.supervisors.marked import Marked

_OPENRC = Marked(
    "openrc",
    "RC_SVCNAME",
    restart=(("rc-service", "NAME", "restart"),),
    wrong=((("rc-service", "NAME", "reload"), "it sends HUP: new workers inherit the environment"),),
    ancestor="supervise-daemo",
)

owner = _OPENRC.owner
start = _OPENRC.start
restart = _OPENRC.restart
insufficient = _OPENRC.insufficient
hazards = _OPENRC.hazards

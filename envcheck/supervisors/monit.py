"""Monit 5.33: observed. `reload` reads the definition again, `restart` alone keeps the one that was read."""

from __future__ import annotations

from envcheck.supervisors.marked import Marked

_MONIT = Marked(
    "monit",
    "MONIT_SERVICE",
    restart=(("monit", "reload"), ("monit", "restart", "NAME")),
    wrong=((("monit", "reload"), "it reads the definitions again and leaves the server as it is"),),
)

owner = _MONIT.owner
start = _MONIT.start
restart = _MONIT.restart
insufficient = _MONIT.insufficient
hazards = _MONIT.hazards

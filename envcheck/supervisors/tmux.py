"""A server that was started in tmux: by hand, from a shell whose environment the tmux server has handed on.

Gunicorn outlives `tmux kill-session` and `kill-server`: HUP means "reload" to it. Then only the mark is left.
"""

from __future__ import annotations

from envcheck.supervisors.marked import Marked

_KEEPS = "the processes that run keep their environment, and new windows get the one of the tmux server"
_SURVIVES = "it ends the session with HUP, which means reload to the server: it lives on"

_TMUX = Marked(
    "tmux",
    "TMUX_PANE",
    wrong=(
        (("tmux", "set-environment", "-g"), _KEEPS),
        (("tmux", "kill-session"), _SURVIVES),
    ),
    ancestor="tmux",
)

owner = _TMUX.owner
start = _TMUX.start
restart = _TMUX.restart
insufficient = _TMUX.insufficient
hazards = _TMUX.hazards

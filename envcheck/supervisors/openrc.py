"""OpenRC 0.45: observed. openrc-run reads /etc/rc.conf and /etc/conf.d/NAME as shell, at each start.

What they export reaches the server, under start-stop-daemon and under supervise-daemon; of the caller's
environment only what `rc_env_allow` names. supervise-daemon starts a server that ends again by itself, with
the environment that it was started with itself.
"""

from __future__ import annotations

from envcheck.model import Configured, Hazard, Owner, Process, Server, Snapshot, Start, Step
from envcheck.supervisors import scripts
from envcheck.supervisors.known import Known
from envcheck.supervisors.marked import Marked

FILES = ("/etc/rc.conf", "/etc/conf.d/{name}")
RESPAWN = "supervise-daemon starts it again, with the environment that it was itself started with"

_OPENRC = Marked(
    "openrc",
    "RC_SVCNAME",
    restart=(("rc-service", "NAME", "restart"),),
    wrong=((("rc-service", "NAME", "reload"), "it sends HUP: new workers inherit the environment"),),
    ancestor="supervise-daemo",
)

owner = _OPENRC.owner
restart = _OPENRC.restart


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process
    files = [path.format(name=owner.name) for path in FILES]
    return scripts.start(f"/etc/init.d/{owner.name}", files, known)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    told = _OPENRC.insufficient(owner, server, configured)
    if owner is None or owner.supervising is None:
        return told
    return (*told, Step(("kill", "-TERM", str(server.first.pid)), RESPAWN))


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del server, snapshot
    message = f"what /etc/init.d/{owner.name if owner else ''} does to the environment is not followed"
    return (Hazard(None, "unknown-start", message),)

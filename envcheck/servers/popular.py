"""What people try with any server that forks its workers: more of them, or others in their place.

Observed with gunicorn 19.10 to 27 and unicorn 6.0.0: a worker is forked from the master as it is.
"""

from __future__ import annotations

from envcheck.model import Server, Stage, Step
from envcheck.servers.signals import masters, send

# Where a master has it from, its workers have it from there too, whenever they are forked.
OF_MASTER = frozenset({Stage.EXEC, Stage.ARGUMENT})

MORE = "one worker more, forked from the same master: it inherits its environment"
ANOTHER = "the master forks another worker in its place, which inherits its environment"


def insufficient(server: Server, stages: frozenset[Stage]) -> tuple[Step, ...]:
    """Give what only forks workers anew, where the change has to come to the master."""
    workers = server.generations[-1].workers
    if not stages & OF_MASTER or not masters(server):
        return ()
    killed = (send("TERM", workers[0].pid, ANOTHER),) if workers else ()
    return send("TTIN", server.first.pid, MORE), *killed

"""To start a process again in the environment that it had, without a value of it in any command line."""

from __future__ import annotations

import posixpath

from envcheck.command_line import mask_arguments
from envcheck.model import Disruption, Hazard, Owner, Process, Server, Snapshot, Step
from envcheck.secrecy import Policy
from envcheck.sources import chain
from envcheck.supervisors import ancestry, starting, unsupervised

# Ends what a process started, waits for it and others, and starts it again with its own environment: no value
# of that stands in a command line. Arguments: the process, whom to end, for whom to wait, where its output
# goes, its folder, its command line.
AGAIN = """\
import os, sys, time
main, ended, pids, output, folder, *argv = sys.argv[1:]
entries = open(f"/proc/{main}/environ", "rb").read().split(b"\\0")
env = dict(entry.split(b"=", 1) for entry in reversed(entries) if b"=" in entry)
os.kill(int(ended), 15)
def runs(pid):
    try:
        return open(f"/proc/{pid}/stat", errors="replace").read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
end = time.monotonic() + 90
while any(map(runs, [main, *pids.split(",")])):
    if time.monotonic() > end:
        sys.exit("it does not end")
    time.sleep(0.1)
os.chdir(folder)
if os.fork():
    os._exit(0)
os.setsid()
for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
    os.dup2(os.open(output if number else "/dev/null", flags, 0o666), number)
os.dup2(1, 2)
os.execvpe(argv[0], argv, env)
"""


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    """Say what such a supervisor ends beside the server."""
    del server, snapshot
    if owner is None:
        return ()
    message = f"{owner.kind} stops all processes of its Procfile, not this one alone"
    return (Hazard(None, "group-restart", message),)


def steps(
    owner: Owner, ended: Process, server: Server, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Give the steps that end *ended*, and with it the supervisor; then give its own command line again.

    Its environment is the one it was started with, taken from the process itself where it may not be shown.
    """
    main = owner.supervising
    if main is None:
        return ()
    why = f"{owner.kind} ends with all that it has started: it reads its files only once"
    stop = Step(("kill", "-TERM", str(ended.pid)), why, Disruption.DOWNTIME)
    own = chain.combine([ancestry.inherited(owner, main)])
    argv, complete = mask_arguments(main.argv, policy.secrets(main.running.variables), policy)
    again = starting.again(main, argv, own, snapshot, policy)
    again = again._replace(
        why="its own command line, in its own environment", runnable=again.runnable and complete
    )
    python = _python(main, snapshot)
    if again.runnable or not complete or not python:
        return (stop, *unsupervised.waits(server, main), again)
    why = (
        f"end {owner.kind} and all that it has started, for it reads its files only once, then give its own "
        "command line again, in the environment that it had"
    )
    return (Step(_hand_on(python, main, ended, server, snapshot), why, Disruption.DOWNTIME),)


def _python(main: Process, snapshot: Snapshot) -> str:
    """Give the program that takes its environment from the process itself; "" where none can."""
    own = main.argv[0] if main.argv and posixpath.basename(main.argv[0]).startswith("python") else ""
    user = snapshot.uid in (main.uid, 0) and (snapshot.uid == main.uid or main.uid in snapshot.users)
    possible = user and main.at_exec.usable and main.cwd is not None
    return (own or snapshot.commands.get("python3") or "") if possible else ""


def _hand_on(
    python: str, main: Process, ended: Process, server: Server, snapshot: Snapshot
) -> tuple[str, ...]:
    kept = main.stdout.startswith("/") and not main.stdout.startswith("/dev/")
    output = main.stdout if kept else "/dev/null"
    pids = ",".join(str(p.pid) for p in server.processes)
    told = (str(main.pid), str(ended.pid), pids, output, str(main.cwd))
    words = (python, "-I", "-S", "-c", AGAIN, *told, *main.argv)
    return words if snapshot.uid == main.uid else ("runuser", "-u", snapshot.users[main.uid], "--", *words)

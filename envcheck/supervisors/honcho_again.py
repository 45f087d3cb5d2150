"""To start a process again in the environment that it had, without a value of it in any command line."""

from __future__ import annotations

import posixpath

from envcheck.model import Disruption, Process, Server, Snapshot, Step

# Stops a process, waits for it and others, and starts it again with its own environment: no value of that
# stands in a command line. Arguments: the pids, where its output goes, its folder, its command line.
AGAIN = """\
import os, sys, time
pids, output, folder, *argv = sys.argv[1:]
pids = pids.split(",")
entries = open(f"/proc/{pids[0]}/environ", "rb").read().split(b"\\0")
env = dict(entry.split(b"=", 1) for entry in reversed(entries) if b"=" in entry)
os.kill(int(pids[0]), 15)
def runs(pid):
    try:
        return open(f"/proc/{pid}/stat", errors="replace").read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
end = time.monotonic() + 90
while any(map(runs, pids)):
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


def can_hand_on(main: Process, snapshot: Snapshot) -> bool:
    """Tell whether its environment can be taken from the process itself."""
    python = bool(main.argv) and posixpath.basename(main.argv[0]).startswith("python")
    user = snapshot.uid in (main.uid, 0) and (snapshot.uid == main.uid or main.uid in snapshot.users)
    return python and user and main.at_exec.usable and main.cwd is not None


def hand_on(main: Process, server: Server, snapshot: Snapshot) -> Step:
    output = (
        main.stdout if main.stdout.startswith("/") and not main.stdout.startswith("/dev/") else "/dev/null"
    )
    pids = [main.pid, *(p.pid for p in server.processes)]
    words = (
        main.argv[0],
        "-I",
        "-S",
        "-c",
        AGAIN,
        ",".join(map(str, pids)),
        output,
        str(main.cwd),
        *main.argv,
    )
    if snapshot.uid != main.uid:
        words = ("runuser", "-u", snapshot.users[main.uid], "--", *words)
    why = (
        "end honcho and all that it has started, for it reads its files only once, then give its own command "
        "line again, in the environment that it had"
    )
    return Step(words, why, Disruption.DOWNTIME)

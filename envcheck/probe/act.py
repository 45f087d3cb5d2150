"""The op "act": the only code of envcheck that signals a process, or runs a command that changes something.

It is none of the ops that the probe answers: who only reads does not even carry it. A plan is carried out in
three kinds of requests, all with the same "lock", the name of what is restarted:

    {"do": "begin", "lock", "processes": [{"pid", "start", "image"}], "signals": [pid]}
    {"do": "step", "lock", "argv", "timeout"}
    {"do": "end", "lock"}

Between the first and the last one a lock is held, and each process by a descriptor: however pids are reused,
a signal reaches the process that the plan is about, or none. What is held goes with this process.
"""

import errno
import os
import time

from .commands import ended
from .lock import Refusal, lock
from .procfs import Folder, Image, Stat, meaning
from .programs import search_path, which

if False:  # for the type checker alone
    import subprocess

# What a login gives; the rest of the caller's environment must not get into a server.
ENVIRONMENT = ("HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST")
TAIL = 4096  # bytes of a command's output that are kept: its end says why
MOST = 67108864  # bytes of output; a command that writes more is ended
TICK = 0.05  # seconds between looks at a command
UNKNOWN = "process %d is none that the plan is about"
GRACE = 2.0  # seconds that a command has to end when it is told to
LEAVING = 1.0  # the same when whoever asked has gone

_plans = {}  # type: dict[str, Plan]
_running = set()  # type: set[int]  # the command of a step
_gone = []  # type: list[bool]  # not empty: whoever asked has gone


def act(request: dict) -> dict:
    """{"status", "detail"}, of a step also "code", "output" and "seconds". Status "ok": it was done."""
    try:
        return DOINGS[request["do"]](request)
    except Refusal as refusal:
        return {"status": refusal.status, "detail": refusal.detail}
    except OSError as error:
        return {"status": "error", "detail": os.strerror(error.errno or 0)}


def _begin(request: dict) -> dict:
    name = request["lock"]
    if name in _plans:
        raise Refusal("locked", "by this very process")
    locked = lock(name)
    held = {}  # type: dict[int, Held]
    try:
        for process in request["processes"]:
            held[process["pid"]] = Held(process["pid"], process["start"], process["image"])
        for pid in request["signals"]:
            if pid not in held:
                raise Refusal("unknown", UNKNOWN % pid)
            held[pid].signal(0)
    except BaseException:
        Plan(locked, held).close()
        raise
    _plans[name] = Plan(locked, held)
    return {"status": "ok", "detail": ""}


def _step(request: dict) -> dict:
    plan = _plans[request["lock"]]
    argv = request["argv"]
    begun = time.monotonic()
    sent = signalled(argv)
    if sent is None:
        answer = _run(argv, request["timeout"])
    else:
        number, pid = sent
        if pid not in plan.held:
            raise Refusal("unknown", UNKNOWN % pid)
        plan.held[pid].signal(number)
        answer = {"status": "ok", "detail": "", "code": 0, "output": b""}
    answer["seconds"] = time.monotonic() - begun
    return answer


def _end(request: dict) -> dict:
    plan = _plans.pop(request["lock"], None)
    if plan is not None:
        plan.close()
    return {"status": "ok", "detail": ""}


def leave() -> None:
    """Whoever asked has gone: end the command that is running. To be called by another thread.

    The thread that has started it does so, who alone knows that its number is not another's yet.
    """
    _gone.append(True)
    end = time.monotonic() + LEAVING + 4 * TICK
    while _running and time.monotonic() < end:
        time.sleep(TICK)


DOINGS = {"begin": _begin, "step": _step, "end": _end}


class Plan:
    """What is held for one target."""

    def __init__(self, lock: int, held: "dict[int, Held]") -> None:
        self.lock = lock
        self.held = held

    def close(self) -> None:
        for process in self.held.values():
            process.close()
        os.close(self.lock)


# --- processes ------------------------------------------------------------------------------------------


def signalled(argv: "list[str]") -> "tuple[int, int] | None":
    """(number, pid) of `kill -NAME PID`; None for any other command."""
    import signal

    if len(argv) != 3 or argv[0] != "kill" or argv[1][:1] != "-" or not argv[2].isdigit():
        return None
    number = getattr(signal, "SIG" + argv[1][1:], None)
    return None if number is None else (int(number), int(argv[2]))


class Held:
    """One process, whatever becomes of its pid."""

    def __init__(self, pid: int, start: int, image: str) -> None:
        self.pid = pid
        self.fd = -1
        try:
            if hasattr(os, "pidfd_open"):  # Python 3.9
                self.fd = os.pidfd_open(pid)
        except OSError as error:
            if meaning(error) == "exited":
                raise Refusal("exited", "process %d has ended" % pid) from None
            # Any other refusal is that of an older kernel: the folder alone has to do.
        try:
            self.folder = Folder(b"/proc/%d" % pid)
        except OSError as error:
            self._close()
            raise Refusal(meaning(error), "process %d: %s" % (pid, os.strerror(error.errno or 0))) from None
        try:
            self._identify(start, image)
        except BaseException:
            self.close()
            raise

    def _identify(self, start: int, image: str) -> None:
        """Not reaped after its folder was opened, so both descriptors are of the same process."""
        try:
            found = Image(self.folder)
            same = found.stat.start == start and image in ("", found.digest())
            dead = found.stat.dead
        except OSError as error:
            raise Refusal(meaning(error), "process %d has ended" % self.pid) from None
        if dead:
            raise Refusal("exited", "process %d has ended" % self.pid)
        if not same:
            raise Refusal("changed", "process %d is not the one that was looked at" % self.pid)

    def signal(self, number: int) -> None:
        """Send a signal to this process and to no other; 0 asks whether that would be allowed."""
        import signal

        try:
            # Raises where it has been reaped: its pid may be another's. One that has not takes every signal.
            if Stat(self.folder.read(b"stat")).dead:
                raise ProcessLookupError(errno.ESRCH, "")
            if self.fd >= 0:
                signal.pidfd_send_signal(self.fd, number)
            else:
                os.kill(self.pid, number)
        except PermissionError:
            raise Refusal("denied", "not allowed to signal process %d" % self.pid) from None
        except OSError as error:
            status = meaning(error)
            detail = "has ended" if status == "exited" else os.strerror(error.errno or 0)
            raise Refusal(status, "process %d: %s" % (self.pid, detail)) from None

    def close(self) -> None:
        os.close(self.folder.fd)
        self._close()

    def _close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


# --- commands -------------------------------------------------------------------------------------------


def _run(argv: "list[str]", timeout: float) -> dict:
    """Run one command to its end. What it has started, and let go, lives on.

    Its output is a file without a name: a server that keeps it open meets no closed pipe later.
    """
    import tempfile

    with tempfile.TemporaryFile() as output:
        child = _start(argv, output.fileno())
        _running.add(child.pid)
        status = "error"
        try:
            status = _wait(child, time.monotonic() + timeout, output.fileno())
        finally:  # also when a signal ends the wait
            if status != "ok":
                _stop(child)
            _running.discard(child.pid)
        code = child.returncode
        ended_itself = status == "ok"
        if ended_itself and code != 0:
            status = "failed"
        size = os.fstat(output.fileno()).st_size
        tail = os.pread(output.fileno(), TAIL, max(0, size - TAIL))
    return {
        "status": status,
        "detail": "",
        "code": code if ended_itself else None,
        "output": tail,
    }


def _start(argv: "list[str]", output: int) -> "subprocess.Popen[bytes]":
    import subprocess

    path = which([argv[0]])["paths"][argv[0]]
    if path is None:
        raise Refusal("missing", "there is no %s" % argv[0])
    if _gone:
        raise Refusal("interrupted", "whoever asked for it has gone")
    given = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return subprocess.Popen(
        [word.encode("utf-8", "surrogateescape") for word in argv],
        executable=path.encode("utf-8", "surrogateescape"),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(given, PATH=":".join(search_path())),
        cwd="/",
        start_new_session=True,
    )


def _wait(child: "subprocess.Popen[bytes]", deadline: float, output: int) -> str:
    while child.poll() is None:
        if _gone:
            return "interrupted"
        if time.monotonic() > deadline:
            return "timeout"
        if os.fstat(output).st_size > MOST:
            return "oversized"
        time.sleep(min(TICK, max(0.0, deadline - time.monotonic()) + 0.001))
    return "ok"


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """End a command with its process group; our own child, not reaped yet, so no other can be meant."""
    import signal

    end = time.monotonic() + (LEAVING if _gone else GRACE)
    try:
        os.killpg(child.pid, signal.SIGTERM)
        while not ended(child.pid) and time.monotonic() < end:
            time.sleep(TICK)
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass
    child.wait()

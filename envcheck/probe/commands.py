"""The op "run": read-only commands of supervisors, bounded in time and in output."""

import os
import time
from _thread import allocate_lock

from .programs import search_path

if False:  # for the type checker alone
    import subprocess

    from .manager import Units

# The commands that only read, with the words that say so, after options of the program itself.
READS = {
    "systemctl": ("show", "cat", "show-environment"),
    "busctl": ("get-property",),
    "podman": ("inspect",),
    "docker": ("inspect",),
    "getent": ("passwd",),
}
# And those of which no word may be another.
DENIED = "it is none of the commands that only read"
EXACTLY = (["sudo", "-n", "-l"],)  # what the user may do; it asks for nothing, and runs nothing
SET = ("XDG_RUNTIME_DIR=", "TZ=")  # what `env` may set for them
FLAGS = ("--user", "--system")  # options of theirs without a value
# One script, for all units of a host at once: the names of the properties it shows are all that may differ.
SCRIPT = (
    's=$1; shift; export TZ=UTC; systemctl "$s" -p %s show -- "$@" | '
    '{ systemctl "$s" -p %s show && echo && cat; }'
)
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

_running = set()  # type: set[int]
_starting = allocate_lock()  # held from the fork until the command stands in _running
TICK = 0.05  # seconds between looks at a command whose child holds its output open


def reads(argv: "list[str]") -> bool:
    """Whether a command is known to change nothing."""
    words = list(argv)
    if words in EXACTLY or shows(words) is not None:
        return True
    if words[:1] == ["env"]:
        words = words[1:]
        while words and words[0].startswith(SET):
            words = words[1:]
    verbs = READS.get(words[0], ()) if words else ()
    place = 1
    while place < len(words) and words[place].startswith("-"):
        place += 1 if words[place] in FLAGS or "=" in words[place] else 2
    return place < len(words) and words[place] in verbs


def shows(argv: "list[str]") -> "Shown | None":
    """What a command shows of units and their manager; None: it is not that of SCRIPT."""
    words, runtime = list(argv), ""
    if words[:1] == ["env"] and words[1:2] and words[1].startswith(SET[0]):
        words, runtime = words[2:], words[1][len(SET[0]) :]
    if words[:2] != ["sh", "-c"] or len(words) < 6 or words[4] not in FLAGS:
        return None
    lists = [piece.split(" ", 1)[0] for piece in words[2].split(" -p ")[1:]]
    if len(lists) != 2 or words[2] != SCRIPT % tuple(lists) or not set("".join(lists)) - {","} <= LETTERS:
        return None
    of_unit, of_manager = (names.split(",") for names in lists)
    return Shown(words[4], runtime, words[5:], of_unit, of_manager)


class Shown:
    """*scope*: an option of systemctl; *runtime*: XDG_RUNTIME_DIR or ""; the rest are names."""

    def __init__(
        self, scope: str, runtime: str, names: "list[str]", of_unit: "list[str]", of_manager: "list[str]"
    ) -> None:
        self.scope = scope
        self.runtime = runtime
        self.names = names
        self.of_unit = of_unit
        self.of_manager = of_manager


def run(argv: "list[str]", timeout: float, limit: int) -> dict:
    """Run a command of READS: the answer is that of `Command`; any other is denied."""
    return start(argv, timeout).answer(limit) if reads(argv) else _answer("denied", DENIED)


def start(argv: "list[str]", timeout: float) -> "Command | Asked":
    """Start a command of READS; one about units is asked of their manager, where that listens."""
    shown = shows(argv)
    if shown is None:
        return Command(argv, timeout)
    from .manager import ask

    units = ask(shown, timeout)
    return Command(argv, timeout) if units is None else Asked(argv, units)


class Asked:
    """What a command would print, asked for elsewhere; where nothing sensible is said, the command runs."""

    def __init__(self, argv: "list[str]", units: "Units") -> None:
        self.argv = argv
        self.units = units

    def answer(self, limit: int) -> dict:
        """As `Command.answer`."""
        from .dbus import Fault

        end = time.monotonic() + self.units.timeout
        try:
            return self.units.answer(limit)
        except Fault:
            return Command(self.argv, max(0.0, end - time.monotonic())).answer(limit)

    def end(self) -> None:
        """Ask no more."""
        self.units.end()


def _answer(status: str, detail: str = "") -> dict:
    return {"status": status, "code": None, "stdout": b"", "stderr": b"", "detail": detail}


class Command:
    """One that has been started. No shell, no input, the C locale.

    It has a process group of its own, which does not outlive the answer: whoever starts one asks for that, or
    ends it.
    """

    def __init__(self, argv: "list[str]", timeout: float) -> None:
        import subprocess

        self.timeout = timeout  # from when its answer is waited for: it may have ended long before
        self.child = None  # type: subprocess.Popen[bytes] | None
        self.refused = _answer("ok")
        environment = dict(os.environ, LC_ALL="C", PATH=":".join(search_path()))
        pipe = subprocess.PIPE
        try:
            with _starting:
                self.child = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=pipe,
                    stderr=pipe,
                    env=environment,
                    start_new_session=True,
                )
                _running.add(self.child.pid)
        except OSError as error:
            kinds = {FileNotFoundError: "missing", NotADirectoryError: "missing", PermissionError: "denied"}
            self.refused = _answer(kinds.get(type(error), "error"), os.strerror(error.errno or 0))

    def answer(self, limit: int) -> dict:
        """{"status", "code", "stdout", "stderr", "detail"}; *limit*: bytes of both outputs together.

        "code" is negative for a signal and None where there was none.
        """
        if self.child is None:
            return self.refused
        answer = _answer("ok")
        try:
            answer.update(_collect(self.child, time.monotonic() + self.timeout, limit))
        finally:
            self.end()
        if answer["status"] == "ok":
            answer["code"] = self.child.returncode
        return answer

    def end(self) -> None:
        """Kill what is left of it, and reap it; once is enough."""
        if self.child is not None and self.child.pid in _running:
            _end(self.child.pid)
            _running.discard(self.child.pid)
            with self.child:
                pass


def _collect(child: "subprocess.Popen[bytes]", deadline: float, limit: int) -> dict:
    """Read both outputs until the command has ended, the time is over or the limit is reached."""
    import select

    poll = select.poll()
    pieces = {stream.fileno(): [] for stream in (child.stdout, child.stderr) if stream}  # type: dict
    out, err = pieces.values()
    status, left, gone, pause = "ok", limit, False, 0.0001
    for fd in pieces:
        poll.register(fd, select.POLLIN)
    opened = len(pieces)
    while status == "ok":
        ready = poll.poll(0 if gone else TICK * 1000) if opened else []
        for fd, _ in ready:
            piece = os.read(fd, 65536)
            pieces[fd].append(piece)
            left -= len(piece)
            if not piece:
                poll.unregister(fd)
                opened -= 1
        if left < 0:
            status = "oversized"
        elif gone and not ready:
            break
        elif not gone and time.monotonic() > deadline:
            status = "timeout"
        elif not gone and not ready:
            if not opened:  # it has nothing more to say, and is about to end
                time.sleep(pause)
                pause = min(2 * pause, TICK)
            gone = ended(child.pid)
    return {"status": status, "stdout": b"".join(out)[:limit], "stderr": b"".join(err)[:limit]}


def ended(pid: int) -> bool:
    """Whether the command has ended. It is not reaped yet: its number, and its group's, stay its own."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_all() -> None:
    """Kill what is still running and let nothing more start: the probe itself ends at once."""
    _starting.acquire(timeout=1)  # a second: exec may hang on a dead file system
    for pid in list(_running):
        _end(pid)


def _end(pid: int) -> None:
    """Kill the command's process group; our own child, not reaped yet, so no other can be meant."""
    import signal

    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass

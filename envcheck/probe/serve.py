"""The probe behind a pipe: a line with a length, a JSON document {"nonce", "requests"} of that length, and
one frame on the output; again until the input ends.

When the input closes while work is going on, nobody waits for the answer: the process ends at once. Killing
an ssh client closes it; without this the remote process would live on.
"""

import os
import time

if False:  # for the type checker alone: importing typing costs more than this module
    from typing import BinaryIO, Callable

MOST = 67108864  # bytes of one request


class Watch:
    """Ends the process when *fd* is hung up while `busy`; *leave* is called before."""

    def __init__(self, fd: int, leave: "Callable[[], None]") -> None:
        import _thread

        self.fd = fd
        self.leave = leave
        self.busy = False
        _thread.start_new_thread(self.watch, ())

    def watch(self) -> None:
        import select

        poll = select.poll()
        poll.register(self.fd, getattr(select, "POLLRDHUP", 0x2000))  # hang-up and error are always told
        while True:
            hung_up = poll.poll()
            if hung_up and self.busy:
                self.leave()
                os._exit(0)
            time.sleep(0.02)  # idle: the reader sees the end itself, or has one more request at hand


def main(stdin: "BinaryIO", stdout: "BinaryIO") -> int:
    """Serve until *stdin* ends; both are binary streams on descriptors. Exit status 2: a bad request."""
    from . import answer

    return serve(stdin, stdout, answer, _leave)


def _leave() -> None:
    from .commands import end_all  # only here: most that are asked run nothing

    end_all()


def serve(
    stdin: "BinaryIO", stdout: "BinaryIO", answer: "Callable[[list], list]", leave: "Callable[[], None]"
) -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the secrets that were read
    watch = Watch(stdin.fileno(), leave)
    while True:
        line = stdin.readline(32)
        if not line:
            return 0
        if not line.strip().isdigit() or int(line) > MOST:
            return 2
        document = stdin.read(int(line))
        if len(document) < int(line):
            return 0
        watch.busy = True
        try:
            frame = reply(document, answer)
        except (ValueError, KeyError, TypeError):
            return 2
        try:
            _write(stdout.fileno(), frame)
        except BrokenPipeError:
            return 0
        watch.busy = False


def reply(document: bytes, answer: "Callable[[list], list]") -> bytes:
    """The frame that answers one request document; ValueError, KeyError, TypeError if it is none."""
    from .frame import FrameError, encode
    from .quick import loads

    request = loads(document.decode("utf-8"))
    nonce, requests = request["nonce"], request["requests"]
    try:
        return encode(answer(requests), nonce)
    except FrameError as error:
        return encode([{"status": "error", "detail": "the answer is " + error.kind} for _ in requests], nonce)


def _write(fd: int, data: bytes) -> None:
    """All of it, past any buffer: nothing is left to be flushed when the process ends."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]

"""The probe that acts: it answers like the other one, and hands each request that has a "do" to `act`.

It travels only where a plan is to be carried out. One process holds locks and processes from the first
request to the last one; they go with it, and it goes with its input, or where nothing is heard for long: a
client whose network is gone closes nothing.
"""

IDLE = 120  # seconds between two requests

if False:  # for the type checker alone
    from typing import BinaryIO


def main(stdin: "BinaryIO", stdout: "BinaryIO") -> int:
    """Like `serve.main`."""
    from .serve import serve

    return serve(stdin, stdout, answer, leave)


def answer(requests: list) -> list:
    import signal

    signal.alarm(0)
    try:
        return [_one(request) for request in requests]
    finally:
        signal.alarm(IDLE)  # nobody handles it: it ends this process


def _one(request: dict) -> dict:
    from . import answer as read
    from .act import act

    return act(request) if "do" in request else dict(read([request])[0])


def leave() -> None:
    """Whoever asked has gone: what is being run for them is ended, as far as it has let nothing go."""
    from . import act
    from .commands import end_all

    end_all()
    act.leave()

"""The probe: raw facts about one machine. It judges nothing and changes nothing.

It runs in-process for this machine and is sent as source to another one, there under `python3 -I -S`. Hence:
standard library only, Python >= 3.6, relative imports, and nothing imported before it is needed.

A request is a dict with "op" and the arguments of that op; an answer is a dict of plain values and bytes.
"""

if False:  # for the type checker alone
    from typing import Callable

    from .inside import Inside


def answer(requests: list) -> list:
    """Execute each request in order; one answer each. Nothing the machine does makes this raise.

    Of a command, "left" are the seconds that all of them may take together, besides the "timeout" of each.
    """
    from time import monotonic

    began = monotonic()
    return [_one(request, monotonic() - began) for request in requests]


def _one(request: dict, taken: float) -> dict:
    try:
        if "left" in request:
            request = dict(request, timeout=max(0.0, min(request["timeout"], request["left"] - taken)))
        member = OPS.get(request.get("op", ""))
        if member is None:
            return {"status": "error", "detail": "unknown op"}
        return member(request)
    except Exception as error:  # a fault of one request must not cost the others their answers
        return {"status": "error", "detail": ("%s: %s" % (type(error).__name__, error))[:1000]}


def _host(_request: dict) -> dict:
    from .host import host

    return host()


def _scan(request: dict) -> dict:
    from .census import scan

    live = bool(request.get("live", True))
    return scan(request["interpreters"], request["words"], live, request)


def _process(request: dict) -> dict:
    from .census import explicit

    return explicit(request["pids"], live=bool(request.get("live", True)))


def _seen(request: dict, look: "Callable[[Inside | None], dict]") -> dict:
    """Look at files as "root" sees them: the pid of a process, and the tick at which it began."""
    if not request.get("root"):
        return look(None)
    from .inside import Gone, Inside

    pid, start = request["root"]
    try:
        with Inside(int(pid), int(start)) as inside:
            return look(inside)
    except PermissionError:
        return {"status": "denied", "detail": "not allowed to look into the root of process %d" % pid}
    except Gone as gone:
        return {"status": "error", "detail": str(gone)}


def _file(request: dict) -> dict:
    from .files import file

    limit = request.get("limit", 1048576)
    return _seen(request, lambda seen: file(request["path"], limit, seen, request.get("columns", 0)))


def _folder(request: dict) -> dict:
    from .files import folder

    limit, most = request.get("limit", 1048576), request.get("most", 10000)
    return _seen(request, lambda seen: folder(request["path"], limit, most, seen))


def _glob(request: dict) -> dict:
    from .files import matches

    return _seen(request, lambda seen: matches(request["patterns"], bool(request.get("real")), seen))


def _access(request: dict) -> dict:
    from .files import access

    return access(request["paths"])


def _run(request: dict) -> dict:
    from .commands import run

    return run(request["argv"], request["timeout"], request.get("limit", 4194304))


def _which(request: dict) -> dict:
    from .programs import which

    return which(request["names"])


OPS = {
    "host": _host,
    "scan": _scan,
    "process": _process,
    "file": _file,
    "folder": _folder,
    "glob": _glob,
    "access": _access,
    "run": _run,
    "which": _which,
}

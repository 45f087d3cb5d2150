"""What another host may answer, exactly: one row for each operation of the probe.

The other end is not trusted, and what it answers is used as if this machine had been asked: so it is looked
at here, once, before anybody else sees it. What is not as the probe makes it (envcheck/probe: facts, census,
files, commands, host, act) is no answer at all, and that host is `damaged`. Whatever any user of that host
can bring about there - names, titles, times - must pass: one of them could hide all the others else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from envcheck.errors import HostError
from envcheck.hosts import Answer, Request
from envcheck.hosts.wire import (
    UNSIGNED,
    Test,
    Wrong,
    agreeing,
    anything,
    data,
    fields,
    lines,
    maybe,
    named,
    number,
    several,
    strings,
    text,
    truth,
    whole,
    word,
    written,
)
from envcheck.moments import LAST

PHASE = "waiting for the answer"
TOO_MUCH = {"status": "error", "detail": "the answer is oversized"}  # of envcheck/probe/serve.py

BESIDE = 1048576  # bytes of a file that is read with the processes
PID = 10**10  # the kernel gives no larger one than 2**22, but the user may ask for any
ID = whole(0, 2**32 - 1)
MOMENT = whole(-UNSIGNED, UNSIGNED)  # microseconds; of a file: anybody can set it
DETAIL = text()
PATH = text(r"[^\0]+")
LINK = maybe(data(65536, nul=False))
ENTRY = text(r"[^/\0]+")

STAT = written(rb"[0-9]{1,10} \([^\0]*\) [A-Za-z] [0-9]{1,10}(?: -?[0-9]{1,20}){47,80}\n?", 4096)
IDS = rb"(?:\t[0-9]{1,10}){4}"
SIGNALS = rb"\t[0-9a-f]{1,32}"
STATUS = lines(
    {
        b"Tgid": rb"\t[0-9]{1,10}",
        b"NSpid": rb"(?:\t[0-9]{1,10})+",
        b"Uid": IDS,
        b"Gid": IDS,
        b"Groups": rb"(?:[ \t]+[0-9]{1,10})*[ \t]*",
        b"Umask": rb"\t[0-7]{1,8}",
        b"SigIgn": SIGNALS,
        b"SigCgt": SIGNALS,
    },
    1048576,
)

AT_EXEC = (
    *("ok", "empty", "truncated", "oversized", "zombie", "kthread"),
    *("exited", "replaced", "denied", "hidden", "error"),
)
LIVE = ("ok", "denied", "exited", "not_started", "unstable", "unsupported", "no_symbol", "skipped", "error")
PROCESS = fields(
    pid=whole(1, PID),
    status=word("ok", "exited", "denied", "hidden", "zombie", "kthread", "thread", "replaced", "error"),
    stat=STAT,
    proc_status=STATUS,
    cmdline=data(),
    exe=LINK,
    cwd=LINK,
    root=LINK,
    mount=LINK,
    cgroup=data(1048576),
    stdout=LINK,
    stderr=LINK,
    sockets=several(whole(0, UNSIGNED)),
    image=text("(?:[0-9a-f]{16})?"),
    environ=fields(
        status=word(*AT_EXEC, "hidden", "error"),
        data=data(),
        expected=whole(-UNSIGNED, UNSIGNED),
        detail=DETAIL,
    ),
    live=fields(status=word(*LIVE), entries=strings, detail=DETAIL, how=text("[a-z_]{0,16}")),
)
PROCESSES = several(
    agreeing(PROCESS, lambda p: not p["stat"] or int(p["stat"].split()[0]) == p["pid"], "another process")
)

ABOUT = {
    "mtime": maybe(MOMENT),
    "ctime": maybe(MOMENT),
    "mode": maybe(ID),
    "uid": maybe(ID),
    "acl": maybe(data(65536)),
}


def _told(found: Answer) -> bool:
    return all(value is not None for name, value in found.items() if name != "acl")


FILE = agreeing(
    fields(
        status=word("ok", "missing", "denied", "not-a-file", "folder", "oversized", "error"),
        content=data(),
        detail=DETAIL,
        gid=maybe(ID),
        size=maybe(whole(0, UNSIGNED)),
        **ABOUT,
    ),
    lambda f: _told(f) if f["status"] == "ok" else not f["content"],
    "a status that does not go with the rest",
)
FOLDER = agreeing(
    fields(
        status=word("ok", "missing", "denied", "not-a-file", "not-a-folder", "oversized", "error"),
        entries=named(FILE, ENTRY),
        detail=DETAIL,
        **ABOUT,
    ),
    lambda f: _told(f) if f["status"] == "ok" else not f["entries"],
    "a status that does not go with the rest",
)


def _or_refused(given: Test, *words: str) -> Test:
    """Any operation can be refused as a whole."""
    refused = fields(status=word("error", *words), detail=DETAIL)

    def test(value: Any) -> None:
        is_refused = isinstance(value, dict) and set(cast("Answer", value)) == {"status", "detail"}
        (refused if is_refused else given)(value)

    return test


def _ran(**more: Test) -> Test:
    return agreeing(
        fields(
            status=word("ok", "missing", "denied", "timeout", "oversized", "error"),
            code=maybe(whole(-64, 255)),
            stdout=data(),
            stderr=data(),
            detail=DETAIL,
            **more,
        ),
        lambda ran: (ran["code"] is not None) == (ran["status"] == "ok"),
        "a status that does not go with the rest",
    )


def _is_of(asked: Request, ran: Answer) -> bool:
    """Tell whether it is one of the commands that were to be run ahead, with words of the host."""
    return any(ran["argv"][: len(one["argv"])] == one["argv"] for one in asked.get("ahead", ()))


def _is_beside(asked: Request, path: str, file: Answer) -> bool:
    """Tell whether it is one of the files that were to be read with the processes."""
    return path.rpartition("/")[2] in asked.get("beside", ()) and len(file["content"]) <= BESIDE


TABLE: dict[str, Test] = {
    "host": fields(
        hostname=text(),
        now=number(0, LAST),
        boot=number(-LAST, LAST),
        hz=whole(1, 1000000),
        uid=ID,
        boot_id=text("[0-9A-Za-z-]{0,64}"),
        capabilities=text("[0-9a-f]{0,32}"),
        yama=maybe(whole(0, 9)),
        hidepid=text("[0-9a-z]{0,32}"),
        mount=maybe(text(most=256)),
        python=text(r"(?:[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})?"),
    ),
    "scan": _or_refused(
        fields(
            status=word("ok"),
            beside=named(FILE, PATH),
            processes=PROCESSES,
            ancestors=PROCESSES,
            seen=whole(0, PID),
            vanished=whole(0, PID),
            ahead=several(_ran(argv=several(text()))),
        )
    ),
    "process": _or_refused(fields(status=word("ok"), processes=PROCESSES, ancestors=PROCESSES)),
    "file": _or_refused(FILE, "denied"),
    "folder": _or_refused(FOLDER, "denied"),
    "glob": _or_refused(
        fields(status=word("ok"), paths=named(several(PATH), anything)),
        "denied",
    ),
    "access": _or_refused(fields(status=word("ok"), writable=named(truth, anything))),
    "run": _or_refused(_ran()),
    "which": _or_refused(fields(status=word("ok"), paths=named(maybe(PATH), anything))),
}
# What acts has requests of its own, which name no operation.
ACTING = fields(
    {
        "code": maybe(whole(-64, 255)),
        "output": data(65536),
        "seconds": number(0, 2**32),
    },
    status=text("[a-z]{1,16}"),
    detail=DETAIL,
)

# Operation -> whether it is an answer to that very request.
ASKED: dict[str, Callable[[Request, Answer], bool]] = {
    "scan": lambda asked, given: (
        all(_is_of(asked, ran) for ran in given["ahead"])
        and all(_is_beside(asked, *one) for one in given["beside"].items())
    ),
    "file": lambda asked, given: len(given["content"]) <= asked.get("limit", 1048576),
    "process": lambda asked, given: [p["pid"] for p in given["processes"]] == [int(p) for p in asked["pids"]],
    "glob": lambda asked, given: given["paths"].keys() == set(asked["patterns"]),
    "access": lambda asked, given: given["writable"].keys() == set(asked["paths"]),
    "which": lambda asked, given: given["paths"].keys() == set(asked["names"]),
}


def checked(given: Sequence[object], requests: Sequence[Request]) -> list[Answer]:
    """Give the answers, if each is one to its request.

    Raises:
        HostError: One is not. What is wrong is said, and no value of it.
    """
    if len(given) != len(requests):
        raise HostError("damaged", PHASE, "it does not answer what it was asked")
    if given and all(answer == TOO_MUCH for answer in given):
        raise HostError("oversized", PHASE, "what it was asked for is more than can be sent")
    for answer, request in zip(given, requests, strict=True):
        try:
            _check(answer, request)
        except Wrong as wrong:
            told = f"its answer about '{request.get('op', 'act')}' is not what it should be: {wrong}"
            raise HostError("damaged", PHASE, told) from None
    return cast("list[Answer]", list(given))


def _check(answer: object, request: Request) -> None:
    operation = request.get("op")
    (ACTING if operation is None else TABLE[operation])(answer)
    seen = cast("Answer", answer)
    if operation in ASKED and seen["status"] == "ok" and not ASKED[operation](request, seen):
        raise Wrong("the answer to another question")

"""What a shell is told to do for each request of the probe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from envcheck.hosts import Request
from envcheck.hosts.shell_script import grep, quoted_pattern
from envcheck.probe.commands import reads

NO_END = 86400  # seconds that commands may take where nobody says how many


def questions(requests: Sequence[Request]) -> Iterator[str]:
    """What needs no other answer."""
    yield "i=0"
    left = min((r.get("left", NO_END) for r in requests if r["op"] == "run"), default=NO_END)
    yield f"clock; B=$((u+{round(left)}))"
    if any(r["op"] in ("scan", "process") for r in requests):
        yield "table"
    for number, request in enumerate(requests):
        yield from LINES.get(request["op"], _nothing)(str(number), request)


def _nothing(_key: str, _request: Request) -> Iterator[str]:
    yield from ()


def _host_line(key: str, _request: Request) -> Iterator[str]:
    yield f"host {key}"


def _scan_line(_key: str, request: Request) -> Iterator[str]:
    yield grep(request["words"])


def _path_line(key: str, request: Request) -> Iterator[str]:
    if "\0" not in request["path"] and not request.get("root"):
        limit = int(request.get("limit", 1048576)) + 1
        yield f"{request['op']} {key} {shlex.quote(request['path'])} {limit}"


def _glob_line(key: str, request: Request) -> Iterator[str]:
    word = "real" if request.get("real") else "globbed"
    for number, pattern in enumerate(request["patterns"] if not request.get("root") else ()):
        if "\0" not in pattern:
            yield f"{word} {shlex.quote(f'{key} {number}')} {quoted_pattern(pattern)}"


def _run_line(key: str, request: Request) -> Iterator[str]:
    words = " ".join(shlex.quote(word) for word in request["argv"])
    if "\0" not in words and reads(list(request["argv"])):
        yield f"run {key} {max(1, round(request['timeout']))} {int(request.get('limit', 4194304))} {words}"


def _access_lines(key: str, request: Request) -> Iterator[str]:
    for number, path in enumerate(request["paths"]):
        if "\0" not in path:
            yield f"access {shlex.quote(f'{key} {number}')} {shlex.quote(path)}"


def _which_lines(key: str, request: Request) -> Iterator[str]:
    for number, name in enumerate(request["names"]):
        yield f"which {shlex.quote(f'{key} {number}')} {shlex.quote(name)}"


LINES = {
    "host": _host_line,
    "scan": _scan_line,
    "file": _path_line,
    "folder": _path_line,
    "glob": _glob_line,
    "access": _access_lines,
    "run": _run_line,
    "which": _which_lines,
}

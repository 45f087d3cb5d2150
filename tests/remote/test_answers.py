"""Answers that a host may give, or not: real ones, spoilt at any place: a report, or a state of the host."""

from __future__ import annotations

import copy
import json
import math
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from live.servers import Gunicorn

from envcheck import collect, probe, spec, turnover
from envcheck.errors import HostError
from envcheck.hosts import Answer, Host, Request, answers, bootstrap, shell_answers, shell_questions
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.local import Local
from envcheck.hosts.remote import Remote, Timing
from envcheck.hosts.shell_script import LIBRARY
from envcheck.hosts.stream import Ended, Stream
from envcheck.judge import judge
from envcheck.model import Spec
from envcheck.probe import frame
from envcheck.record.codec import is_list, is_object
from envcheck.report import FORMATS, format_named
from envcheck.secrecy import Policy

CANARY = "Zeisig-und-Amsel"
STATES = {"", "damaged", "oversized", "truncated"}
Place = tuple[Any, ...]  # a request, and the keys and numbers that lead to a part of its answer
DEEP: Any = json.loads("[" * 20 + f'"{CANARY}"' + "]" * 20)
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        -(2**64),
        10**400,
        0.5,
        math.nan,
        math.inf,
        -math.inf,
        1e308,
    ),
    *(
        "",
        "x",
        "ok",
        "/",
        CANARY,
        "\udcff",
        "\ud800",
        "\0",
        "\0h1.2\0",
        "\x1b[31m\u202e",
        "²",
        "a" * 70000,
        "1" * 5000,
    ),
    *(b"", b"x", b"\0", b"\0\0A=1", b"\xff" * 9, b"1" * 5000, b") R 1 1", CANARY.encode()),
    *(
        [],
        {},
        [None],
        [b"A=1"],
        [[]],
        {"status": "ok"},
        {"b": 0},
        {"status": "error", "detail": CANARY},
        DEEP,
    ),
)


class Recorder:
    """This machine; what it answers is kept. Of all servers on it only those of a folder are told."""

    name = "box"

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder).encode()
        self.given: dict[str, Answer] = {}

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        found = [dict(answer) for answer in Local().ask(requests)]
        for request, answer in zip(requests, found, strict=True):
            if request["op"] == "scan":
                answer["processes"] = [p for p in answer["processes"] if p["cwd"] == self.folder]
            self.given[key(request)] = answer
        return list(found)

    def rest(self) -> None:
        pass

    close = rest

    def acting(self) -> Any:
        raise NotImplementedError


def key(request: Request) -> str:
    """Name a request; how much time is left for it is no part of that."""
    return json.dumps({name: value for name, value in request.items() if name != "left"}, sort_keys=True)


class Replay:
    """A host that answers what was recorded, but for what *spoil* makes of it; the rest is really asked."""

    name, sudo, hint = "box", False, ""
    near = False

    def __init__(self, recorder: Recorder, spoilt: Mapping[str, Answer]) -> None:
        self.recorder, self.spoilt = recorder, spoilt
        self.answer = b""
        self.deadline = Deadline(60, 60)

    def start(self, program: Sequence[str], deadline: Deadline) -> Stream:
        del program, deadline
        return self

    def send(self, data: bytes) -> None:
        asked = json.loads(data[data.rindex(b'{"nonce": ') :])
        found: list[Any] = []
        for request in asked["requests"]:
            known = {**self.recorder.given, **self.spoilt}
            found.append(known[key(request)] if key(request) in known else Local().ask([request])[0])
        self.answer = frame.encode(found, asked["nonce"])  # pyright: ignore[reportUnknownMemberType]

    def receive(self) -> bytes:
        data, self.answer = self.answer, b""
        return data

    def ended(self) -> Ended:
        return Ended(0, b"")

    def extend(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


class Shop:
    def __init__(self, recorder: Recorder, expected: Spec, pid: int) -> None:
        self.recorder, self.spec, self.pid = recorder, expected, pid
        self.places = [place for name, answer in recorder.given.items() for place in places(answer, (name,))]

    def report(self, spoilt: Mapping[str, Answer]) -> str:
        """Judge as `check` does, and write every report."""
        return self.judged(Remote(Replay(self.recorder, spoilt), Timing(), lambda _text: None))

    def judged(self, host: Host) -> str:
        seen = collect.collect(host, self.spec, pids=[self.pid])
        found = judge(seen, self.spec, [], Policy(bytes(32)))
        return "".join(format_named(name).render(found) for name in FORMATS)

    def spoil(self, *spoils: tuple[Place, str, Any]) -> dict[str, Answer]:
        """Give the answers that are not as they were recorded."""
        spoilt: dict[str, Any] = {}
        for (request, *way), how, odd in spoils:
            holder: Any = {"": copied(spoilt.get(request, self.recorder.given[request]), way)}
            spoilt |= {request: holder[""]}
            top, last = holder, ""
            with suppress(LookupError, TypeError, AttributeError):  # the same, or it is none for that
                for step in way:
                    holder, last = holder[last], step
                SPOILS[how](holder, last, odd)
            spoilt |= {request: top[""]} if top else {}
        return spoilt


def copied(value: Any, way: Sequence[Any]) -> Any:
    """Copy what leads to a place, and what is there."""
    if not (is_object(value) or is_list(value)):
        return value
    made: Any = copy.copy(value)
    if way:
        with suppress(LookupError, TypeError):  # an earlier spoil has changed the way there
            made[way[0]] = copied(made[way[0]], way[1:])
    return made


def _replace(holder: Any, last: Any, odd: Any) -> None:
    holder[last] = odd


def _delete(holder: Any, last: Any, odd: Any) -> None:
    del odd
    holder.pop(last)


def _add(holder: Any, last: Any, odd: Any) -> None:
    value = holder[last]
    if is_object(value):
        value[CANARY] = odd
    elif is_list(value):
        value.append(odd)
    else:
        holder[last] = value + value


def _scratch(holder: Any, last: Any, odd: Any) -> None:
    """Write something else into the middle of some bytes."""
    value = holder[last]
    place = len(value) * 2 // 3
    holder[last] = value[:place] + (odd if isinstance(odd, bytes) else b"-1 ") + value[place + 3 :]


SPOILS = {"replace": _replace, "delete": _delete, "add": _add, "scratch": _scratch}


def places(value: Any, way: Place) -> Iterator[Place]:
    yield way
    parts: Iterable[tuple[Any, Any]] = ()
    if is_object(value):
        parts = value.items()
    elif is_list(value):
        parts = enumerate(value)
    for step, part in parts:
        yield from places(part, (*way, step))


@pytest.fixture(scope="module")
def shop(street: Path) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch, Gunicorn(street / "shop").put(SHOP="old", GONE="1") as server:
        patch.setattr(turnover, "PAUSE", 0.0)  # between looks at workers that seem to end at once
        server.rules = {"SHOP": {"type": "string"}, "ABSENT": {"type": "int"}}
        server.put(SHOP="new", GONE=None)
        path = server.spec()
        expected = spec.load(Path(path).read_bytes(), path)
        recorder = Recorder(server.folder)
        collect.collect(recorder, expected, pids=[server.master])
        yield Shop(recorder, expected, server.master)


def test_what_the_probe_answers_is_let_through(shop: Shop) -> None:
    report = shop.report({})
    assert "SHOP  stale" in report
    assert CANARY not in report


def part(shop: Shop, place: Place) -> Any:
    value: Any = shop.recorder.given[place[0]]
    for step in place[1:]:
        value = value[step]
    return value


def refusal(shop: Shop, place: Place, how: str, odd: Any) -> str:
    """Say how the door ends what is spoilt in one place; "": it lets it pass."""
    [(request, answer)] = shop.spoil((place, how, odd)).items()
    try:
        answers.checked([answer], [json.loads(request)])
    except HostError as error:
        return f"{error.status}: {error} {error.hint}"
    return ""


def is_refused(shop: Shop, place: Place, how: str, odd: Any) -> bool:
    told = refusal(shop, place, how, odd)
    return told.startswith("damaged: ") and CANARY not in told


def test_another_kind_of_value_is_refused_wherever_it_stands(shop: Shop) -> None:
    kinds: dict[type, Any] = {bool: True, str: CANARY, bytes: CANARY.encode(), list: DEEP, dict: {"x": DEEP}}
    for place in shop.places:
        value = part(shop, place)
        for kind, odd in kinds.items():
            if value is not None and type(value) is not kind:
                assert is_refused(shop, place, "replace", odd), (place, kind)
        for odd in (math.nan, math.inf, 10**400) if isinstance(value, int | float) else ():
            assert is_refused(shop, place, "replace", odd), (place, odd)


def test_what_is_absent_or_was_not_asked_for_is_refused(shop: Shop) -> None:
    for place in shop.places:
        *way, last = place
        if way and isinstance(last, str) and way[-1] not in ("entries", "beside"):
            assert is_refused(shop, place, "delete", None), place
        if isinstance(part(shop, place), dict):
            assert is_refused(shop, place, "add", CANARY), place


def ends_well(shop: Shop, host: Host) -> None:
    """Nothing is raised but what says the state of the host."""
    try:
        told = shop.judged(host)
    except HostError as error:
        status, told = error.status, f"{error} {error.hint}"
    else:
        status = ""
    assert status in STATES
    assert not status or CANARY not in told
    assert not {"\x1b", "\u202e"} & set(told)


def test_ancestors_in_a_circle(shop: Shop) -> None:
    """Nobody looks for the end of it."""
    [scan] = [name for name in shop.recorder.given if '"scan"' in name]
    known = shop.recorder.given[scan]["ancestors"]
    spoils = [
        (
            (scan, "ancestors", number, "stat"),
            "replace",
            re.sub(rb"(\) .) \d+ ", rb"\1 %d " % one["pid"], one["stat"]),
        )
        for number, one in enumerate(known)
    ]
    told = shop.report(shop.spoil(*spoils))
    assert "SHOP  stale" in told


NUMBER = st.integers(0, 10**6)
ANYWHERE = st.tuples(NUMBER, st.sampled_from(sorted(SPOILS)), st.sampled_from(ODD))
INSIDE = st.tuples(NUMBER, st.just("scratch"), st.sampled_from([odd for odd in ODD if type(odd) is bytes]))


@settings(max_examples=300)
@given(anywhere=st.lists(ANYWHERE, max_size=2), inside=st.lists(INSIDE, max_size=2))
def test_whatever_is_spoilt(
    shop: Shop, anywhere: list[tuple[int, str, Any]], inside: list[tuple[int, str, Any]]
) -> None:
    of_bytes = [place for place in shop.places if isinstance(part(shop, place), bytes)]
    spoils = [(shop.places[n % len(shop.places)], how, odd) for n, how, odd in anywhere]
    spoils += [(of_bytes[n % len(of_bytes)], how, odd) for n, how, odd in inside]
    ends_well(shop, Remote(Replay(shop.recorder, shop.spoil(*spoils)), Timing(), lambda _text: None))


class Bare:
    """A host without python3: a real sh answers, and *spoil* changes what it has said."""

    name, sudo, hint = "box", False, ""
    near = False
    said: ClassVar[dict[bytes, bytes]] = {}  # a script -> the answer, both without the nonce

    def __init__(self, spoil: Callable[[bytes], bytes]) -> None:
        self.spoil = spoil
        self.answer = b""
        self.deadline = Deadline(60, 60)
        self.program: Sequence[str] = ()

    def start(self, program: Sequence[str], deadline: Deadline) -> Stream:
        del deadline
        self.program = program
        return self

    def send(self, data: bytes) -> None:
        if self.program != bootstrap.SHELL:
            return
        [nonce] = re.findall(rb"^N=([0-9a-f]{32})$", data, re.MULTILINE)
        script = data.replace(nonce, b"NONCE").removeprefix(LIBRARY.encode())
        told = [
            self.sh(piece)
            for piece in (script.splitlines(keepends=True) if b"\nfacts" in script else [script])
        ]
        parts = b"".join(told).split(b"\nNONCE ")
        self.answer = b"\nNONCE ".join([*map(self.spoil, parts[:-1]), parts[-1]]).replace(b"NONCE", nonce)

    def sh(self, script: bytes) -> bytes:
        if script not in self.said:
            whole = LIBRARY.encode() + b"N=NONCE\n" + script
            self.said[script] = subprocess.run(["sh"], input=whole, check=False, capture_output=True).stdout
        return self.said[script]

    receive, extend, close = Replay.receive, Replay.extend, Replay.close

    def ended(self) -> Ended:
        return Ended(127, b"sh: 1: python3: not found\n")


LINES = st.tuples(
    st.sampled_from(["host", "now", "uptime", "hz", "uid", "yama", "stat", "environ", "auxv", "sockets"])
    | st.sampled_from(["content", "status", "cmdline", "table", "candidates", "code", "out", "entry", ""]),
    st.sampled_from(
        [odd for odd in ODD if type(odd) is bytes] + [b"-1", b"nan", b"inf", b"9" * 18, b"1 (a) R 1"]
    ),
    st.booleans(),
)


@settings(max_examples=60)
@example(drawn=[("", b"-1", True)])
@given(drawn=st.lists(LINES, max_size=3))
def test_whatever_a_shell_says(shop: Shop, drawn: list[tuple[str, bytes, bool]]) -> None:
    def spoil(told: bytes) -> bytes:
        key, newline, value = told.partition(b"\n")
        for word, odd, begins in drawn:
            if word.encode() in key:
                value = odd + value[len(odd) :] if begins else value[: len(value) // 2] + odd
        return key + newline + value

    ends_well(shop, Remote(Bare(spoil), Timing(), lambda _text: None))


def test_every_operation_is_known_to_the_door_and_to_the_shell() -> None:
    known = set(cast("dict[str, Any]", probe.OPS))  # pyright: ignore[reportUnknownMemberType]
    assert set(answers.TABLE) == known
    assert {*shell_answers.ANSWERS, "scan", "process"} == known  # those two are made of facts
    assert {*shell_questions.LINES, "process"} == known


def test_who_may_write_is_told_alike(shop: Shop, tmp_path: Path) -> None:
    paths = [str(tmp_path), str(tmp_path / "none"), "/proc/1/stat", "it's"]
    request = {"op": "access", "paths": paths}
    [here] = Local().ask([request])
    for there in (Replay(shop.recorder, {}), Bare(lambda told: told)):
        assert Remote(there, Timing(), lambda _text: None).ask([request]) == [here]
    assert here["writable"][str(tmp_path)] is True

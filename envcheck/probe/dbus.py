"""A client of D-Bus, as far as reading properties takes one: all calls at once, the replies later.

dbus.freedesktop.org, "D-Bus Specification": "Marshaling (Wire Format)", "Message Protocol", "Auth Protocol".
There is none in the standard library, and a target has nothing else.
"""

import os
import time

if False:  # for the type checker alone
    from typing import Any, Iterator

    Call = tuple[str, str, str, tuple[str, ...], str]

FIXED = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d"}
ALIGNED = {
    "n": 2,
    "q": 2,
    "b": 4,
    "i": 4,
    "u": 4,
    "s": 4,
    "o": 4,
    "a": 4,
    "x": 8,
    "t": 8,
    "d": 8,
    "(": 8,
    "{": 8,
}
LENGTHS = {"s": ("I", 4), "o": ("I", 4), "g": ("B", 1)}
WINDOW = 100  # calls that have no reply yet: a bus refuses more than 128
CALL, REPLY, ERROR = 1, 2, 3  # kinds of messages
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SIGNATURE = 1, 2, 3, 4, 5, 6, 8  # fields


class Fault(Exception):
    """What was said is no D-Bus, or no answer to what was asked."""


class Refusal:
    """The reply to a call that failed. *name*: of the error."""

    def __init__(self, name: str) -> None:
        self.name = name


class Connection:
    """Raises OSError (a timeout is one) and Fault."""

    def __init__(self, path: str, timeout: float) -> None:
        import _socket

        self.data = b""
        self.asked = 0
        self.left = iter(())  # type: Iterator[bytes]
        self.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def close(self) -> None:
        self.socket.close()

    def send(self, calls: "list[Call]") -> None:
        """(path, interface, member, arguments, destination or ""); arguments are strings."""
        user = b"%d" % os.geteuid()
        self.asked = len(calls)
        self.left = messages(calls)
        first = b"".join(message for _, message in zip(range(WINDOW), self.left))  # noqa: B905
        self.socket.sendall(b"\0AUTH EXTERNAL %b\r\nBEGIN\r\n%b" % (user.hex().encode("ascii"), first))

    def replies(self, timeout: float, limit: int) -> "list[Any]":
        """Of each call what its reply holds first, or a Refusal. *limit*: of bytes, of all together."""
        deadline = time.monotonic() + timeout
        while b"\r\n" not in self.data:
            self._more(deadline, limit)
        line, _, self.data = self.data.partition(b"\r\n")
        if not line.startswith(b"OK"):
            raise Fault("not let in")
        found = {}  # type: dict[int, Any]
        at = 0
        while len(found) < self.asked:
            end = at + size(self.data, at)
            if end > at and end <= len(self.data):
                serial, value = reply(self.data[at:end])
                if serial is not None:
                    if not 0 < serial <= self.asked:
                        raise Fault("an answer to nothing")
                    found[serial] = value
                    self.socket.sendall(next(self.left, b""))
                at = end
            else:
                self.data, limit, at = self.data[at:], limit - at, 0
                self._more(deadline, limit)
        return [found[serial] for serial in range(1, self.asked + 1)]

    def _more(self, deadline: float, limit: int) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        piece = self.socket.recv(262144)
        if not piece:
            raise Fault("closed")
        self.data += piece
        if len(self.data) > limit:
            raise Fault("oversized")


def messages(calls: "list[Call]") -> "Iterator[bytes]":
    """The method calls in little-endian bytes."""
    from struct import pack

    known = {}  # type: dict[tuple[Any, ...], bytes]  # most go to the same method of the same object
    for serial, (path, interface, member, arguments, destination) in enumerate(calls, 1):
        key = (path, interface, member, destination, len(arguments))
        fields = known.get(key)
        if fields is None:
            fields = known[key] = _head(*key)
        body = b""
        for text in arguments:
            body = _padded(body, 4) + _string(text)
        head = pack("<BBBBIII", ord("l"), CALL, 0, 1, len(body), serial, len(fields))
        yield _padded(head + fields, 8) + body


def _head(path: str, interface: str, member: str, destination: str, arguments: int) -> bytes:
    """The fields of the header of a call."""
    texts = (
        (PATH, b"o", path),
        (INTERFACE, b"s", interface),
        (MEMBER, b"s", member),
        (DESTINATION, b"s", destination),
    )
    fields = b""
    for code, kind, text in texts:
        if text:
            fields = _padded(fields, 8) + bytes((code, 1)) + kind + b"\0" + _string(text)
    if arguments:
        fields = (
            _padded(fields, 8)
            + bytes((SIGNATURE, 1))
            + b"g\0"
            + bytes((arguments,))
            + b"s" * arguments
            + b"\0"
        )
    return fields


def _string(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return len(data).to_bytes(4, "little") + data + b"\0"


def _padded(data: bytes, width: int) -> bytes:
    return data + b"\0" * (-len(data) % width)


def size(data: bytes, at: int) -> int:
    """Bytes of the message that begins there; 0 where that cannot be told yet."""
    from struct import unpack_from

    if len(data) - at < 16:
        return 0
    body, _, fields = unpack_from(_order(data[at]) + "III", data, at + 4)
    return 16 + fields + -fields % 8 + body  # type: ignore[no-any-return]


def reply(data: bytes) -> "tuple[int | None, Any]":
    """The serial of the call that a message answers, and what it holds first; None: it answers none."""
    order = _order(data[0])
    try:
        told, at = _fields(data, "little" if order == "<" else "big")
        if data[1] == ERROR:
            return told[REPLY_SERIAL], Refusal(str(told.get(ERROR_NAME, "")))  # it may be called 7
        if data[1] != REPLY:
            return None, None
        signature = told.get(SIGNATURE, "")
        return told[REPLY_SERIAL], read(signature, data, at, order)[0] if signature else None
    except Exception as error:  # also struct.error, which is no ValueError
        raise Fault("malformed: " + type(error).__name__) from None


def _fields(data: bytes, order: str) -> "tuple[dict[int, Any], int]":
    """The fields of the header, all of them numbers or texts, and where the body begins."""
    number = int.from_bytes
    told = {}  # type: dict[int, Any]
    at, end = 16, 16 + number(data[12:16], order)  # type: ignore[arg-type]
    while at < end:
        code, width, kind = data[at], data[at + 1], data[at + 2]
        at += 4
        if width != 1 or kind not in b"usog":
            raise ValueError
        if kind == ord("u"):
            told[code] = number(data[at : at + 4], order)  # type: ignore[arg-type]
            at += 4
        else:
            long = 1 if kind == ord("g") else 4
            begin = at + long
            at = begin + number(data[at:begin], order)  # type: ignore[arg-type]
            told[code] = data[begin:at].decode("utf-8", "surrogateescape")
            at += 1
        at += -at % 8
    return told, at


def _order(mark: int) -> str:
    if mark not in (ord("l"), ord("B")):
        raise Fault("no byte order")
    return "<" if mark == ord("l") else ">"


def read(signature: str, data: bytes, at: int, order: str) -> "tuple[Any, int]":
    """The first value of *signature*, and where the next one begins. Arrays are lists, structures tuples."""
    from struct import unpack_from

    kind = signature[0]
    if kind == "v":
        inner, at = read("g", data, at, order)
        return read(inner, data, at, order)
    at += -at % ALIGNED.get(kind, 1)
    if kind in FIXED:
        code = order + FIXED[kind]
        [value] = unpack_from(code, data, at)
        return (bool(value) if kind == "b" else value), at + (ALIGNED.get(kind, 1))
    if kind in LENGTHS:
        code, width = LENGTHS[kind]
        [length] = unpack_from(order + code, data, at)
        begin = at + width
        if begin + length >= len(data):
            raise ValueError
        return data[begin : begin + length].decode("utf-8", "surrogateescape"), begin + length + 1
    values = []
    if kind == "a":
        [length] = unpack_from(order + "I", data, at)
        at += 4
        inner = signature[1:]
        at += -at % ALIGNED.get(inner[0], 1)
        end = at + length
        while at < end:
            before = at
            value, at = read(inner, data, at, order)
            if at == before:  # of a structure that holds nothing there would be no end
                raise ValueError
            values.append(value)
        return values, at
    if kind not in "({":
        raise ValueError
    rest = signature[1:]
    while rest[0] not in ")}":
        value, at = read(rest, data, at, order)
        values.append(value)
        rest = rest[_width(rest) :]
    return tuple(values), at


def _width(signature: str) -> int:
    """Characters of its first complete type."""
    if signature[0] == "a":
        return 1 + _width(signature[1:])
    depth = place = 0
    while True:
        depth += (signature[place] in "({") - (signature[place] in ")}")
        place += 1
        if not depth:
            return place

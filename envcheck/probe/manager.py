"""What systemctl prints of units, asked of their manager itself: no program has to be started for it.

Two of them take longer than reading a server with its workers. The manager has a socket of its own for who it
belongs to; for others the bus hands on. Only properties are read, and told as `systemctl show` tells them.
"""

from .dbus import Connection, Fault, Refusal

if False:  # for the type checker alone
    from typing import Any, Callable  # noqa: F401 - in comments

    from .commands import Shown
    from .dbus import Call  # noqa: F401 - in comments

SYSTEMD, PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
BUS = ("/org/freedesktop/DBus", "org.freedesktop.DBus")
PROPERTIES = "org.freedesktop.DBus.Properties"
OWN, SHARED = "/run/systemd/private", "/run/dbus/system_bus_socket"
CONNECT = 1.0  # seconds until a manager that is busy takes the questions
# Properties of units of any kind; the others are those of services.
OF_ANY = frozenset(
    (
        "Id",
        "Names",
        "LoadState",
        "FragmentPath",
        "DropInPaths",
        "NeedDaemonReload",
        "UnitFileState",
        "TriggeredBy",
        "InvocationID",
    )
)
# What a manager, or a unit, of another version or kind has not.
ABSENT = ("UnknownProperty", "UnknownInterface", "UnknownObject")
NEVER = (1 << 64) - 1
SPANS = (("w", 604800), ("d", 86400), ("h", 3600), ("min", 60))  # seconds


def ask(shown: "Shown", timeout: float) -> "Units | None":
    """Begin to ask what a command of `commands.SCRIPT` would print; None: there is nobody to ask."""
    own = shown.runtime + "/systemd/private" if shown.runtime else ""
    for place in (OWN, SHARED) if shown.scope == "--system" else (own,) if own else ():
        try:
            return Units(place, shown, timeout)
        except (OSError, Fault, ImportError):
            continue
    return None


class Units:
    """The questions, on their way."""

    def __init__(self, place: str, shown: "Shown", timeout: float) -> None:
        self.timeout = timeout  # from when the answer is waited for
        self.shown = shown
        shared = SYSTEMD if place == SHARED else ""
        self.calls = [(*BUS, "Hello", (), BUS[1])] if shared else []  # type: list[Call]
        self.first = len(self.calls)
        self._get(PATH, "Manager", shown.of_manager, shared)
        for name in shown.names:
            self._get(PATH + "/unit/" + label(name), "", shown.of_unit, shared)
        self.connection = Connection(place, min(timeout, CONNECT))
        try:
            self.connection.send(self.calls)
        except OSError:
            self.connection.close()
            raise

    def _get(self, path: str, interface: str, names: "list[str]", to: str) -> None:
        for name in names:
            whose = SYSTEMD + "." + (interface or ("Unit" if name in OF_ANY else "Service"))
            self.calls.append((path, PROPERTIES, "Get", (whose, name), to))

    def end(self) -> None:
        self.connection.close()

    def answer(self, limit: int) -> dict:
        """As `commands.Command.answer`; Fault: it has to be asked in another way."""
        answer = {"status": "ok", "code": 0, "stdout": b"", "stderr": b"", "detail": ""}  # type: dict
        try:
            values = self.connection.replies(self.timeout, limit)[self.first :]
        except OSError as error:
            if not isinstance(error, TimeoutError) and "timed out" not in str(error):
                raise Fault from None
            return dict(answer, status="timeout", code=None)
        finally:
            self.end()
        blocks, at = [], 0
        for names in [self.shown.of_manager] + [self.shown.of_unit] * len(self.shown.names):
            blocks.append(block(names, values[at : at + len(names)]))
            at += len(names)
        text = "\n".join(blocks)
        return dict(answer, stdout=text.encode("utf-8", "surrogateescape"))


def label(name: str) -> str:
    """The last part of the path of a unit's object (sd_bus_path_encode(3))."""
    data = name.encode("utf-8", "surrogateescape")
    plain = [
        bytes((byte,)).isalnum() and (index > 0 or not bytes((byte,)).isdigit())
        for index, byte in enumerate(data)
    ]
    return "".join(chr(byte) if good else "_%02x" % byte for byte, good in zip(data, plain))  # noqa: B905


def block(names: "list[str]", values: "list[Any]") -> str:
    """NAME=VALUE lines."""
    lines = []  # type: list[str]
    for name, value in zip(names, values):  # noqa: B905 - Python 3.6 has no `strict`
        if isinstance(value, Refusal):
            if not value.name.endswith(ABSENT):
                raise Fault(value.name)
            continue
        try:
            lines += [key + "=" + text + "\n" for key, text in PRINTED.get(name, printed)(name, value)]
        except (TypeError, ValueError):
            raise Fault("a value of another type") from None
    return "".join(lines)


def printed(name: str, value: "Any") -> "list[tuple[str, str]]":
    if isinstance(value, bool):
        return [(name, "yes" if value else "no")]
    if isinstance(value, list):
        return [(name, " ".join(quoted(word) for word in value))]
    return [(name, str(value))]


def quoted(word: str) -> str:
    if word and all(c.isalnum() or c in "_-+=.,:@/%^" for c in word if c < "\x7f"):
        return word
    escaped = (c if c >= " " and c not in '"\\' else "\\x%02x" % ord(c) for c in word)
    return '"' + "".join(escaped) + '"'


def _moment(name: str, value: int) -> "list[tuple[str, str]]":
    from time import gmtime, strftime

    if not 0 < value < NEVER:
        return [(name, "")]
    return [(name, strftime("%a %Y-%m-%d %H:%M:%S UTC", gmtime(value // 1000000)))]


def _span(name: str, value: int) -> "list[tuple[str, str]]":
    """Microseconds as systemd tells them."""
    if value == NEVER:
        return [(name, "infinity")]
    left, words = value / 1e6, []
    for unit, seconds in SPANS:
        count, left = divmod(left, seconds)
        if count:
            words.append("%d%s" % (count, unit))
    if left or not words:
        words.append(("%ds" if left.is_integer() else "%fs") % left if value else "0")
    return [(name, " ".join(words))]


def _files(name: str, value: "list[tuple[str, bool]]") -> "list[tuple[str, str]]":
    return [(name, "%s (ignore_errors=%s)" % (path, "yes" if ignored else "no")) for path, ignored in value]


def _commands(name: str, value: "list[Any]") -> "list[tuple[str, str]]":
    """As systemctl joins their words, by blanks; path and arguments of the first, a line of our own tells."""
    shown = "{ path=%s ; argv[]=%s ; ignore_errors=%s ; }"
    lines = [
        (name, shown % (path, " ".join(argv), "yes" if ignored else "no"))
        for path, argv, ignored, *_ in value
    ]
    return lines + [
        (name + "Words", " ".join(map(quoted, (path, *argv[1:])))) for path, argv, *_ in value[:1]
    ]


def _identity(name: str, value: "list[int]") -> "list[tuple[str, str]]":
    return [(name, bytes(value).hex())]


PRINTED = {
    "UnitsLoadTimestamp": _moment,
    "UnitsLoadFinishTimestamp": _moment,
    "TimeoutStopUSec": _span,
    "EnvironmentFiles": _files,
    "ExecStart": _commands,
    "ExecReload": _commands,
    "InvocationID": _identity,
}  # type: dict[str, Callable[[str, Any], list[tuple[str, str]]]]

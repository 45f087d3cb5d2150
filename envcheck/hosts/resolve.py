"""What the user's configuration of ssh says of a host, asked of ssh itself: `ssh -G`.

paramiko's own reader ignores Include, takes an unknown Match for a match, and turns a chain of jumps around.
"""

import os
import socket
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from envcheck import questions
from envcheck.errors import HostError
from envcheck.hosts import known_hosts
from envcheck.hosts.beyond import beyond
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination, parse
from envcheck.hosts.paths import content, expand
from envcheck.questions import HOW, USUALLY

PHASE = "reading the configuration of ssh"
WHICH = "is the first ssh in PATH the right one?"
IDENTITIES = tuple(f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519"))
KNOWN_HOSTS = (
    "~/.ssh/known_hosts",
    "~/.ssh/known_hosts2",
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssh/ssh_known_hosts2",
)


class Resolved(NamedTuple):
    """Where and as whom to connect, and with what. `beyond`: why Fabric cannot; "" if it can."""

    host: str
    port: int
    user: str
    identities: tuple[str, ...]
    key_files: tuple[str, ...]  # known_hosts
    alias: str = ""  # the name under which its key is known, where that is another
    jumps: tuple[Destination, ...] = ()
    agent: bool = True
    identities_only: bool = False
    family: int = socket.AF_UNSPEC
    control: str = ""  # the socket of a live ControlMaster
    beyond: str = ""

    @property
    def known_as(self) -> tuple[str, int]:
        return (self.alias, known_hosts.PORT) if self.alias else (self.host, self.port)

    def entries(self) -> known_hosts.Known:
        return _entries(tuple((path, _version(path)) for path in self.key_files))


def resolve(destination: Destination, deadline: Deadline) -> Resolved:
    """Ask `ssh -G`; without ssh what was written on the command line is all there is.

    Raises:
        HostError: The configuration cannot be read, or asking took too long.
    """
    return checked(ask(destination, deadline))


def ask(destination: Destination, deadline: Deadline) -> Resolved:
    """Give what ssh says, with nothing looked up about the host itself. Raises as `resolve` does."""
    return listen(destination, deadline, "-G")[1]


def listen(destination: Destination, deadline: Deadline, *how: str) -> tuple[bytes, Resolved]:
    """Ask, and give as well what ssh says of how it came to that. Raises as `resolve` does."""
    if not _has_ssh():
        return b"", _plain(destination)
    try:
        done = questions.answer(_question(destination, *(how or HOW)), deadline.left)
    except TimeoutError:
        raise HostError("timed-out", PHASE, "ssh -G takes too long") from None
    except OSError as error:
        raise HostError("bad-configuration", PHASE, f"ssh cannot be run: {error.strerror}", WHICH) from None
    if done.returncode != 0:
        text = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = text[-1] if text else f"ssh -G ended with {done.returncode}"
        raise HostError(
            "bad-configuration",
            PHASE,
            why,
            f"ssh -G {destination.host} shows it",
        )
    return done.stderr, _resolved(done.stdout.decode("utf-8", "surrogateescape"))


def begin(destination: Destination) -> None:
    """Put the questions that `listen` is going to ask first."""
    if _has_ssh():
        questions.put(_question(destination, *HOW))
        questions.put(USUALLY)


def _has_ssh() -> bool:
    """Tell whether there is one in PATH, as `shutil.which` does, to import which takes milliseconds."""
    places = [f"{folder}/ssh" for folder in os.get_exec_path() if folder]
    return any(os.access(place, os.X_OK) and not os.path.isdir(place) for place in places)  # noqa: PTH112


def _question(destination: Destination, *how: str) -> questions.Question:
    return questions.of_host(destination.host, *flags(destination), how=how)


def checked(found: Resolved) -> Resolved:
    """Note where Fabric cannot check the key of this very host."""
    if not found.beyond and known_hosts.has_authority(found.entries(), *found.known_as):
        return found._replace(beyond="the host's key is vouched for by a certificate authority")
    return found


def flags(destination: Destination) -> list[str]:
    user = ["-l", destination.user] if destination.user is not None else []
    return user + (["-p", str(destination.port)] if destination.port is not None else [])


def _plain(destination: Destination) -> Resolved:
    from getpass import getuser  # noqa: PLC0415 - only without ssh

    return Resolved(
        destination.host,
        destination.port or known_hosts.PORT,
        destination.user or getuser(),
        tuple(map(expand, IDENTITIES)),
        tuple(map(expand, KNOWN_HOSTS)),
    )


def _resolved(text: str) -> Resolved:
    parts = [line.partition(" ") for line in text.splitlines()]
    lines = [(key, value) for key, _, value in parts]
    said = dict(lines)
    files = [_paths(said.get(key, "").split()) for key in ("userknownhostsfile", "globalknownhostsfile")]
    found = Resolved(
        host=said["hostname"],
        port=int(said["port"]),
        user=said["user"],
        identities=tuple(expand(value) for key, value in lines if key == "identityfile"),
        key_files=tuple(path for group in files for path in group if path != "none"),
        alias=said.get("hostkeyalias", ""),
        jumps=_jumps(said.get("proxyjump", "none")),
        agent=said.get("identityagent", "") != "none",
        identities_only=said.get("identitiesonly") == "yes",
        family={"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(
            said.get("addressfamily", ""), socket.AF_UNSPEC
        ),
        control=_alive(expand(said.get("controlpath", "none"))),
    )
    return found._replace(beyond=beyond(said, found.identities))


def _paths(words: Sequence[str]) -> list[str]:
    """Tell names apart: blanks are between them, and may be in them. The longest that is there counts."""
    found: list[str] = []
    while words:
        parts = range(len(words), 0, -1)
        names = [expand(" ".join(words[:count])) for count in parts]
        count, name = next(
            ((count, name) for count, name in zip(parts, names, strict=True) if os.path.exists(name)),  # noqa: PTH110
            (1, names[-1]),
        )
        found.append(name)
        words = words[count:]
    return found


def _jumps(value: str) -> tuple[Destination, ...]:
    if value == "none":
        return ()
    return tuple(parse(word.removeprefix("ssh://")) for word in value.split(","))


def _alive(path: str) -> str:
    """The path if a ControlMaster listens there."""
    if path in ("none", ""):
        return ""
    try:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(1)
            control.connect(path)
    except OSError:
        return ""
    return path


@lru_cache(maxsize=16)
def _entries(files: tuple[tuple[str, object], ...]) -> known_hosts.Known:
    """Read files, once in each of their versions."""
    return known_hosts.Known(
        entry for path, version in files if version for entry in known_hosts.read(content(path), path)
    )


def _version(path: str) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

"""The second transport: the system's ssh, with everything the user's configuration can ask of it."""

import re
import shlex
from collections.abc import Callable, Sequence
from math import ceil
from typing import NamedTuple

from envcheck import questions
from envcheck.errors import HostError
from envcheck.hosts import hostkeys, known_hosts
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination
from envcheck.hosts.process import ANSWER, ProcessStream, Program
from envcheck.hosts.resolve import ask, flags

SSH_ERROR = 255
LONGEST = 200  # characters that are told of what ssh prints
PATIENCE = 0.05  # seconds
UNANSWERED = 3  # times that a host may be asked in vain whether it is alive
OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "NoHostAuthenticationForLocalhost": "no",
    "UpdateHostKeys": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "EscapeChar": "none",
    # A master that is alive is used; a new one would stay behind.
    "ControlMaster": "no",
    "LogLevel": "INFO",
}
# Since 8.7: an ssh before that has only flags for them, which no configuration sets, and refuses their names.
NEWER = {"ForkAfterAuthentication": "no", "SessionType": "default", "StdinNull": "no"}


class Failure(NamedTuple):
    status: str
    phase: str
    message: str
    hint: str
    words: tuple[str, ...]


BY_ADDRESS = "differs from the key for the IP address"  # with CheckHostIP
KEY, TCP = "checking the host's key", "connecting"
FAILURES = (
    Failure(
        "host-key-revoked",
        KEY,
        "the host's key is revoked",
        "{look_up} shows the lines",
        ("revoked",),
    ),
    Failure(
        "host-key-changed",
        KEY,
        "the host's key is not the known one",
        "{look_up} shows the key it had",
        ("IDENTIFICATION HAS CHANGED", BY_ADDRESS),
    ),
    Failure(
        "host-key-unknown",
        KEY,
        "the host's key is not known",
        "{unknown}",
        ("host key is known", "Host key verification failed"),
    ),
    Failure(
        "denied",
        "authenticating",
        "the user may not log in",
        "IdentitiesOnly yes, with one IdentityFile, in the configuration of ssh offers the right key alone",
        ("Too many authentication failures",),
    ),
    Failure(
        "denied",
        "authenticating",
        "the user may not log in",
        "ssh -v shows what is offered",
        ("Permission denied",),
    ),
    Failure(
        "unreachable",
        TCP,
        "the host cannot be reached",
        "is the host up, the name and the port right?",
        (
            "Connection refused",
            "timed out",
            "No route",
            "Could not resolve",
            "unreachable",
            "Name or service",
        ),
    ),
    Failure(
        "throttled",
        "opening a session",
        "it opens no further session (MaxSessions)",
        "MaxSessions in sshd_config of that host says how many",
        ("open failed: connect failed: open failed",),
    ),
    Failure(
        "throttled",
        TCP,
        "it closed the connection, or speaks no SSH",
        "is it a sshd? MaxStartups?",
        ("kex_exchange_identification", "Connection closed by", "Connection reset", "banner exchange"),
    ),
)
# Instead of a place, of a host that ssh reaches by a command; and what it says itself where that one ends.
THROUGH_A_COMMAND = "UNKNOWN port"
OWN = (*FAILURES[-1].words, "stdio forwarding failed")
COMMAND = "is the ProxyCommand in the configuration of ssh right, and its program installed?"


def command_line(route: Sequence[Destination], command: str, deadline: Deadline) -> list[str]:
    """Run a command on the last host of a route, through those before it."""
    *through, destination = route
    return [*_ssh(through, deadline), "-T", *flags(destination), "--", destination.host, command]


def _ssh(through: Sequence[Destination], deadline: Deadline) -> list[str]:
    """ssh, as strict on the way as at its end.

    What it is told by `-o` it does not tell the ssh that it starts for a ProxyJump: that one would ask for
    passwords, and accept keys that the configuration lets it accept.
    """
    known = questions.usual()
    options = OPTIONS | {key: value for key, value in NEWER.items() if key.lower() in known}
    options |= {
        "ConnectTimeout": str(max(1, round(deadline.connecting()))),
        # Where nothing comes any more it ends by itself, no earlier than the deadline: whoever started it may
        # have been killed. To a connection through a master they mean nothing.
        "ServerAliveInterval": str(max(1, ceil(deadline.left / UNANSWERED))),
        "ServerAliveCountMax": str(UNANSWERED),
    }
    if through:
        *before, last = through
        words = [*_ssh(before, deadline), *flags(last)]
        quoted = shlex.join([*words, "-W"]).replace("%", "%%")
        host = shlex.quote(last.host).replace("%", "%%")
        options["ProxyCommand"] = f"{quoted} '[%h]:%p' -- {host}"
    return ["ssh", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]


def stream(route: Sequence[Destination], command: str, deadline: Deadline) -> ProcessStream:
    absent = HostError("no-ssh", TCP, "unable to run ssh", "install OpenSSH's client")
    argv = tuple(command_line(route, command, deadline))
    never = {"SSH_ASKPASS_REQUIRE": "never"}

    def why(code: int | None, stderr: str) -> HostError | None:
        return explain(code, stderr, lambda: _looked_up(route, stderr, deadline))

    return ProcessStream(Program(argv, why, absent, PATIENCE, never), deadline)


NAMED = rf"(?:[Hh]ost key is known for|[Hh]ost key for(?! ')|{BY_ADDRESS}) '?([^\s']+)"
OFFENDING = r"Offending .*key (?:for IP )?in (.+):\d+"


class LookedUp(NamedTuple):
    """Under which name ssh looks for the key of a host, and in which files, the user's first."""

    name: str
    files: tuple[str, ...]


def _looked_up(route: Sequence[Destination], stderr: str, deadline: Deadline) -> LookedUp:
    """Ask the configuration about the host that ssh names, else about the last."""
    named = re.search(NAMED, stderr)
    offending = re.search(OFFENDING, stderr)
    for destination in reversed(route):
        try:
            found = ask(destination, deadline)
        except HostError:
            break
        name = known_hosts.name(*found.known_as)
        if named is None or named[1].lower() == name:
            return LookedUp(name, (offending[1],) if offending else found.key_files)
    return LookedUp(named[1] if named else "HOST", (offending[1],) if offending else ("",))


def _by_another(lines: Sequence[str]) -> str:
    """Give what the command says by which ssh connects, where its end is all that ssh itself knows of.

    To ssh it looks like a host that hangs up at once.
    """
    if not any(THROUGH_A_COMMAND in line for line in lines):
        return ""
    others = [line for line in lines if not any(word in line for word in OWN)]
    known = any(word in line for failure in FAILURES[:-1] for word in failure.words for line in lines)
    return others[-1] if others and not known else ""


def explain(code: int | None, stderr: str, looked_up: Callable[[], LookedUp]) -> HostError | None:
    """Say why ssh gave up."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if code != SSH_ERROR:
        return None
    if not lines:  # the command was started, and its end was not told
        return HostError("no-answer", ANSWER, "there is no answer: the connection was closed")
    if other := _by_another(lines):
        return HostError("unreachable", TCP, f"ssh gave up: {other[:LONGEST]}", COMMAND)
    for failure in FAILURES:
        # Where a host on the way says no, the one behind it has the last word, and knows nothing.
        if said := [line for line in lines if any(word in line for word in failure.words)]:
            message = f"{failure.message}: {said[-1].strip('@ ')[:LONGEST]}"
            hint = failure.hint if failure.phase != KEY else _of_key(failure.hint, looked_up())
            return HostError(failure.status, failure.phase, message, hint)
    return HostError("closed", TCP, f"ssh gave up: {lines[-1][:LONGEST]}")


def _of_key(hint: str, key: LookedUp) -> str:
    shown = hostkeys.look_up(key.name, next(iter(key.files), ""))
    return hint.format(look_up=shown, unknown=hostkeys.unknown(key.name, key.files))

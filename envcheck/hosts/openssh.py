"""The second transport: the system's ssh, with everything the user's configuration can ask of it."""

from __future__ import annotations

from typing import NamedTuple

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import Destination
from envcheck.hosts.process import ANSWER, ProcessStream, Program
from envcheck.hosts.resolve import flags

SSH_ERROR = 255
PATIENCE = 0.05  # seconds
OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "EscapeChar": "none",
    "ForkAfterAuthentication": "no",
    "StdinNull": "no",
    # A master that is alive is used; a new one would stay behind.
    "ControlMaster": "no",
    "LogLevel": "INFO",
}


class Failure(NamedTuple):
    status: str
    phase: str
    message: str
    hint: str
    words: tuple[str, ...]


KEY, TCP = "checking the host's key", "connecting"
FAILURES = (
    Failure(
        "host-key-revoked",
        KEY,
        "the host's key is revoked",
        "ssh-keygen -l -F HOST shows the lines",
        ("revoked",),
    ),
    Failure(
        "host-key-changed",
        KEY,
        "the host's key is not the known one",
        "ssh-keygen -l -F HOST shows the key it had",
        ("IDENTIFICATION HAS CHANGED",),
    ),
    Failure(
        "host-key-unknown",
        KEY,
        "the host's key is not known",
        "ssh-keygen -l -F HOST finds nothing; compare the key on the host, then connect with ssh once",
        ("host key is known", "Host key verification failed"),
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
        TCP,
        "it closed the connection, or speaks no SSH",
        "is it a sshd? MaxStartups?",
        ("kex_exchange_identification", "Connection closed by", "Connection reset", "banner exchange"),
    ),
)


def command_line(destination: Destination, command: str, deadline: Deadline) -> list[str]:
    options = OPTIONS | {"ConnectTimeout": str(max(1, round(deadline.connecting())))}
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return ["ssh", "-T", *words, *flags(destination), "--", destination.host, command]


def stream(destination: Destination, command: str, deadline: Deadline) -> ProcessStream:
    absent = HostError("no-ssh", TCP, "unable to run ssh", "install OpenSSH's client")
    argv = tuple(command_line(destination, command, deadline))
    never = {"SSH_ASKPASS_REQUIRE": "never"}
    return ProcessStream(Program(argv, explain, absent, PATIENCE, never), deadline)


def explain(code: int | None, stderr: str) -> HostError | None:
    """Say why ssh gave up."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if code != SSH_ERROR:
        return None
    if not lines:  # the command was started, and its end was not told
        return HostError("no-answer", ANSWER, "there is no answer: the connection was closed")
    last = f": {lines[-1][:200]}"
    for failure in FAILURES:
        if any(word in stderr for word in failure.words):
            return HostError(failure.status, failure.phase, failure.message + last, failure.hint)
    return HostError("closed", TCP, f"ssh gave up{last}")

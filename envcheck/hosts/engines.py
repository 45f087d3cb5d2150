"""A container: the same probe, started inside by the engine's own `exec`.

The words of the command lines and what the engines say: seen with podman 4.3; for docker and kubectl from
their documentation and sources (docker/cli, moby, kubernetes/kubectl), and seen with no daemon or cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from envcheck.errors import HostError, UsageError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.process import ProcessStream, Program

PHASE = "entering the container"
PATIENCE = 2.0  # seconds in which an engine tidies up after a command that has ended
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
AS_ROOT = "--user=0"
LONGEST = 200  # characters that are told of what an engine prints


class Said(NamedTuple):
    """What an engine prints where it starts nothing, by the words that are in it."""

    status: str
    message: str
    words: tuple[str, ...]
    hint: str


class Engine(NamedTuple):
    """`command` gives the words that start a program, from the parts of a name and the user to become."""

    form: str
    parts: range  # how many a name may have
    command: Callable[[Sequence[str], bool], tuple[str, ...]]
    listing: str  # the command that shows what there is
    says: tuple[Said, ...]
    root: bool = True  # whether it can start a program as another user


def _docker(parts: Sequence[str], root: bool) -> tuple[str, ...]:  # noqa: FBT001
    return ("docker", "exec", "-i", *((AS_ROOT,) if root else ()), parts[0])


def _podman(parts: Sequence[str], root: bool) -> tuple[str, ...]:  # noqa: FBT001
    return ("podman", "exec", "-i", *((AS_ROOT,) if root else ()), parts[0])


def _kubectl(parts: Sequence[str], root: bool) -> tuple[str, ...]:  # noqa: FBT001
    """One part is a pod, two are its namespace and the pod; an empty namespace is the one in force."""
    del root
    namespace, pod, container = ("", *parts, "") if len(parts) == 1 else (*parts, "")[:3]
    return (
        *("kubectl", "exec", "-i", "--quiet"),
        *(("-n", namespace) if namespace else ()),
        pod,
        *(("-c", container) if container else ()),
        "--",
    )


DOCKER = "docker://NAME"
ENGINES: Mapping[str, Engine] = {
    "docker": Engine(
        DOCKER,
        range(1, 2),
        _docker,
        "docker ps",
        (
            Said(
                "no-container",
                "there is no such container",
                ("No such container",),
                "{listing} --all shows them",
            ),
            Said(
                "not-running",
                "the container does not run",
                ("is not running", "is paused", "is restarting"),
                "start it, then look again: docker start {name}",
            ),
            Said(
                "denied",
                "not allowed to ask dockerd",
                ("permission denied while trying to connect",),
                "run envcheck as root, or as a user of the group docker",
            ),
            Said(
                "unreachable",
                "dockerd does not answer",
                ("Cannot connect to the Docker daemon", "error during connect"),
                "is it running, DOCKER_HOST right? docker context ls shows what is asked",
            ),
        ),
    ),
    "podman": Engine(
        "podman://NAME",
        range(1, 2),
        _podman,
        "podman ps",
        (
            Said(
                "no-container",
                "there is no such container",
                ("no such container", "no container with name or ID"),
                "{listing} --all shows those of this user: root has others",
            ),
            Said(
                "not-running",
                "the container does not run",
                ("on running containers", "container state improper", "is not running"),
                "start it, then look again: podman start {name}",
            ),
            Said(
                "unreachable",
                "podman does not answer",
                ("unable to connect to Podman", "Cannot connect to Podman"),
                "podman system connection list shows what is asked",
            ),
        ),
    ),
    "kubectl": Engine(
        "kubectl://[NAMESPACE/]POD, or kubectl://[NAMESPACE]/POD/CONTAINER",
        range(1, 4),
        _kubectl,
        "kubectl get pods",
        (
            Said(
                "no-container",
                "there is no such pod",
                ("(NotFound): pods", "(NotFound): namespaces"),
                "{listing} --all-namespaces shows them",
            ),
            Said(
                "no-container",
                "the pod has no such container",
                ("is not valid for pod",),
                "kubectl describe pod {name} names them",
            ),
            Said(
                "not-running",
                "the container does not run",
                ("container not found", "in a completed pod", "not have a host assigned"),
                "kubectl describe pod {name} says why",
            ),
            Said(
                "denied",
                "the cluster does not let this user in",
                ("(Forbidden)", "(Unauthorized)", "must be logged in"),
                "kubectl auth can-i create pods/exec shows what is allowed",
            ),
            Said(
                "unreachable",
                "the cluster does not answer",
                ("was refused", "Unable to connect to the server", "no such host", "i/o timeout"),
                "kubectl config current-context shows what is asked",
            ),
        ),
        root=False,
    ),
}
FORMS = "; ".join(engine.form for engine in ENGINES.values())


class Inside:
    """A container by its name; *sudo*: as root of the container."""

    sudo = False

    def __init__(self, name: str, *, root: bool = False) -> None:
        """Read `ENGINE://NAME`.

        Raises:
            UsageError: It is none.
        """
        kind, _, rest = name.partition("://")
        engine = ENGINES.get(kind)
        if engine is None:
            raise UsageError(f"no such kind of host: {kind}://", f"-H takes [user@]host[:port]; {FORMS}")
        parts = rest.split("/")
        named = parts[1:] if kind == "kubectl" and len(parts) == 3 and not parts[0] else parts  # noqa: PLR2004
        if len(parts) not in engine.parts or not all(NAME.fullmatch(part) for part in named):
            raise UsageError(f"no such container can be: {name}", f"-H takes {engine.form}")
        if root and not engine.root:
            raise UsageError(f"{kind} exec cannot become root: --sudo is not for {name}", "leave --sudo out")
        self.name = name
        self.kind = kind
        self.engine = engine
        self.pod = named[-1] if len(parts) < 3 else parts[1]  # noqa: PLR2004
        self.command = engine.command(parts, root)
        self.hint = f"{engine.listing} shows what runs"

    def start(self, program: Sequence[str], deadline: Deadline) -> ProcessStream:
        install = f"install {self.kind}, or look from where it is"
        absent = HostError("no-engine", PHASE, f"unable to run {self.kind}", install)
        argv = (*self.command, *program)
        return ProcessStream(Program(argv, self.explain, absent, PATIENCE), deadline)

    def explain(self, code: int | None, stderr: str) -> HostError | None:
        """Say why nothing was started; that the container has no such program is not said here."""
        if not code or "executable file not found" in stderr:
            return None
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        for said in self.engine.says:
            if any(word in stderr for word in said.words):
                hint = said.hint.format(listing=self.engine.listing, name=self.pod)
                return HostError(said.status, PHASE, f"{said.message}: {lines[-1][:LONGEST]}", hint)
        return None

"""The command lines by which containers are entered, and what engines say when nothing is started."""

from __future__ import annotations

import pytest

from envcheck.errors import UsageError
from envcheck.hosts.engines import Inside


@pytest.mark.parametrize(
    ("name", "root", "command"),
    [
        ("podman://web", False, "podman exec -i web"),
        ("podman://web", True, "podman exec -i --user=0 web"),
        ("docker://shop_web.1", False, "docker exec -i shop_web.1"),
        ("docker://4fe9", True, "docker exec -i --user=0 4fe9"),
        ("kubectl://web-0", False, "kubectl exec -i --quiet web-0 --"),
        ("kubectl://shop/web-0", False, "kubectl exec -i --quiet -n shop web-0 --"),
        ("kubectl://shop/web-0/app", False, "kubectl exec -i --quiet -n shop web-0 -c app --"),
        ("kubectl:///web-0/app", False, "kubectl exec -i --quiet web-0 -c app --"),
    ],
)
def test_the_command(name: str, root: bool, command: str) -> None:  # noqa: FBT001
    assert Inside(name, root=root).command == tuple(command.split())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lxc://web", "docker://NAME; podman://NAME; kubectl://"),
        ("podman://", "podman://NAME"),
        ("podman://-it", "podman://NAME"),
        ("podman://a/b", "podman://NAME"),
        ("docker://a b", "docker://NAME"),
        ("docker://a;b", "docker://NAME"),
        ("kubectl://a/b/c/d", "kubectl://[NAMESPACE/]POD"),
        ("kubectl:///web", "kubectl://[NAMESPACE/]POD"),
        ("kubectl://a//c", "kubectl://[NAMESPACE/]POD"),
        ("kubectl://a/--rm", "kubectl://[NAMESPACE/]POD"),
    ],
)
def test_what_no_container_is_called(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Inside(name)
    assert hint in caught.value.hint


def test_kubectl_cannot_become_root() -> None:
    with pytest.raises(UsageError, match="cannot become root"):
        Inside("kubectl://web", root=True)


NO_PROGRAM = 'exec: "python3": executable file not found in $PATH'


@pytest.mark.parametrize(
    ("name", "code", "stderr", "status"),
    [
        (
            "podman://x",
            125,
            'Error: no container with name or ID "x" found: no such container',
            "no-container",
        ),
        (
            "podman://x",
            255,
            "Error: can only create exec sessions on running containers: container state improper",
            "not-running",
        ),
        (
            "podman://x",
            127,
            f"Error: runc: exec failed: unable to start container process: {NO_PROGRAM}",
            None,
        ),
        ("podman://x", 1, "", None),
        ("docker://x", 1, "Error response from daemon: No such container: x", "no-container"),
        ("docker://x", 1, "Error response from daemon: container 4fe9 is not running", "not-running"),
        (
            "docker://x",
            1,
            "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
            "unreachable",
        ),
        (
            "docker://x",
            1,
            "permission denied while trying to connect to the Docker daemon socket at unix:///x.sock",
            "denied",
        ),
        ("docker://x", 126, f"OCI runtime exec failed: exec failed: {NO_PROGRAM}: unknown", None),
        ("kubectl://x", 1, 'Error from server (NotFound): pods "x" not found', "no-container"),
        (
            "kubectl://n/x/c",
            1,
            "Error from server (BadRequest): container c is not valid for pod x",
            "no-container",
        ),
        ("kubectl://x", 1, 'error: unable to upgrade connection: container not found ("web")', "not-running"),
        ("kubectl://x", 1, 'Error from server (Forbidden): pods "x" is forbidden', "denied"),
        ("kubectl://x", 1, "The connection to the server localhost:8080 was refused", "unreachable"),
        (
            "kubectl://x",
            1,
            f"error: Internal error occurred: failed to exec in container: {NO_PROGRAM}",
            None,
        ),
    ],
)
def test_what_they_say(name: str, code: int, stderr: str, status: str | None) -> None:
    error = Inside(name).explain(code, stderr)
    assert (error.status if error else None) == status
    assert error is None or error.hint

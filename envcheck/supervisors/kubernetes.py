"""Kubernetes, by the cgroup paths of its documentation; inside of a pod, by the variables of its services.

The kubelet resolves `env` and `envFrom` each time it creates a container; no file of the node holds them.
"""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.model import Action, Configured, Hazard, Owner, Process, Server, Snapshot, Start, Step
from envcheck.secrecy import Policy
from envcheck.supervisors import containers
from envcheck.supervisors.known import Known

RESTART_IS = Action.RECREATE
ENDS_ALL = True
MARK = "KUBERNETES_SERVICE_HOST"
DYNAMIC = "dynamic: env/envFrom are resolved by the kubelet when the container is created"


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = containers.container(process.cgroup)
    near = containers.shim(ancestors)
    if near is None:  # CRI-O
        near = next(((i, p) for i, p in enumerate(ancestors) if p.comm == "conmon"), None)
    if found is None and near is not None:
        found = _of_shim(near[1])
    if found is None:
        return _inside(process, ancestors)
    if found.kind != "kubernetes":
        return None
    if near is not None and not found.nested:
        return Owner("kubernetes", found.name, "ancestor", near[0], near[1].pid, found.facts, near[1])
    return Owner("kubernetes", found.name, "cgroup", len(ancestors) + found.nested, facts=found.facts)


def _of_shim(shim: Process) -> containers.Container | None:
    """Tell by the shim's own command line: the kubelet's containers are in the namespace `k8s.io`."""
    given = containers.option(shim.argv, "-id", "--id")
    if not given or containers.option(shim.argv, "-namespace", "--namespace") != "k8s.io":
        return None
    return containers.Container("kubernetes", "containerd", given)


def _inside(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    """Inside of a pod only the variables tell; what `kubectl exec` starts is none of pid 1's children."""
    variables = process.running.variables
    inside = 1 in (process.inner or process.pid, *(p.inner or p.pid for p in ancestors))
    if MARK not in variables or not inside:
        return None
    return Owner("kubernetes", variables.get("HOSTNAME", ""), "marks")


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process, known
    pod = owner.facts.get("pod")
    return Start((containers.gap(f"pod {pod}" if pod else f"container {owner.name}", DYNAMIC),))


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Which workload a pod is part of cannot be seen from its node."""
    del owner, server, configured, snapshot, policy
    return ()


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del owner, configured
    why = "the kubelet starts that one container again in the same pod, and others keep what they have"
    masters = [g.master for g in server.generations if g.master]
    return tuple(Step(("kill", "-TERM", str(m.pid)), why) for m in masters)


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del owner, server, snapshot
    return ()


def advice(owner: Owner | None, snapshot: Snapshot) -> str:
    del owner, snapshot
    return "have its workload roll out anew: kubectl rollout restart deployment/NAME"

"""Docker and Compose, by the files and cgroup paths of their documentation: moby's config.v2.json.

Beside what is recorded, dockerd sets PATH, HOSTNAME and, for a terminal, TERM before it
(`CreateDaemonEnvironment` of moby). Compose writes into labels which project a container is part of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from envcheck.model import (
    Action,
    Applied,
    Configured,
    Disruption,
    Hazard,
    Owner,
    Process,
    Server,
    Snapshot,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.supervisors import containers
from envcheck.supervisors.known import Known

RESTART_IS = Action.RECREATE
ENDS_ALL = True
FOLDER = "/var/lib/docker/containers"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SAME = "the container keeps the variables that it was created with"
LABEL = "com.docker.compose."
# Labels of Compose and the options that say the same.
OPTIONS = {
    "project": "--project-name",
    "project.working_dir": "--project-directory",
    "project.config_files": "--file",
    "project.environment_file": "--env-file",
}
# Whose containers are no dockerd's: where its record is not, and no docker command reaches them.
FOREIGN = {"containerd": "what containerd records of a container is not read"}


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = containers.container(process.cgroup)
    shim = containers.shim(ancestors)
    if found is None and shim is not None:
        found = _of_shim(shim[1])
    if found is None or found.kind != "docker":
        return None
    if shim is not None and not found.nested:
        return Owner("docker", found.name, "ancestor", shim[0], shim[1].pid, found.facts, shim[1])
    return Owner("docker", found.name, "cgroup", len(ancestors) + found.nested, facts=found.facts)


def _of_shim(shim: Process) -> containers.Container | None:
    """Tell by the shim's own command line: dockerd keeps its containers in the namespace `moby`."""
    namespace = containers.option(shim.argv, "-namespace", "--namespace")
    given = containers.option(shim.argv, "-id", "--id")
    if not given or namespace == "k8s.io":
        return None
    return containers.Container("docker", "docker" if namespace == "moby" else "containerd", given)


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process
    engine = owner.facts.get("engine", "")
    path = _path(owner)
    if engine in FOREIGN:
        return Start((containers.gap(f"container {owner.name}", FOREIGN[engine]),))
    facts = known.file(path)
    if facts is None or facts.status != "ok":
        return Start((containers.unread(path, facts),))
    record = containers.tree(facts.content)
    if record is None:
        why = "it is no record of a container: no JSON object"
        return Start((containers.gap(path, why, facts.changed),))
    return Start(_read(path, record, facts.changed))


def _path(owner: Owner) -> str:
    return f"{FOLDER}/{owner.facts.get('id', '')}/config.v2.json"


def _read(path: str, record: Mapping[str, Any], changed: float) -> tuple[Applied, ...]:
    """Read a record. It is written at every start: its time does not say when variables were changed."""
    host = containers.at(record, "Config", "Hostname")
    before = [PATH, *([f"HOSTNAME={host}"] if isinstance(host, str) and host else [])]
    if containers.at(record, "Config", "Tty") is True:
        before.append("TERM=xterm")
    done = containers.recorded(path, containers.at(record, "Config", "Env"), 0.0, before)
    program = containers.at(record, "Path")
    argv = (program, *(containers.words(record.get("Args")) or ())) if isinstance(program, str) else ()
    return done, *containers.entrypoint(f"the command of {path}", argv, changed)


def _labels(owner: Owner | None, snapshot: Snapshot) -> dict[str, str]:
    """Give what Compose wrote into the labels of a container, without their common beginning."""
    facts = Known(snapshot.answers).file(_path(owner)) if owner else None
    record = containers.tree(facts.content) if facts and facts.status == "ok" else None
    found = containers.at(record, "Config", "Labels")
    if not isinstance(found, dict):
        return {}
    labels = cast("Mapping[str, object]", found)
    return {
        name.removeprefix(LABEL): value
        for name, value in labels.items()
        if name.startswith(LABEL) and isinstance(value, str) and value
    }


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    del server, configured, policy
    labels = _labels(owner, snapshot)
    if not {"project", "service", "project.config_files"} <= labels.keys():
        return ()
    words = [w for label, name in OPTIONS.items() for v in _split(label, labels) for w in (name, v)]
    why = "creates the container anew from the compose file, whose env_file and environment are read again"
    argv = ("docker", "compose", *words, "up", "--detach", "--force-recreate", labels["service"])
    return (Step(argv, why, Disruption.DOWNTIME),)


def _split(label: str, labels: Mapping[str, str]) -> list[str]:
    value = labels.get(label, "")
    several = label in ("project.config_files", "project.environment_file")
    return [v for v in (value.split(",") if several else [value]) if v]


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del server, configured
    name = owner.name if owner else ""
    return (
        Step(("docker", "restart", name), SAME),
        Step(("docker", "kill", "-s", "HUP", name), "new workers inherit the environment of the master"),
    )


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del server
    files = _labels(owner, snapshot).get("project.config_files")
    if not files:
        return ()
    message = f"what {files} gives now is not compared: only what the container was created with is known"
    return (Hazard(None, "unknown-start", message),)


def advice(owner: Owner | None, snapshot: Snapshot) -> str:
    del snapshot
    name = owner.name if owner else ""
    return f"create the container {name} anew, as it was created: docker rm, then docker run"

"""podman: `conmon` watches over each container, and its command line says which (seen with podman 4.3).

The record of a container is the configuration of its runtime, written when it is created. `CreateCommand` is
the command line that created it: a file named there by `--env-file` is read anew when it is run again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from envcheck.command_line import mask_arguments
from envcheck.model import (
    Action,
    Applied,
    Configured,
    Disruption,
    FileFacts,
    Hazard,
    Owner,
    Process,
    Server,
    Snapshot,
    Source,
    Stage,
    Start,
    Step,
)
from envcheck.secrecy import Policy
from envcheck.sources import chain
from envcheck.supervisors import containers
from envcheck.supervisors.known import Known

RESTART_IS = Action.RECREATE
ENDS_ALL = True
STORAGE = "/var/lib/containers/storage/overlay-containers"
SAME = "the container keeps the variables that it was created with"
DETACHED = re.compile(r"-[itPq]*d[itPq]*|--detach(?:=true)?")
# Where podman keeps its containers, if that is not where it usually does: told to what it runs at their end.
PLACES = {
    "--root": "/var/lib/containers/storage",
    "--runroot": "/run/containers/storage",
    "--tmpdir": "/run/libpod",
}
ENV_FILE = ("--env-file",)
ENV = ("-e", "--env")


def owner(process: Process, ancestors: Sequence[Process]) -> Owner | None:
    found = containers.container(process.cgroup)
    if found is not None and found.kind != "podman":
        return None  # CRI-O has a conmon too
    for distance, ancestor in enumerate(ancestors):
        if ancestor.comm == "conmon":
            given = containers.option(ancestor.argv, "-c", "--cid") or (found.id if found else "")
            name = containers.option(ancestor.argv, "-n", "--name") or given[: containers.SHORT]
            bundle = containers.option(ancestor.argv, "-b", "--bundle")
            facts = {"id": given, "engine": "podman", **({"bundle": bundle} if bundle else {})}
            return Owner("podman", name, "ancestor", distance, ancestor.pid, facts, ancestor)
    if found is None:
        return None
    return Owner("podman", found.name, "cgroup", len(ancestors) + found.nested, facts=found.facts)


def _tool(owner: Owner) -> tuple[str, ...]:
    """Give the words that reach the podman whose container it is."""
    argv = owner.supervising.argv if owner.supervising else ()
    given = tuple(_values(argv, ("--exit-command-arg",)))
    found = {name: containers.option(given, name) for name in PLACES}
    return ("podman", *(w for n, v in found.items() if v and v != PLACES[n] for w in (n, v)))


def start(owner: Owner, process: Process, known: Known) -> Start:
    del process
    path = _record(owner)
    facts = known.file(path)
    if facts is None:
        return Start((containers.unread(path, facts),))
    applied = _read(path, facts) if facts.status == "ok" else _inspected(owner, path, facts, known)
    return Start((*applied, *_given_anew(_created_by(owner, known), known)))


def _record(owner: Owner) -> str:
    folder = owner.facts.get("bundle") or f"{STORAGE}/{owner.facts.get('id', '')}/userdata"
    return posixpath.join(folder, "config.json")


def _read(path: str, facts: FileFacts) -> tuple[Applied, ...]:
    record = containers.tree(facts.content)
    if record is None:
        return (containers.gap(path, "it is no record of a container: no JSON object", facts.changed),)
    listed = containers.at(record, "process", "env")
    argv = containers.words(containers.at(record, "process", "args")) or ()
    done = containers.recorded(path, listed, facts.changed)
    return done, *containers.entrypoint(f"the command of {path}", argv, facts.changed)


def _inspected(owner: Owner, path: str, facts: FileFacts, known: Known) -> tuple[Applied, ...]:
    """Ask podman where its record cannot be read; what the container runs first it does not tell here."""
    output = known.run(*_tool(owner), "inspect", "--format", "{{json .Config.Env}}", owner.name)
    if output is None or not output.good:
        return (containers.unread(path, facts),)
    listed = containers.tree(b'{"env": ' + output.stdout + b"}")
    asked = f"podman inspect {owner.name}"
    if listed is None:
        return (containers.gap(asked, "its answer is no JSON"),)
    why = "dynamic: what the container runs before the server is not known"
    return containers.recorded(asked, listed["env"], 0.0), containers.gap(path, why)


def _created_by(owner: Owner, known: Known) -> tuple[str, ...]:
    output = known.run(*_tool(owner), "inspect", "--format", "{{json .Config.CreateCommand}}", owner.name)
    if output is None or not output.good:
        return ()
    found = containers.tree(b'{"argv": ' + output.stdout + b"}")
    return containers.words(found["argv"]) or () if found else ()


def _given_anew(argv: Sequence[str], known: Known) -> Iterator[Applied]:
    """Read the files that a repeated command reads again; one that is not there any more is a gap.

    What such a file does not set any more still stands in the record, and is not told apart.
    """
    files = [path for path in _values(argv, ENV_FILE) if path.startswith("/")]
    for path in files:
        given = Source("file", path, Stage.EXEC, "docker")
        if done := chain.apply(given, known.file(path), {}):
            yield done
    if files and (pairs := [pair for pair in _values(argv, ENV) if "=" in pair]):
        yield containers.recorded("the command that created the container", pairs, 0.0)


def _values(argv: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if word in names and place + 1 < len(argv):
            yield argv[place + 1]
        elif equals and name in names and name.startswith("--"):
            yield value


def restart(
    owner: Owner | None, server: Server, configured: Configured, snapshot: Snapshot, policy: Policy
) -> tuple[Step, ...]:
    """Give the command that created it, with `--replace`, where podman has kept one that detaches itself."""
    del configured
    argv = _created_by(owner, Known(snapshot.answers)) if owner else ()
    named = any(word == "--name" or word.startswith("--name=") for word in argv)
    if "run" not in argv or not named or not any(DETACHED.fullmatch(word) for word in argv):
        return ()
    if not any(word in ("--replace", "--replace=true") for word in argv):
        place = argv.index("run") + 1
        argv = (*argv[:place], "--replace", *argv[place:])
    shown, whole = mask_arguments(argv, policy.secrets(server.first.running.variables), policy)
    here = all(path.startswith("/") for path in _values(argv, ENV_FILE))
    why = "creates the container anew, by the command that created it: its files of variables are read again"
    return (Step(shown, why, Disruption.DOWNTIME, whole and here),)


def insufficient(owner: Owner | None, server: Server, configured: Configured) -> tuple[Step, ...]:
    del server, configured
    if owner is None:
        return ()
    tool = _tool(owner)
    return (
        Step((*tool, "restart", owner.name), SAME),
        Step((*tool, "kill", "-s", "HUP", owner.name), "new workers inherit the environment of the master"),
    )


def hazards(owner: Owner | None, server: Server, snapshot: Snapshot) -> tuple[Hazard, ...]:
    del server
    argv = _created_by(owner, Known(snapshot.answers)) if owner else ()
    if not any("=" in pair for pair in _values(argv, ENV)):
        return ()
    message = "variables given by --env in the command that created it keep their values: change them there"
    return (Hazard(None, "unknown-start", message),)


def advice(owner: Owner | None, snapshot: Snapshot) -> str:
    del snapshot
    name = owner.name if owner else ""
    return f"create the container {name} anew, as it was created: podman run --replace --name {name} ..."

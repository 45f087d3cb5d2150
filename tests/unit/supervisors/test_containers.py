"""Containers: told from cgroups and ancestors as they were recorded, or are documented, and their records."""

from __future__ import annotations

import json
from typing import Any

import build
import pytest
from unit.supervisors.answering import gaps, origins, owned

from envcheck import spec
from envcheck.judge import judge
from envcheck.model import Action, Answers, FileFacts, Output, Process, Server, Snapshot
from envcheck.secrecy import Policy
from envcheck.supervisors import docker, kubernetes, named, podman
from envcheck.supervisors.containers import container
from envcheck.supervisors.known import Known
from envcheck.supervisors.ownership import owners

ID = "0123456789abcdef" * 4
POD = "0a1b2c3d-0001-4abc-8def-0123456789ab"
SLICE = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice"

PATHS: dict[str, tuple[str, str, str]] = {
    f"0::/docker/{ID}": ("docker", "docker", ""),
    f"12:memory:/docker/{ID}\n0::/": ("docker", "docker", ""),
    f"0::/system.slice/docker-{ID}.scope": ("docker", "docker", ""),
    f"0::/libpod_parent/libpod-{ID}": ("podman", "podman", ""),
    f"0::/machine.slice/libpod-{ID}.scope/container": ("podman", "podman", ""),
    f"0::{SLICE}/cri-containerd-{ID}.scope": ("kubernetes", "containerd", POD),
    f"0::{SLICE}/crio-{ID}.scope": ("kubernetes", "cri-o", POD),
    f"0::{SLICE}/crio-{ID}": ("kubernetes", "cri-o", POD),
    f"0::/system.slice/cri-containerd-{ID}.scope": ("kubernetes", "containerd", ""),
    f"4:cpu:/kubepods/besteffort/pod{POD}/{ID}": ("kubernetes", "", POD),
    f"0::/kubepods/{ID}": ("kubernetes", "", ""),
    f"0::{SLICE}/docker-{ID}.scope": ("kubernetes", "docker", POD),
    f"1:cpu:/ecs/shop-7/{ID}": ("docker", "ecs", ""),
    f"0::/system.slice/nerdctl-{ID}.scope": ("docker", "containerd", ""),
    f"0::/default/{ID}": ("docker", "containerd", ""),
}


@pytest.mark.parametrize("cgroup", PATHS)
def test_cgroups(cgroup: str) -> None:
    found = container(cgroup)
    assert found is not None
    assert (found.kind, found.engine, found.pod, found.id) == (*PATHS[cgroup], ID)
    [owner] = owners(build.gunicorn(9, 1, cgroup=cgroup), {})
    assert (owner.kind, owner.name, owner.evidence) == (PATHS[cgroup][0], ID[:12], "cgroup")
    assert owner.facts["id"] == ID
    assert owner.facts.get("pod", "") == POD * bool(PATHS[cgroup][2])


@pytest.mark.parametrize(
    "cgroup",
    [
        "",
        "0::/",
        f"0::/docker/{ID}0",
        f"0::/docker/{ID[1:]}",
        f"0::/docker/{ID.upper()}",
        f"0::/machine.slice/libpod-conmon-{ID}.scope",
        "0::/system.slice/docker.service",
    ],
)
def test_no_container(cgroup: str) -> None:
    assert container(cgroup) is None


BUNDLE = f"/home/a/.local/share/containers/storage/vfs-containers/{ID}/userdata"
CONMON = build.process(
    4,
    (
        "/usr/bin/conmon",
        "--api-version",
        "1",
        "-c",
        ID,
        "-u",
        ID,
        "-b",
        BUNDLE,
        "-n",
        "shop",
        "--log-level",
        "x",
    ),
    comm="conmon",
)


def shim(namespace: str) -> Process:
    argv = ("/usr/bin/containerd-shim-runc-v2", "-namespace", namespace, "-id", ID, "-address", "/run/c.sock")
    return build.process(4, argv, comm="containerd-shim")


@pytest.mark.parametrize(
    ("parent", "cgroup", "kind", "name"),
    [
        (CONMON, f"0::/libpod_parent/libpod-{ID}", "podman", "shop"),
        (CONMON, "0::/system.slice/shop.service/libpod-payload", "podman", "shop"),
        (CONMON, f"0::{SLICE}/crio-{ID}.scope", "kubernetes", ID[:12]),
        (shim("moby"), "0::/", "docker", ID[:12]),
        (shim("moby"), f"0::/system.slice/docker-{ID}.scope", "docker", ID[:12]),
        (shim("k8s.io"), "0::/", "kubernetes", ID[:12]),
        (shim("k8s.io"), f"0::{SLICE}/cri-containerd-{ID}.scope", "kubernetes", ID[:12]),
        (shim("default"), "0::/", "docker", ID[:12]),
    ],
)
def test_ancestors(parent: Process, cgroup: str, kind: str, name: str) -> None:
    init = build.process(5, ("sh", "run"), comm="sh", parent=4, cgroup=cgroup)
    master = build.gunicorn(6, 5, caught=build.GUNICORN_MASTER, cgroup=cgroup)
    found = owners(master, {4: parent, 5: init, 6: master})[0]
    assert (found.kind, found.name, found.evidence, found.distance, found.pid) == (
        kind,
        name,
        "ancestor",
        1,
        4,
    )
    assert found.facts["id"] == ID


def test_a_unit_inside_a_container_is_nearer() -> None:
    cgroup = f"0::/docker/{ID}/system.slice/shop.service"
    assert [o.kind for o in owners(build.gunicorn(9, cgroup=cgroup), {})] == ["systemd", "docker"]


def test_inside_a_pod() -> None:
    env = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "shop-5d4-x2"}
    [owner] = owners(build.gunicorn(1, 0, caught=build.GUNICORN_MASTER, at_exec=env), {})
    assert (owner.kind, owner.name, owner.evidence) == ("kubernetes", "shop-5d4-x2", "marks")
    assert owners(build.gunicorn(70, 0, at_exec=env), {}) == ()


# --- what they give ---------------------------------------------------------------------------------

MASTER = build.gunicorn(6, 4, caught=build.GUNICORN_MASTER, cgroup=f"0::/libpod_parent/libpod-{ID}")
OWNER = owned(podman, MASTER, CONMON)
RECORD = f"{BUNDLE}/config.json"
ENV = ["PATH=/bin", "A=1", "B=x=y", "A=2", "C="]


def facts(record: object) -> FileFacts:
    return FileFacts("ok", json.dumps(record).encode(), 7.0)


def runtime(*args: str, env: object = ENV) -> FileFacts:
    return facts({"process": {"env": env, "args": args or ("/usr/bin/python3", "/usr/bin/gunicorn", "app")}})


def command(*argv: str) -> dict[tuple[str, ...], Output]:
    asked = ("podman", "inspect", "--format", "{{json .Config.CreateCommand}}", "shop")
    return {asked: Output("ok", 0, json.dumps(argv).encode() + b"\n")}


def test_the_record_of_podman() -> None:
    known = Known(Answers(files={RECORD: runtime()}))
    start = podman.start(OWNER, MASTER, known)
    assert {n: v for n, (v, _) in origins(start).items()} == {"PATH": "/bin", "A": "2", "B": "x=y", "C": ""}
    assert (origins(start)["A"][1], gaps(start)) == (f"{RECORD}:0", {})
    assert [r["op"] for r in known.wanted.values()] == ["run"]


def test_where_the_record_usually_is() -> None:
    owner = owned(podman, MASTER)
    known = Known(Answers())
    podman.start(owner, MASTER, known)
    assert (
        "file",
        f"/var/lib/containers/storage/overlay-containers/{ID}/userdata/config.json",
    ) in known.wanted


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'{"process": {"env": 3}}',
        b'{"process": {"env": [3]}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_malformed(content: bytes) -> None:
    answers = Answers(files={RECORD: FileFacts("ok", content, 7.0)})
    assert list(gaps(podman.start(OWNER, MASTER, Known(answers)))) == [RECORD]
    path = f"/var/lib/docker/containers/{ID}/config.v2.json"
    swapped = content.replace(b"process", b"Config").replace(b"env", b"Env")
    answers = Answers(files={path: FileFacts("ok", swapped, 7.0)})
    owner = owned(docker, DOCKED)
    assert list(gaps(docker.start(owner, DOCKED, Known(answers)))) == [path]


@pytest.mark.parametrize("entry", ["A", "=1", "", "A=\0"])
def test_entries_that_set_nothing(entry: str) -> None:
    start = podman.start(OWNER, MASTER, Known(Answers(files={RECORD: runtime(env=[entry, "B=1"])})))
    assert set(origins(start)) == {"B"}
    assert start.applied[0].parsed is not None
    assert len(start.applied[0].parsed.problems) == 1


@pytest.mark.parametrize("status", ["missing", "denied", "error"])
def test_podman_is_asked_where_the_record_is_not(status: str) -> None:
    asked = ("podman", "inspect", "--format", "{{json .Config.Env}}", "shop")
    files = {RECORD: FileFacts(status)}
    assert list(gaps(podman.start(OWNER, MASTER, Known(Answers(files=files))))) == [RECORD]
    said = Answers(files=files, outputs={asked: Output("ok", 0, json.dumps(ENV).encode() + b"\n")})
    start = podman.start(OWNER, MASTER, Known(said))
    assert origins(start)["A"] == ("2", "podman inspect shop:0")


@pytest.mark.parametrize(
    ("argv", "followed"),
    [
        (("gunicorn", "app"), True),
        (("/usr/bin/tini", "-g", "--", "gunicorn", "app"), True),
        (("python3", "-m", "gunicorn", "app"), True),
        (("sh", "-c", "exec gunicorn -w $N app"), True),
        (("sh", "-c", "export A=9; exec gunicorn app"), False),
        (("sh", "-c", "A=9 gunicorn app"), False),
        (("/entrypoint.sh", "gunicorn", "app"), False),
        (("env", "A=9", "gunicorn"), False),
    ],
)
def test_what_runs_before_the_server_is_a_gap(argv: tuple[str, ...], followed: bool) -> None:  # noqa: FBT001
    start = podman.start(OWNER, MASTER, Known(Answers(files={RECORD: runtime(*argv)})))
    assert (not gaps(start)) == followed


def test_another_place() -> None:
    argv = (
        *CONMON.argv,
        "--exit-command-arg",
        "--root",
        "--exit-command-arg",
        "/srv/c",
        "--exit-command-arg",
        "--tmpdir",
    )
    argv = (*argv, "--exit-command-arg", "/run/libpod")
    known = Known(Answers(files={RECORD: runtime()}))
    podman.start(owned(podman, MASTER, CONMON._replace(argv=argv)), MASTER, known)
    assert [k[:4] for k in known.wanted] == [("run", "podman", "--root", "/srv/c")]


CREATED = ("podman", "--runtime", "runc", "run", "-d", "--name", "shop", "--env-file", "/etc/shop.env", "img")


def test_files_that_creation_reads_again() -> None:
    files = {RECORD: runtime(), "/etc/shop.env": FileFacts("ok", b"A=new\nD=4\n", 9.0)}
    given = (*CREATED[:-1], "--env", "D=5", "img")
    start = podman.start(OWNER, MASTER, Known(Answers(files=files, outputs=command(*given))))
    found = origins(start)
    assert (found["A"], found["D"][0], found["B"][0]) == (("new", "/etc/shop.env:1"), "5", "x=y")


def told(kind: str, process: Process, answers: Answers, *ancestors: Process) -> tuple[Snapshot, Server]:
    owner = owned(named(kind), process, *ancestors)
    seen = build.snapshot(process)
    server = seen.servers[0]._replace(owners=(owner,))
    return seen._replace(servers=(server,), answers=answers), server


def remedy(kind: str, process: Process, answers: Answers, *ancestors: Process) -> Any:
    """Judge a server of which a spec's file says something newer."""
    seen, _ = told(kind, process, answers, *ancestors)
    app = {"sources": [{"file": "/new", "dialect": "docker"}], "env": {"A": "9"}}
    text = json.dumps({"version": 1, "apps": {"shop": app}}).encode()
    seen = seen._replace(files={"/new": FileFacts("ok", b"A=9\n", build.NOW)})
    [judged] = judge(seen, spec.load(text, "/s.yaml"), (), build.OPEN).hosts[0].apps
    return judged.remedy


def test_podman_creates_it_anew() -> None:
    answers = Answers(files={RECORD: runtime()}, outputs=command(*CREATED))
    plan = remedy("podman", MASTER, answers, CONMON)
    assert (plan.action, plan.sufficient) == (Action.RECREATE, True)
    [step] = plan.steps
    assert step.argv == (*CREATED[:4], "--replace", *CREATED[4:])
    assert ("podman", "restart", "shop") in [s.argv for s in plan.insufficient]


@pytest.mark.parametrize(
    "given",
    [(), CREATED[:4] + CREATED[5:], CREATED[:5] + CREATED[7:], ("podman", "create", "--name", "shop", "img")],
)
def test_where_the_command_is_not_known(given: tuple[str, ...]) -> None:
    plan = remedy("podman", MASTER, Answers(files={RECORD: runtime()}, outputs=command(*given)), CONMON)
    assert (plan.action, plan.sufficient, plan.steps) == (Action.RECREATE, False, ())
    assert "podman run --replace --name shop" in plan.note
    assert ("podman", "restart", "shop") in [s.argv for s in plan.insufficient]


def test_a_secret_in_the_command_is_masked() -> None:
    given = (*CREATED[:-1], "--env", "API_TOKEN=ghp_abcdefghijklmnopqrstuvwxyz0123456789", "img")
    seen, server = told("podman", MASTER, Answers(outputs=command(*given)), CONMON)
    policy = build.OPEN._replace(reveal=())
    [step] = podman.restart(server.owner, server, None, seen, policy)  # type: ignore[arg-type]
    assert not step.runnable
    assert "ghp_" not in str(step)
    assert [h.cause for h in podman.hazards(server.owner, server, seen)] == ["unknown-start"]


DOCKED = build.gunicorn(6, 1, cgroup=f"0::/system.slice/docker-{ID}.scope")
DOCKER_RECORD = f"/var/lib/docker/containers/{ID}/config.v2.json"
LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
    "com.docker.compose.project.working_dir": "/srv/shop",
    "com.docker.compose.project.config_files": "/srv/shop/compose.yaml,/srv/shop/override.yaml",
}


def docked(labels: dict[str, str] | None = None) -> Answers:
    config = {"Hostname": "h1", "Env": ["A=1", "PATH=/opt"], "Labels": labels, "Tty": True}
    record = {"ID": ID, "Path": "gunicorn", "Args": ["app"], "Config": config, "Name": "/shop"}
    return Answers(files={DOCKER_RECORD: facts(record)})


def test_the_record_of_docker() -> None:
    start = docker.start(owned(docker, DOCKED), DOCKED, Known(docked()))
    assert {n: v for n, (v, _) in origins(start).items()} == {
        "PATH": "/opt",
        "HOSTNAME": "h1",
        "TERM": "xterm",
        "A": "1",
    }
    assert gaps(start) == {}


@pytest.mark.parametrize("status", ["missing", "denied"])
def test_no_record_of_docker(status: str) -> None:
    known = Known(Answers(files={DOCKER_RECORD: FileFacts(status)}))
    assert list(gaps(docker.start(owned(docker, DOCKED), DOCKED, known))) == [DOCKER_RECORD]


def test_compose_creates_it_anew() -> None:
    plan = remedy("docker", DOCKED, docked(LABELS))
    assert plan.action is Action.RECREATE
    files = ("--file", "/srv/shop/compose.yaml", "--file", "/srv/shop/override.yaml")
    where = ("--project-name", "shop", "--project-directory", "/srv/shop", *files)
    assert plan.steps[0].argv == ("docker", "compose", *where, "up", "--detach", "--force-recreate", "web")
    assert ("docker", "restart", ID[:12]) in [s.argv for s in plan.insufficient]
    assert any("compose.yaml" in h.message for h in docker.hazards(*told_of(docked(LABELS))))


def told_of(answers: Answers) -> tuple[Any, Server, Snapshot]:
    seen, server = told("docker", DOCKED, answers)
    return server.owner, server, seen


def test_docker_alone() -> None:
    plan = remedy("docker", DOCKED, docked())
    assert (plan.action, plan.steps, plan.sufficient) == (Action.RECREATE, (), False)
    assert "docker run" in plan.note


def test_kubernetes_is_dynamic() -> None:
    master = build.gunicorn(6, 1, cgroup=f"0::{SLICE}/cri-containerd-{ID}.scope")
    start = kubernetes.start(owned(kubernetes, master), master, Known(Answers()))
    [why] = gaps(start).values()
    assert why == "dynamic: env/envFrom are resolved by the kubelet when the container is created"
    plan = remedy("kubernetes", master, Answers())
    assert (plan.action, plan.steps, "rollout restart" in plan.note) == (Action.RECREATE, (), True)
    assert plan.insufficient[0].argv == ("kill", "-TERM", "6")


def init(*argv: str, pid: int = 1) -> Process:
    return build.process(pid, argv, parent=0, comm=argv[0].rpartition("/")[2])


@pytest.mark.parametrize(
    ("server", "parent", "kind"),
    [
        (build.gunicorn(1, 0), None, "container"),
        (build.gunicorn(1, 0, cgroup=f"0::/docker/{ID}"), None, "container"),
        (build.gunicorn(7, 1), init("/usr/bin/tini", "--", "/usr/bin/gunicorn", "app:app"), "container"),
        (build.gunicorn(7, 1), init("/sbin/docker-init", "--", "/start.sh", "gunicorn"), "container"),
        (build.gunicorn(7, 1), init("/usr/bin/tini", "--", "/usr/sbin/sshd"), None),  # it has adopted it
        (build.gunicorn(7, 1), init("/sbin/init"), None),
        (build.gunicorn(7, 1, cgroup=f"0::/docker/{ID}"), init("/sbin/init"), "docker"),
        (build.gunicorn(1, 0, at_exec={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}), None, "kubernetes"),
    ],
)
def test_from_within(server: Process, parent: Process | None, kind: str | None) -> None:
    found = owners(server, {parent.pid: parent} if parent else {})
    assert (found[0].kind if found else None) == kind


def test_nobody_inside_starts_the_first_process_again() -> None:
    expected = spec.load(b"apps: {web: {match: {server: any}, env: {COLOUR: {equals: blue}}}}", "/spec.yaml")
    snapshot = build.snapshot(build.gunicorn(1, 0, at_exec={"COLOUR": "red"}))
    [server] = snapshot.servers
    owned_by = server._replace(owners=owners(server.first, {}))
    report = judge(snapshot._replace(servers=(owned_by,)), expected, [], Policy(key=bytes(32)))
    [app] = report.hosts[0].apps
    assert (app.state, app.remedy.steps, app.remedy.sufficient) == ("unexplained", (), False)
    assert named("container").restart(owned_by.owner, owned_by, app.configured, snapshot, app.policy) == ()
    advice = named("container").advice(owned_by.owner, snapshot)  # type: ignore[attr-defined]
    assert "from outside of it" in advice

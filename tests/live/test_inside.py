"""`-H ENGINE://NAME`: the same probe, inside of a container. podman is the real one; for docker and kubectl a
stand-in takes their place: it does what their `exec -i` is documented to do with a command and its streams.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.checking import envcheck
from live.harness import clean, need, root_only, send, wait_for
from live.podman import Container
from live.servers import Gunicorn

pytestmark = [pytest.mark.live, root_only]


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    server = Container(tmp_path)
    server.file.write_text("COLOUR=red\n")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def probes(container: Container) -> list[str]:
    """Give the command lines of the probes that run in a container."""
    script = 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done'
    argv = container.tool("exec", container.name, "sh", "-c", script)
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60, env=clean())
    return [line for line in done.stdout.splitlines() if line.startswith("python3 -I -S -c import sys")]


def test_what_runs_in_it(container: Container) -> None:
    path, name = container.door(), f"podman://{container.name}"
    done = envcheck("ps", "-H", name, "-f", "json", PATH=path)
    [host] = json.loads(done.out)["hosts"]
    [server] = host["servers"]
    [generation] = server["generations"]
    assert (host["name"], generation["master"]["pid"], len(generation["workers"])) == (name, 1, 2)

    shown = envcheck("show", "-H", name, "1", "--reveal", "COLOUR", "-f", "json", PATH=path)
    layers = json.loads(shown.out)["layers"]
    assert layers["live"]["variables"]["COLOUR"] == "red"

    expected = container.folder / "expected.yaml"
    expected.write_text(
        json.dumps(
            {"version": 1, "apps": {"web": {"match": {"pid": 1}, "env": {"COLOUR": {"equals": "red"}}}}}
        )
    )
    # What the container would be given anew cannot be known in it.
    assert envcheck("check", "-s", str(expected), "-H", name, PATH=path).status == 3
    expected.write_text(expected.read_text().replace('"red"', '"blue"'))
    judged = envcheck("check", "-s", str(expected), "-H", name, "--sudo", "-f", "json", PATH=path)
    assert judged.status == 1, judged
    [app] = json.loads(judged.out)["hosts"][0]["apps"]
    assert app["supervisor"]["kind"] == "container", app
    assert app["generations"][0]["master"]["pid"] == 1
    assert not probes(container)


def test_states(container: Container, tmp_path: Path) -> None:
    path = container.door()

    def state(host: str, path: str = path) -> str:
        done = envcheck("check", "-H", host, PATH=path)
        assert done.status == 3, done
        assert done.out.splitlines()[-1].startswith("do: "), done
        return done.out.splitlines()[0].rpartition(" ")[2]

    assert state("podman://none-such") == "no-container"
    assert state(f"podman://{container.name}", str(tmp_path)) == "no-engine"
    assert state("docker://web", str(tmp_path)) == "no-engine"
    container.run(*container.tool("stop", "-t", "1", container.name))
    assert state(f"podman://{container.name}") == "not-running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
def test_nothing_is_left(container: Container, number: signal.Signals) -> None:
    """While the probe looks for more than it will ever find."""
    code = (
        "from envcheck.hosts.engines import Inside; from envcheck.hosts.remote import Remote, Timing;"
        f"way = Inside('podman://{container.name}');"
        "host = Remote(way, Timing(5.0, 60.0), print);"
        "host.ask([{'op': 'glob', 'patterns': ['/proc/*/*/*/*/*', '/*/*/*/*/*/*']}])"
    )
    env = clean(PATH=container.door())
    client = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: probes(container), "the probe does not start")
        client.send_signal(number)
        client.wait(5)
        wait_for(lambda: not probes(container), "something is left", 3.0)
    finally:
        send(client.pid, signal.SIGKILL)
        client.wait()


def test_the_time_is_over(container: Container) -> None:
    began = time.monotonic()
    done = envcheck("check", "-H", f"podman://{container.name}", "--timeout", "50ms", PATH=container.door())
    assert time.monotonic() - began < 5
    assert (done.status, "timed-out" in done.out) == (3, True), done
    wait_for(lambda: not probes(container), "something is left", 3.0)


def test_without_python3(tmp_path: Path) -> None:
    """Its shell is asked: busybox, and nothing else."""
    need("busybox", "ldd")
    root = tmp_path / "root"
    program = str(shutil.which("busybox"))
    said = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
    for path in [program, *(word for word in said.split() if word.startswith("/"))]:
        inside = root / path.lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, inside)
    for name in ("bin", "tmp", "etc", "proc", "dev", "sys", "run", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for applet in (
        "sh",
        "cat",
        "ls",
        "stat",
        "id",
        "date",
        "uname",
        "readlink",
        "head",
        "timeout",
        "grep",
        "sleep",
    ):
        (root / "bin" / applet).symlink_to(program)

    class Small(Container):
        def command(self) -> list[str]:
            return ["/bin/sleep", "600"]

    box = Small(tmp_path, f"{root}:O")
    box.file.write_text("COLOUR=red\n")
    box.folder = Path("/")
    box.env["PATH"] = "/bin"
    box.engine.place.mkdir(exist_ok=True)
    try:
        box.launch()
        name = f"podman://{box.name}"
        done = envcheck("show", "-v", "-H", name, "1", "--reveal", "COLOUR", "-f", "json", PATH=box.door())
        assert "it has no python3" in done.err, done
        layers = json.loads(done.out)["layers"]
        assert layers["at_exec"]["variables"]["COLOUR"] == "red"
        assert layers["live"]["status"] == "unsupported"
    finally:
        box.stop()


STAND_IN = """\
#!/bin/sh
printf '%s\\n' "$@" >"$0.words"
while [ "$1" != python3 ]; do shift; done
exec "$@"
"""


@pytest.mark.parametrize("name", ["docker://web", "kubectl://shop/web/app"])
def test_a_stand_in(tmp_path: Path, name: str) -> None:
    program = tmp_path / name.partition(":")[0]
    program.write_text(STAND_IN)
    program.chmod(0o755)
    with Gunicorn(tmp_path / "shop", chain=()) as server:
        path = f"{tmp_path}:{clean()['PATH']}"
        done = envcheck("ps", f"cwd:{server.folder}", "-H", name, "-f", "json", PATH=path)
        [found] = json.loads(done.out)["hosts"][0]["servers"]
        assert found["generations"][0]["master"]["pid"] == server.master
    words = (tmp_path / f"{program.name}.words").read_text().splitlines()
    assert (
        words[: words.index("python3")]
        == {
            "docker": ["exec", "-i", "web"],
            "kubectl": ["exec", "-i", "--quiet", "-n", "shop", "web", "-c", "app", "--"],
        }[program.name]
    )

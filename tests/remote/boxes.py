"""Several hosts on one machine: each an sshd with a process table of its own, and servers in there."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from live.harness import detach, free_port, need, send, wait_for
from live.servers import Gunicorn
from remote.sshd import Sshd, configuration


class Box:
    """An sshd as the first process of a process namespace."""

    def __init__(self, name: str, folder: Path, client: Sshd) -> None:
        need("unshare", "nsenter")
        self.name, self.folder, self.client = name, folder, client
        self.port = free_port()
        self.pid = 0  # of the sshd, as it is seen from outside

    def __enter__(self) -> Self:
        self.folder.mkdir()
        keys = self.client.folder
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": keys / "host",
            "AuthorizedKeysFile": keys / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
        }
        config = self.folder / "sshd_config"
        config.write_text(configuration(settings, self.folder))
        argv = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "/usr/sbin/sshd"]
        self.process = subprocess.Popen(
            [*argv, "-D", "-f", str(config), "-E", str(self.folder / "log")], stderr=subprocess.DEVNULL
        )
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pid = int(wait_for(lambda: children.read_text().strip(), "sshd does not start"))
        log = self.folder / "log"
        wait_for(lambda: log.exists() and "listening" in log.read_text(), "sshd does not listen")
        return self

    def stop(self) -> None:
        send(self.pid, signal.SIGKILL)  # and with it all that runs in there
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()


class Inhabitant(Gunicorn):
    """A server that runs in a box."""

    def __init__(self, box: Box, folder: Path, variables: Path, bins: Path) -> None:
        super().__init__(folder, chain=("envdir", str(variables)), bins=bins)
        self.box = box

    def launch(self) -> Self:
        enter = ["nsenter", "--target", str(self.box.pid), "--pid", "--mount", f"--wd={self.folder}"]
        detach([*enter, "setsid", "--fork", *self.chain, *self.argv()], self.folder, self.env)
        return self


class Boxes:
    """Hosts with a server each, all of one app: the same envdir is behind them."""

    def __init__(self, folder: Path, names: Sequence[str], bins: Path) -> None:
        self.folder, self.bins = folder, bins
        self.client = Sshd(folder / "client", names="127.0.0.1")
        self.variables = folder / "env.d"
        self.variables.mkdir()
        self.boxes = {name: Box(name, folder / name, self.client) for name in names}
        self.servers: dict[str, Inhabitant] = {}
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        client = self.client
        (client.folder / "authorized_keys").write_text(client.public("user") + "\n")
        known = [f"[127.0.0.1]:{box.port} {client.public('host')}\n" for box in self.boxes.values()]
        client.known_hosts.write_text("".join(known))
        client.configure()
        self.put(COLOUR="red")
        Path("/run/sshd").mkdir(exist_ok=True)
        for name, box in self.boxes.items():
            self.stack.enter_context(box)
            server = Inhabitant(box, self.folder / "apps" / name, self.variables, self.bins)
            self.servers[name] = self.stack.enter_context(server)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def put(self, **variables: str) -> None:
        for name, value in variables.items():
            (self.variables / name).write_text(f"{value}\n")

    def arguments(self) -> list[str]:
        """Write a spec and a hosts file; give the options that name them."""
        spec, hosts = self.folder / "spec.yaml", self.folder / "hosts.ini"
        app = f"match: {{cwd: '{self.folder}/apps/*'}}, sources: [{{envdir: {self.variables}}}]"
        spec.write_text(f"apps:\n  shop: {{{app}}}\n")
        lines = (f"{name} ansible_host=127.0.0.1 ansible_port={b.port}" for name, b in self.boxes.items())
        hosts.write_text("\n".join(lines) + "\n")
        return ["-s", str(spec), "--hosts-file", str(hosts)]

    def colours(self) -> dict[str, str]:
        """Give what the workers of each server have."""
        return {name: "/".join(sorted(map(str, s.http("COLOUR")))) for name, s in self.servers.items()}

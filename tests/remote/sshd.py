"""A real sshd on 127.0.0.1 with throw-away keys, and a user whose ssh knows it as `box`.

OpenSSH takes the home of its user from the user database, whatever HOME says: a folder with an `ssh` of our
own, which adds `-F`, stands first in PATH instead.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from live.harness import OWN_BIN, SYSTEM_PATH, free_port, need, send, wait_for


def configuration(settings: Mapping[str, object], home: Path) -> str:
    """Write an sshd_config in which root's shells look for their files in *home*.

    Those of whoever runs the tests take time, and leave locks behind where a session is killed meanwhile.
    """
    lines = [f"{key} {value}\n" for key, value in settings.items()]
    variables = f"HOME={home} {settings.get('SetEnv', '')}"  # a list that is matched stands for all lists
    return "".join([*lines, "Match User root\n", f"  SetEnv {variables}\n"])


class Sshd:
    """Options of sshd_config are given by name; `client` are lines for the user's configuration.

    *names* are those by which the user's ssh knows it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        client: Sequence[str] = (),
        names: str = "box",
        **options: str,
    ) -> None:
        need("sshd", "ssh", "ssh-keygen")
        self.folder = folder
        self.port = free_port()
        self.options = options
        self.client = client
        self.names = names
        self.pid = 0
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("host", "user"):
            self.make_key(name)
        self.known_hosts = folder / "known_hosts"
        self.know(f"[127.0.0.1]:{self.port}", "host")

    def make_key(self, name: str, kind: str = "ed25519") -> Path:
        path = self.folder / name
        if not path.exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True, capture_output=True
            )
        return path

    def public(self, name: str) -> str:
        """Give type and key."""
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def know(self, names: str, key: str, *, marker: str = "", more: str = "") -> None:
        """Write known_hosts: one line, and *more*."""
        self.known_hosts.write_text(f"{marker}{names} {self.public(key)}\n{more}")

    def start(self) -> Self:
        Path("/run/sshd").mkdir(exist_ok=True)
        (self.folder / "authorized_keys").write_text(self.public("user") + "\n")
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": self.folder / "pid",
            **self.options,
        }
        config = self.folder / "sshd_config"
        config.write_text(configuration(settings, self.folder))
        subprocess.run(["/usr/sbin/sshd", "-f", config, "-E", self.folder / "log"], check=True)
        self.pid = int(wait_for(self._pid, "sshd does not start"))
        self.configure()
        return self

    def _pid(self) -> str:
        path = self.folder / "pid"
        return path.read_text().strip() if path.exists() else ""

    def configure(self) -> None:
        """Write the user's configuration, and the ssh that reads it."""
        lines = [
            f"Host {self.names}",
            f"  HostName 127.0.0.1\n  Port {self.port}\n  User root",
            f"  IdentityFile {self.folder / 'user'}\n  IdentitiesOnly yes",
            f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile /dev/null",
        ]
        (self.folder / "config").write_text("\n".join([*self.client, *lines]) + "\n")
        (self.folder / "bin").mkdir(exist_ok=True)
        wrapper = self.folder / "bin" / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {self.folder / "config"} "$@"\n')
        wrapper.chmod(0o755)

    def stop(self) -> None:
        if self.pid:
            send(self.pid, signal.SIGTERM)
            wait_for(self._ended, "sshd does not end")

    def _ended(self) -> bool:
        """Tell whether it has ended, even if nobody has reaped it."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text("latin-1")
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] in "ZX"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def env(self, **more: str) -> Mapping[str, str]:
        return {"PATH": f"{self.folder / 'bin'}:{OWN_BIN}:{SYSTEM_PATH}", "HOME": str(self.folder), **more}

    def envcheck(self, *arguments: str, **env: str) -> Done:
        """Run the command line as its user would."""
        return self.run(f"{OWN_BIN}/envcheck", *arguments, **env)

    def run(self, *argv: str, **env: str) -> Done:
        """Run a command with that user's files and environment."""
        began = time.monotonic()
        done = subprocess.run(
            argv,
            check=False,
            env=self.env(**env),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


class Done:
    def __init__(self, code: int, out: str, err: str, seconds: float) -> None:
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self) -> str:
        return f"{self.code} after {self.seconds:.2f} s\n{self.out}\n{self.err}"

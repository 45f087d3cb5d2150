"""A real systemd as pid 1 of namespaces of its own, on a throw-away overlay of this machine's root.

The network is shared, so a server in it is reached on 127.0.0.1; nothing written in it reaches the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Self

from live.harness import SYSTEM_PATH, need, wait_for

MANAGER = "/lib/systemd/systemd"
CHECKOUT = Path(__file__).resolve().parents[3]
CGROUPS = [p for p in map(Path, ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")) if p.is_dir()]

# What runs in the new namespaces, and ends by becoming systemd. $1: the new root; then folders to bind.
INIT = r"""
set -e
R=$1; shift
mount --make-rprivate /
mount -t proc proc "$R/proc"
mount -t sysfs -o ro sysfs "$R/sys"
mount -t tmpfs -o mode=755 tmpfs "$R/dev"
for d in null zero full random urandom tty; do touch "$R/dev/$d"; mount --bind "/dev/$d" "$R/dev/$d"; done
mkdir -p "$R/dev/pts" "$R/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$R/dev/pts"
ln -s pts/ptmx "$R/dev/ptmx"
mount -t tmpfs tmpfs "$R/dev/shm"
ln -s /proc/self/fd "$R/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$R/run"
mkdir -p /run/.envcheck-binds
for d in "$@"; do mkdir -p "/run/.envcheck-binds$d"; mount --rbind "$d" "/run/.envcheck-binds$d"; done
mount -t tmpfs -o mode=1777 tmpfs "$R/tmp"
mount -t tmpfs -o mode=755 tmpfs "$R/sys/fs/cgroup"
mkdir "$R/sys/fs/cgroup/systemd" "$R/sys/fs/cgroup/unified"
mount -t cgroup -o none,name=systemd cgroup "$R/sys/fs/cgroup/systemd"
mount -t cgroup2 cgroup2 "$R/sys/fs/cgroup/unified"
for d in "$@"; do mkdir -p "$R$d"; mount --rbind "/run/.envcheck-binds$d" "$R$d"; done
mkdir -p "$R/.old"; cd "$R"; pivot_root . .old; umount -l /.old
exec env -i container=unshare FROM_INIT='of pid 1' PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  /lib/systemd/systemd --system --unit=basic.target
"""


class Machine:
    """One booted systemd; *binds* are folders of this machine that it sees too."""

    def __init__(self, *binds: Path) -> None:
        need("unshare", "nsenter", "systemctl")
        # The checkout may lie below /tmp, which the machine has one of its own of.
        self.binds = [str(b) for b in (CHECKOUT, *binds)]
        self.folder = Path(tempfile.mkdtemp(prefix="envcheck-systemd-", dir="/var/tmp"))
        self.name = self.folder.name
        self.root = self.folder / "root"
        self.leader = 0
        self._launcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._boot()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _boot(self) -> None:
        _mount("-t", "tmpfs", "-o", "size=1g,mode=755", "tmpfs", str(self.folder))
        for name in ("upper", "scratch", "root"):
            (self.folder / name).mkdir()
        layers = f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/scratch"
        _mount("-t", "overlay", "overlay", "-o", layers, str(self.root))
        (self.root / "etc/machine-id").write_text("")
        for hierarchy in CGROUPS:
            (hierarchy / self.name).mkdir()
        (self.folder / "init.sh").write_text(INIT)
        joins = "".join(f"echo $$ > {h / self.name}/cgroup.procs; " for h in CGROUPS)
        unshare = "unshare --pid --fork --kill-child --mount --uts --ipc --cgroup"
        command = f'{joins} exec {unshare} sh "$@"'
        argv = ["sh", "-c", command, "sh", str(self.folder / "init.sh"), str(self.root), *self.binds]
        with (self.folder / "log").open("wb") as log:
            self._launcher = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.leader = wait_for(self._child, "unshare has no child")
        states = ("running", "degraded")
        wait_for(lambda: self.ask("systemctl", "is-system-running") in states, "systemd does not come up")

    def _child(self) -> int:
        assert self._launcher is not None
        assert self._launcher.poll() is None, (self.folder / "log").read_text(errors="replace")
        pid = self._launcher.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def stop(self) -> None:
        if self.leader:
            _kill(self.leader, signal.SIGKILL)  # of pid 1: the kernel ends the whole namespace
        if self._launcher is not None:
            _kill(self._launcher.pid, signal.SIGKILL)
            self._launcher.wait(30)
        for path in (self.root, self.folder):
            while os.path.ismount(path):
                subprocess.run(["umount", "-l", str(path)], check=True)
        for hierarchy in CGROUPS:
            top = hierarchy / self.name
            wait_for(partial(_remove_cgroups, top), f"{top} stays")
        shutil.rmtree(self.folder)

    # --- in it -----------------------------------------------------------------------------------

    def argv(self, *argv: str) -> list[str]:
        return ["nsenter", f"--target={self.leader}", "-m", "-p", "-u", "-i", "-C", "-r", "-w", *argv]

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.argv(*argv),
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={"PATH": SYSTEM_PATH, "HOME": "/root"},
        )
        assert not check or done.returncode == 0, (
            argv,
            done.returncode,
            done.stdout[-2000:],
            done.stderr[-2000:],
            (self.folder / "log").read_text(errors="replace")[-2000:],
        )
        return done

    def ask(self, *argv: str) -> str:
        return self.run(*argv, check=False).stdout.strip()

    def systemctl(self, *words: str, check: bool = True) -> str:
        return self.run("systemctl", *words, check=check).stdout

    def python(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python on this very checkout, whichever one is installed."""
        return self.run("env", f"PYTHONPATH={CHECKOUT}", sys.executable, *words, check=check)

    def path(self, path: str) -> Path:
        """Give the path by which this machine reaches a file in it."""
        return Path(f"/proc/{self.leader}/root{path}")

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> Path:
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            file.unlink()
        file.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
        file.chmod(mode)
        return file


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _remove_cgroups(top: Path) -> bool:
    """Remove a cgroup with those in it; False: a process has not ended yet."""
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except OSError:
            return False
    return True

"""Runs envcheck from end to end, and holds every run against what no run may do.

No traceback, no planted secret, no control character, one error at most, documents as the contract has them.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jsonschema import Draft202012Validator
from live.harness import clean, detach, wait_for

HERE = Path(__file__).parent
CONTRACT = HERE.parent / "contract"
AS_NOBODY = HERE / "as_nobody.py"
TIMEOUT = 60.0  # seconds after which a run counts as hanging, on a machine that is busy with others

STATUSES = frozenset({0, 1, 2, 3, 5, 130, 143})
SGR = re.compile(r"\x1b\[[0-9;]*m")
# What drives a terminal, hides, or turns the direction of writing; a newline ends a line of ours.
RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
SCHEMAS = {
    name: Draft202012Validator(json.loads((CONTRACT / f"{name}.schema.json").read_text()))
    for name in ("report", "show")
}


class Ran(NamedTuple):
    """A run that broke no promise that all runs make."""

    status: int
    out: str
    err: str
    document: Any  # the JSON that was asked for beside the text, or instead of it

    @property
    def error(self) -> str:
        """The one error, without its hint."""
        lines = [line for line in self.err.splitlines() if line.startswith("envcheck: error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("envcheck: error: ")

    @property
    def first(self) -> str:
        return self.out.partition("\n")[0]

    @property
    def app(self) -> Any:
        [host] = self.document["hosts"]
        [app] = host["apps"]
        return app


class Canaries:
    """The secrets that were planted, and in which shapes they may come out."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def plant(self, where: str, secret: str) -> str:
        raw = secret.encode()
        forms = [raw, quote(secret, safe="").encode(), raw.hex().encode()]
        forms += [base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")]
        for form in forms:
            self._forms[form] = where
        return secret

    def found(self, data: bytes, besides: Sequence[str] = ()) -> list[str]:
        """Say of which places a secret is in the data; *besides*: secrets that were asked for."""
        allowed = {secret.encode() for secret in besides}
        return sorted({where for form, where in self._forms.items() if form in data and form not in allowed})


CANARIES = Canaries()


def command(*arguments: str, nobody: bool = False) -> list[str]:
    return [sys.executable, *([str(AS_NOBODY)] if nobody else ["-m", "envcheck"]), *arguments]


def run(
    *arguments: str,
    cwd: Path | str = "/",
    env: Mapping[str, str] | None = None,
    wrap: Sequence[str] = (),
    nobody: bool = False,
    revealed: Sequence[str] = (),
    color: bool = False,
    prepare: Callable[[], None] | None = None,
) -> Ran:
    """Run envcheck; `-f json` is parsed, and `check` and `show` in text give their JSON too."""
    argv = list(arguments)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        beside = Path(folder, "document.json")
        if argv[0] in ("check", "show", "ps") and "-f" not in argv and "--help" not in argv:
            argv += ["-f", "text", "-f", f"json={beside}"]
        child = subprocess.Popen(
            [*wrap, *command(*argv, nobody=nobody)],
            cwd=cwd,
            env=clean() | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=prepare,  # noqa: PLW1509 - one thread starts processes here
        )
        with _watched(child.pid) as seen:
            try:
                out, err = child.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()
                raise
        text = beside.read_text() if beside.exists() else out.decode() if argv[-2:] == ["-f", "json"] else ""
    hold(child.returncode, out, err + text.encode(), revealed=revealed, color=color)
    assert not CANARIES.found(b"\n".join(seen)), "a secret on our own command line"
    return Ran(child.returncode, out.decode(), err.decode(), _document(text) if text else None)


def hold(
    status: int, out: bytes, others: bytes, *, revealed: Sequence[str] = (), color: bool = False
) -> None:
    """Assert what is true of every run."""
    said = out + others
    assert b"Traceback" not in said, said.decode()
    assert b"envcheck: bug" not in said, said.decode()
    assert b"Exception ignored" not in said, said.decode()
    assert status in STATUSES, (status, said.decode())
    text = said.decode()
    found = RAW.search(SGR.sub("", text) if color else text)
    assert found is None, ascii(text[max(0, found.start() - 60) : found.end() + 60])
    assert not CANARIES.found(said, revealed), f"{CANARIES.found(said, revealed)} in {text}"
    assert others.count(b"envcheck: error: ") <= 1, others.decode()


def _document(text: str) -> Any:
    """Read JSON as strictly as any reader does, and hold it against the contract."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(text, parse_constant=refuse)
    json.dumps(document, ensure_ascii=False).encode()  # no half of a surrogate pair
    kind = document["schema"].partition("/")[0].removeprefix("envcheck.")
    if kind in SCHEMAS:
        SCHEMAS[kind].validate(document)  # pyright: ignore[reportUnknownMemberType] - its stubs are partial
    return document


@contextmanager
def _watched(pid: int) -> Generator[set[bytes]]:
    """Collect the command lines of a process and its children while it runs."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            for one in _family(pid):
                try:
                    seen.add(Path(f"/proc/{one}/cmdline").read_bytes())
                except OSError:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(member for child in children for member in _family(int(child)))]


def on_terminal(*arguments: str, columns: int, cwd: Path | str = "/") -> tuple[int, str]:
    """Run on a terminal of that many columns."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # lines end as they were written
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    child = subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=clean(TERM="xterm-256color"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    pieces: list[bytes] = []
    try:
        while piece := os.read(master, 65536):
            pieces.append(piece)
    except OSError:  # EIO: the last writer has closed it
        pass
    finally:
        os.close(master)
    status = child.wait(TIMEOUT)
    out = b"".join(pieces)
    hold(status, out, b"", color=True)
    return status, out.decode()


# --- servers -----------------------------------------------------------------------------------------

APP = """\
import os
{prelude}
def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]

def make(*_, **__):
    return app

with open(f"ready.{{os.getpid()}}.new", "w") as file:
    file.write(str(os.getppid()))
os.rename(file.name, file.name[:-4])
"""


class Gunicorn(NamedTuple):
    folder: Path
    master: int
    workers: tuple[int, ...]


def gunicorn(
    folder: Path,
    *arguments: str,
    app: str = "app:app",
    chain: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    titles: bool = False,
    workers: int = 1,
    prelude: str = "",
) -> Gunicorn:
    """Start a Gunicorn and wait until its workers have loaded the application."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(APP.format(prelude=prelude))
    lib = folder / "lib"
    lib.mkdir(exist_ok=True)
    if not titles:
        (lib / "setproctitle.py").write_text("raise ImportError\n")
    program = [sys.executable, "-m", "gunicorn", f"--workers={workers}", "--bind=unix:socket"]
    given = {"PYTHONPATH": str(lib), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    detach([*chain, *program, *arguments, app], folder, clean() | given)

    def ready() -> list[Path]:
        found = [p for p in folder.glob("ready.*") if p.suffix != ".new"]
        return found if len(found) == workers else []

    files = wait_for(ready, f"gunicorn in {folder}")
    master = int(files[0].read_text())
    return Gunicorn(folder, master, tuple(int(p.suffix[1:]) for p in files))


def write_spec(path: Path, **apps: Any) -> Path:
    path.write_text(json.dumps({"apps": apps}, ensure_ascii=False))
    return path


def app_in(folder: Path | str, *sources: Mapping[str, Any], **env: Any) -> dict[str, Any]:
    """Describe the app whose server runs in a folder."""
    parts: dict[str, Any] = {"match": {"server": "gunicorn", "cwd": str(folder)}}
    return parts | ({"sources": list(sources)} if sources else {}) | ({"env": env} if env else {})


def envdir(path: Path, **files: str | bytes) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
    return path


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def make_sparse(path: Path) -> None:
    """Make a file of 2 GiB that takes no room."""
    path.touch()
    os.truncate(path, 2 << 30)

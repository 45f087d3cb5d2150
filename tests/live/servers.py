"""Gunicorn and Unicorn as the tests start them. Their applications print what they have as JSON."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from live.harness import OWN_BIN, SYSTEM_PATH, Server, need, wait_for

WSGI = """\
import json, os, time
{prelude}
def app(environ, start_response):
    if environ["QUERY_STRING"]:
        time.sleep(0.03)
    start_response("200 OK", [("Content-Type", "application/json")])
    said = {{"pid": os.getpid(), "parent": os.getppid(), "environ": dict(os.environ)}}
    return [json.dumps(said).encode()]
"""

RACK = """\
{first}
require 'json'
{prelude}
run lambda {{ |env|
  sleep 0.03 unless env['QUERY_STRING'].empty?
  said = {{pid: Process.pid, parent: Process.ppid, environ: ENV.map {{ |k, v| [k, v.dup] }}.to_h}}
  [200, {{'Content-Type' => 'application/json'}}, [JSON.generate(said)]]
}}
"""

# What a dotenv library does, without its other lines: what is set already is kept.
DOTENV_PYTHON = """\
for line in open(os.path.join(os.path.dirname(__file__), ".env")):
    name, _, value = line.strip().partition("=")
    os.environ.setdefault(name, value)
"""
DOTENV_RUBY = """\
File.foreach(File.join(__dir__, '.env')) { |l| k, v = l.strip.split('=', 2); ENV[k] ||= v }
"""


class Gunicorn(Server):
    """Gunicorn; *bins* names the folder of the program: with setproctitle, or without."""

    kind = "gunicorn"

    def __init__(
        self,
        folder: Path,
        *args: str,
        program: Sequence[str] = ("gunicorn",),
        bins: Path | str = OWN_BIN,
        prelude: str = "",
        **options: Any,
    ) -> None:
        super().__init__(folder, **options)
        self.program = tuple(program)
        self.args = args
        self.env["PATH"] = f"{bins}:{SYSTEM_PATH}" + (f":{self.env['PATH']}" if "env" in options else "")
        self.code(prelude)

    def code(self, prelude: str) -> None:
        """Deploy another version of the application."""
        self.write("app.py", WSGI.format(prelude=prelude))

    def retire(self, master: int, number: signal.Signals = signal.SIGQUIT) -> None:
        """Wait for the promotion too: before it the new master takes no USR2."""
        log = self.folder / "log"
        before = log.read_text().count("Master has been promoted")
        super().retire(master, number)
        wait_for(
            lambda: log.read_text().count("Master has been promoted") > before, "the master is not promoted"
        )

    def argv(self) -> list[str]:
        bind = f"127.0.0.1:{self.port}"
        return [*self.program, "-w", str(self.workers), "-b", bind, *self.args, "app:app"]


class Unicorn(Server):
    """Unicorn with the configuration file unicorn.rb, or without any (*config* is None)."""

    kind = "unicorn"

    def __init__(
        self,
        folder: Path,
        *args: str,
        program: Sequence[str] = ("unicorn",),
        config: str | None = "",
        prelude: str = "",
        first: str = "",
        **options: Any,
    ) -> None:
        need("unicorn")
        if config is None:
            options["workers"] = 1
        super().__init__(folder, **options)
        self.program = tuple(program)
        self.args = args
        self.config = config
        self.write("config.ru", RACK.format(first=first.format(port=self.port), prelude=prelude))
        if config is not None:
            head = f"worker_processes {self.workers}\nlisten '127.0.0.1:{self.port}'\n"
            self.write("unicorn.rb", head + config)

    def argv(self) -> list[str]:
        named = ["-l", f"127.0.0.1:{self.port}"] if self.config is None else ["-c", "unicorn.rb"]
        return [*self.program, *named, *self.args]


def without_titles(folder: Path) -> Path:
    """Make a virtual environment that has gunicorn but not setproctitle; give the folder of its programs."""
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    [site] = folder.glob("lib/python3*/site-packages")
    for module in ("gunicorn", "packaging"):
        spec = find_spec(module)
        assert spec is not None
        source = Path(str(spec.origin)).parent
        shutil.copytree(source, site / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    script = folder / "bin" / "gunicorn"
    script.write_text(
        f"#!{folder}/bin/python3\nimport sys\nfrom gunicorn.app.wsgiapp import run\nsys.exit(run())\n"
    )
    script.chmod(0o755)
    return folder / "bin"


def readable_python(site: Path) -> tuple[Path, Path]:
    """Give a Python, and a folder with envcheck and what it imports, that every user may read."""
    library = site / "library"
    if not library.exists():
        code = (
            "import sys, psutil, yaml\n"
            "import envcheck.cli.check, envcheck.cli.ps, envcheck.cli.show, envcheck.spec\n"
            "for name, module in list(sys.modules.items()):\n"
            "    file = getattr(module, '__file__', None) or ''\n"
            "    if '.' not in name and ('site-packages' in file or name == 'envcheck'): print(file)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        library.mkdir(mode=0o755)
        for file in map(Path, done.stdout.split()):
            if file.name == "__init__.py":
                name = file.parent.name
                shutil.copytree(file.parent, library / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(file, library)
        for path in library.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        python = site / "bare" / "bin" / "python3"
        # Nobody may write there: every start would compile all of it again.
        subprocess.run([python, "-m", "compileall", "-q", str(library)], check=True)
    return site / "bare" / "bin" / "python3", library

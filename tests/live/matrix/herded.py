"""Places under a herder: the server daemonises, the herder watches its pid file, an envdir is before it."""

from __future__ import annotations

import sys
from pathlib import Path

from live.harness import detach
from live.matrix.place import Envdir

HERDER = Path(__file__).parents[1] / "herder.py"


class Herded(Envdir):
    """Started by hand through an envdir."""

    titles = True
    keeper = "HERDER"

    def launch(self) -> None:
        program, *rest = self.server.argv()
        kind = "unicorn" if self.cell.server == "unicorn" else "gunicorn"
        output = [] if kind == "unicorn" else ["--log-file", "log"]
        argv = [sys.executable, str(HERDER), "-u", program, "-p", "app.pid", "--", *output, *rest]
        for left in self.folder.glob("app.pid*"):
            left.unlink()
        detach(["envdir", "env.d", *argv], self.folder, self.server.env)

"""Places under supervisord: its own variables, and those of a program."""

from __future__ import annotations

from live.harness import OWN_BIN, clean, detach
from live.matrix.cells import NAME
from live.matrix.place import Place

MAIN = """\
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
nodaemon=true
{for_all}

[unix_http_server]
file=%(here)s/ctl.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/ctl.sock

[program:web]
command={command}
directory={folder}
environment=PATH="{path}"{own}
stdout_logfile={folder}/log
redirect_stderr=true
"""


class Supervisord(Place):
    """The variable stands in [program:web]."""

    value: str | None = None

    def put(self, value: str | None) -> None:
        self.value = value
        (self.home / "sup").mkdir(exist_ok=True)
        (self.home / "sup" / "supervisord.conf").write_text(self.text())

    def text(self) -> str:
        own = "" if self.value is None else f',{NAME}="{self.value}"'
        return self.filled("", own)

    def filled(self, for_all: str, own: str) -> str:
        return MAIN.format(
            command=" ".join(self.server.argv()),
            folder=self.folder,
            path=self.server.env["PATH"],
            for_all=for_all,
            own=own,
        )

    def launch(self) -> None:
        argv = [f"{OWN_BIN}/supervisord", "-n", "-c", "supervisord.conf"]
        detach(argv, self.home / "sup", clean(self.home))


class SupervisordAll(Supervisord):
    """The variable stands in [supervisord]."""

    def text(self) -> str:
        return self.filled("" if self.value is None else f'environment={NAME}="{self.value}"', "")

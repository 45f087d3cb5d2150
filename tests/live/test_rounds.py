"""How often a host is asked: what will be wanted is read with the processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from live.servers import Gunicorn

from envcheck.collect import collect
from envcheck.hosts import Answer, Request
from envcheck.hosts.local import Local


class Noting(Local):
    """This machine, with the paths that it is asked for; other servers may run on it too."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        self.paths |= {request["path"] for request in requests if "path" in request}
        return super().ask(requests)


def test_what_configures_a_server_is_read_with_its_processes(tmp_path: Path) -> None:
    with Gunicorn(tmp_path / "shop") as shop:
        config = shop.folder / "gunicorn.conf.py"
        config.write_text('raw_env = ["COLOUR=red"]\n')
        host = Noting()

        snapshot = collect(host)

        assert str(shop.folder) in {server.first.cwd for server in snapshot.servers}
        assert snapshot.files[str(config)].content == config.read_bytes()
        assert not {path for path in host.paths if path.startswith(str(shop.folder))}

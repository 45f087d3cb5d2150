"""A place in a container of podman, whose variables stand in a file that it is created with."""

from __future__ import annotations

import shutil
from pathlib import Path

from live.harness import kill_all_in
from live.matrix.cells import NAME, Cell
from live.matrix.place import Place, World
from live.podman import Engine


class EnvFile(Place):
    """Judged from the machine that the container runs on."""

    def __init__(self, cell: Cell, home: Path, world: World) -> None:
        super().__init__(cell, home, world)
        self.engine = Engine(f"web{self.server.port}")

    @property
    def file(self) -> Path:
        return self.home / "shop.env"

    def put(self, value: str | None) -> None:
        self.file.write_text("OTHER=1\n" + ("" if value is None else f"{NAME}={value}\n"))

    def launch(self) -> None:
        program, *rest = self.server.argv()
        found = shutil.which(program, path=self.server.env["PATH"])
        self.engine.create(self.server, "--env-file", str(self.file), command=[str(found), *rest])

    def stop(self) -> None:
        self.engine.remove()
        kill_all_in(self.home)

    def end(self) -> None:
        self.engine.forget()

    def names(self) -> dict[str, str]:
        """Seen from outside, processes have other pids than inside."""
        generations = self.server.generations()
        workers = {str(w): "WORKER" for found in generations.values() for w in found}
        return workers | {str(m): "MASTER" for m in generations}

"""Servers under the real circusd: what is configured, what is stale, and what cures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from live.checking import Verdict, carry_out, report
from live.harness import OWN_BIN, Server, free_port
from live.supervised import Supervised, fine, origin, try_step

Run = Callable[[Server], Server]

INI = """\
[circus]
endpoint = tcp://127.0.0.1:{endpoint}
pubsub_endpoint = tcp://127.0.0.1:{pubsub}
include = more.ini

[watcher:web]
cmd = {command}
working_dir = {folder}
copy_env = {copy}
stdout_stream.class = FileStream
stdout_stream.filename = {folder}/log

[env]
COMMON = for all  ; said
PATH = {path}
GREETED = $GREETING, $NOBODY

[env:we*]
COLOUR = red
"""


class Circus(Supervised):
    supervisor = "circusd"

    def __init__(
        self, home: Path, *args: str, copy: bool = False, own: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        super().__init__(home, *args, own={"GREETING": "hello", **(own or {})}, **options)
        # A process title would hide the configuration that the command line names.
        self.configure("setproctitle.py", "raise ImportError\n")
        self.own["PYTHONPATH"] = str(self.place)
        self.text = INI.format(
            endpoint=free_port(),
            pubsub=free_port(),
            command=self.command(),
            folder=self.folder,
            copy=copy,
            path=self.env["PATH"],
        )
        self.define()
        self.configure("more.ini", "[env:web]\nSIZE = large\nCOLOUR = blue\n[env]\nCOMMON = not this\n")

    def define(self, **changed: str) -> None:
        text = self.text
        for old, new in changed.items():
            text = text.replace(f"= {old}", f"= {new}")
        self.configure("circus.ini", text)

    def watch(self) -> list[str]:
        return [f"{OWN_BIN}/circusd", "--log-level", "info", "circus.ini"]


def test_fresh(home: Path, run: Run) -> None:
    server = Circus(home)
    run(server)
    fine(server)
    verdict = server.judge()
    owner = verdict.app["supervisor"]
    assert (owner["kind"], owner["name"]) == ("circus", "web")
    assert server.http("COLOUR") == {"blue"}
    assert server.http("COMMON") == {"for all"}
    assert server.http("GREETED") == {"hello,"}


def test_fresh_with_the_environment_of_circusd(home: Path, bare: Path, run: Run) -> None:
    server = Circus(home, copy=True, bins=bare, own={"COPIED": " $GREETING "})
    run(server)
    fine(server)
    assert server.http("COPIED") == {"hello"}


def test_what_is_stale_is_cured(home: Path, bare: Path, run: Run) -> None:
    server = Circus(home, bins=bare)
    run(server)
    server.define(**{"for all": "for some"})
    verdict = server.judge()
    assert verdict.wrong() == {"COMMON": ("stale", "started-before-change")}
    assert origin(verdict, "COMMON") == f"{server.place}/circus.ini:14"
    insufficient = [s for s in verdict.remedy["insufficient"] if "circusctl" in s["argv"][0]]
    assert [s["argv"][-2:] for s in insufficient] == [["restart", "web"], ["reload", "web"]]
    for step in insufficient:
        try_step(step)
        server.ready()
        assert server.judge().says("COMMON")[0] == "stale"
    master = server.master
    steps = server.judge().remedy["steps"]
    assert [s["argv"][-1] for s in steps] == ["reloadconfig"]
    carry_out(steps)
    server.replaced(master)
    assert server.http("COMMON") == {"for some"}
    fine(server)


def test_an_included_value(home: Path, run: Run) -> None:
    server = Circus(home)
    run(server)
    server.configure("more.ini", "[env:web]\nCOLOUR = green\n")
    verdict = server.judge()
    assert verdict.says("COLOUR")[0] == "stale"
    assert origin(verdict, "COLOUR") == f"{server.place}/more.ini:2"
    assert verdict.says("SIZE")[0] == "stale"
    master = server.master
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    fine(server)


def test_a_title_hides_the_configuration(home: Path, run: Run) -> None:
    server = Circus(home)
    (server.place / "setproctitle.py").unlink()
    run(server)
    document = report("check", f"cwd:{server.folder}")
    [host] = document["hosts"]
    assert document["exit_code"] == 3
    assert host["apps"][0]["supervisor"]["kind"] == "circus"
    assert ["circus: PATH" in gap["why"] for gap in host["gaps"]] == [True]


def test_a_spec_names_what_a_title_hides(home: Path, run: Run) -> None:
    server = Circus(home)
    (server.place / "setproctitle.py").unlink()
    run(server)
    spec = home / "spec.yaml"
    source = f"{{circus: {server.place}/circus.ini}}"
    spec.write_text(f"apps: {{web: {{match: {{cwd: {server.folder}}}, sources: [{source}]}}}}\n")

    def judged() -> Verdict:
        document = report("check", "-s", str(spec))
        return Verdict(document["exit_code"], document["hosts"][0]["apps"][0])

    assert (judged().status, judged().state) == (0, "in-sync")
    server.define(**{"for all": "for some"})
    verdict = judged()
    assert verdict.wrong() == {"COMMON": ("stale", "started-before-change")}
    assert origin(verdict, "COMMON") == f"{server.place}/circus.ini:14"
    assert [s["argv"][-1] for s in verdict.remedy["steps"]] == ["reloadconfig"]
    master = server.master
    carry_out(verdict.remedy["steps"])
    server.replaced(master)
    assert (judged().status, judged().state) == (0, "in-sync")

"""`envcheck ps` finds every server, however it was started, all of them at once on one host."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from live.checking import Json, envcheck, report
from live.harness import OWN_BIN, Server
from live.servers import Gunicorn, Unicorn


def gunicorn(
    *args: str, program: tuple[str, ...] = ("gunicorn",), titles: bool
) -> Callable[[Path, Path], Server]:
    return lambda folder, bare: Gunicorn(folder, *args, program=program, bins=OWN_BIN if titles else bare)


def unicorn(
    *args: str, program: tuple[str, ...] = ("unicorn",), config: str | None = ""
) -> Callable[[Path, Path], Server]:
    return lambda folder, _: Unicorn(folder, *args, program=program, config=config)


def cut(folder: Path, _: Path) -> Server:
    """No room for "unicorn master": under Bundler the environment has moved, and the title is cut."""
    folder.mkdir()
    shutil.copy("/usr/bin/unicorn", folder / "unicorn")
    (folder / "Gemfile").write_text('gem "rack"\ngem "unicorn"\n')
    server = Unicorn(
        folder,
        program=("ruby", "unicorn"),
        config=None,
        first="#\\ -o 127.0.0.1 -p {port}",
        env={"RUBYOPT": "-rbundler/setup"},
    )
    server.argv = lambda: ["ruby", "unicorn"]  # type: ignore[method-assign]
    return server


def spilled(folder: Path, _: Path) -> Server:
    """The title of a worker is longer than the command line was: it runs over the environment."""
    folder.mkdir()
    shutil.copy("/usr/bin/unicorn", folder / "unicorn")
    return Unicorn(folder, program=("ruby", "unicorn"))


VARIANTS: dict[str, Callable[[Path, Path], Server]] = {
    "gunicorn": gunicorn(titles=True),
    "gunicorn-untitled": gunicorn(titles=False),
    "python-m": gunicorn(program=("python3", "-m", "gunicorn"), titles=True),
    "python-m-untitled": gunicorn(program=("python3", "-m", "gunicorn"), titles=False),
    "python-options-untitled": gunicorn(
        program=("python3", "-X", "utf8", "-W", "ignore", "-m", "gunicorn.app.wsgiapp"), titles=False
    ),
    "daemon": gunicorn("-D", "-p", "pid", "--log-file", "log", titles=True),
    "daemon-untitled": gunicorn("-D", "-p", "pid", "--log-file", "log", titles=False),
    "named": gunicorn("-n", "my shop", titles=True),
    "named-untitled": gunicorn("--name=my shop", titles=False),
    "preload": gunicorn("--preload", titles=True),
    "preload-untitled": gunicorn("--preload", titles=False),
    "threads-untitled": gunicorn("-k", "gthread", "--threads", "2", titles=False),
    "unicorn": unicorn(),
    "unicorn-ruby-S": unicorn(program=("ruby", "-S", "unicorn")),
    "unicorn-ruby-w": unicorn(program=("ruby", "-W0", "/usr/bin/unicorn")),
    "unicorn-bare": unicorn(config=None),
    "unicorn-daemon": unicorn("-D"),
    "unicorn-preload": unicorn(config="preload_app true\n"),
    "unicorn_rails": unicorn(program=("unicorn_rails",)),
    "cut": cut,
    "spilled": spilled,
}
GUNICORNS = tuple(name for name, make in VARIANTS.items() if make.__qualname__.startswith("gunicorn"))
UNICORNS = tuple(name for name in VARIANTS if name not in GUNICORNS)
TITLED = tuple(name for name in GUNICORNS if not name.endswith("untitled"))


class Host(NamedTuple):
    servers: dict[str, Server]
    ps: Json
    table: str

    def found(self, name: str) -> Json:
        """Give what `ps` says of one server."""
        folder = str(self.servers[name].folder)
        [server] = [s for s in self.ps["hosts"][0]["servers"] if s["cwd"] == folder]
        return dict(server)


@pytest.fixture(scope="module")
def host(street: Path, bare: Path) -> Iterator[Host]:
    """All variants side by side."""
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        servers = {name: make(street / name, bare) for name, make in VARIANTS.items()}
        for server in servers.values():
            stack.callback(server.stop)
            server.put(COLOUR="red")
        list(pool.map(Server.start, servers.values()))
        yield Host(servers, report("ps"), envcheck("ps").out)


@pytest.mark.parametrize("name", VARIANTS)
def test_master_and_workers_are_the_real_ones(host: Host, name: str) -> None:
    [generation] = host.found(name)["generations"]
    [(master, workers)] = host.servers[name].generations().items()

    assert generation["master"]["pid"] == master
    assert {w["pid"] for w in generation["workers"]} == workers
    assert (generation["role"], generation["reexeced"]) == ("current", False)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_kind_the_user_and_the_name(host: Host, name: str) -> None:
    found = host.found(name)

    assert found["server"] == ("gunicorn" if name in GUNICORNS else "unicorn")
    assert found["user"] == pwd.getpwuid(os.geteuid()).pw_name
    assert found["name"] == ("my shop" if name.startswith("named") else name)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_environment_is_read_in_every_process(host: Host, name: str) -> None:
    [generation] = host.found(name)["generations"]
    processes = [generation["master"], *generation["workers"]]

    assert {p["live"]["status"] for p in processes} == {"ok"}
    assert generation["environment_read"] == generation["master"]["started"]


DAMAGED = {"unicorn-ruby-S": {"ok"}, "spilled": {"clobbered", "partial"}}


@pytest.mark.parametrize("name", [n for n in VARIANTS if n not in DAMAGED])
def test_the_environment_at_exec_is_whole_unless_a_title_is_over_it(host: Host, name: str) -> None:
    [generation] = host.found(name)["generations"]
    processes = [generation["master"], *generation["workers"]]

    assert {p["at_exec"]["status"] for p in processes} == ({"clobbered"} if name in TITLED else {"ok"})


@pytest.mark.parametrize("name", DAMAGED)
def test_a_title_longer_than_the_command_line_runs_over_the_environment(host: Host, name: str) -> None:
    [generation] = host.found(name)["generations"]

    assert generation["master"]["at_exec"]["status"] in DAMAGED[name]
    assert {w["at_exec"]["status"] for w in generation["workers"]} <= {"clobbered", "partial"}


def test_the_title_that_is_cut_is_cut(host: Host) -> None:
    """Else the case above would not be what it is called."""
    master = host.servers["cut"].master

    title = Path(f"/proc/{master}/cmdline").read_bytes().rstrip(b"\0")
    assert b"unicorn master".startswith(title)
    assert title != b"unicorn master"


def test_each_server_is_listed_once(host: Host) -> None:
    folders = [s["cwd"] for s in host.ps["hosts"][0]["servers"]]
    expected = sorted(str(s.folder) for s in host.servers.values())

    assert sorted(f for f in folders if f in expected) == expected


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_has_a_line_for_each(host: Host, name: str) -> None:
    server = host.servers[name]
    [line] = [words for words in map(str.split, host.table.splitlines()) if words[-1] == str(server.folder)]

    assert str(server.master) in line
    assert {"unproven", "-"} <= set(line)  # nobody keeps it running


@pytest.mark.parametrize("name", ["daemon", "daemon-untitled", "unicorn", "named"])
def test_one_server_by_target(host: Host, name: str) -> None:
    server = host.servers[name]
    worker = min(server.generations()[server.master])
    targets = [str(server.master), str(worker), f"cwd:{server.folder}", f"port:{server.port}"]
    if name.startswith("daemon"):
        targets.append(f"pidfile:{server.folder}/pid")

    for target in targets:
        [found] = report("ps", target)["hosts"][0]["servers"]
        assert found["cwd"] == str(server.folder), target


@pytest.mark.parametrize("name", ["daemon-untitled", "unicorn"])
def test_symbolic_links_lead_to_it(host: Host, name: str, tmp_path: Path) -> None:
    """As /var/run does to /run, and `current` to a release."""
    server = host.servers[name]
    (tmp_path / "current").symlink_to(server.folder)
    targets = [f"cwd:{tmp_path}/current", f"cwd:{tmp_path}/current/", f"cwd:{tmp_path}/cur*"]
    if name.startswith("daemon"):
        (tmp_path / "file.pid").symlink_to(server.folder / "pid")
        targets += [f"pidfile:{tmp_path}/current/pid", f"pidfile:{tmp_path}/file.pid"]

    for target in targets:
        [found] = report("ps", target)["hosts"][0]["servers"]
        assert found["cwd"] == str(server.folder), target

    (tmp_path / "spec.yaml").write_text(f"apps: {{shop: {{match: {{cwd: {tmp_path}/current}}}}}}")
    [app] = report("check", "-s", str(tmp_path / "spec.yaml"))["hosts"][0]["apps"]
    assert app["generations"][0]["master"]["pid"] == server.master


def test_the_readable_and_the_unreadable_are_told_apart(host: Host) -> None:
    assert "live ok, at exec clobbered" in host.table
    assert "readable" in host.table

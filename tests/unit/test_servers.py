"""Who is a server, which part a process plays, and what belongs together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import build
import pytest

from envcheck.model import Action, Change, FileFacts, Process, Role, Server, Stage
from envcheck.servers import SERVERS, gunicorn, unicorn, unicorn_options
from envcheck.servers.grouping import servers
from envcheck.sources import gunicorn_config


@pytest.mark.parametrize(
    ("argv", "caught", "role"),
    [
        pytest.param(["gunicorn: master [app:app]"], 0, Role.MASTER, id="title of a master"),
        pytest.param(["gunicorn: worker [my shop]"], 0, Role.WORKER, id="title of a worker"),
        pytest.param(["gunicorn: master [app:app.2]"], 0, Role.MASTER, id="title after USR2"),
        pytest.param(
            ["/v/bin/python3", "/v/bin/gunicorn", "a:b"], build.GUNICORN_MASTER, Role.MASTER, id="script"
        ),
        pytest.param(["python", "-m", "gunicorn", "a:b"], build.GUNICORN_MASTER, Role.MASTER, id="module"),
        pytest.param(
            ["python3.11", "-u", "-W", "error", "/v/bin/gunicorn", "a:b"],
            build.GUNICORN_WORKER,
            Role.WORKER,
            id="options of the interpreter",
        ),
        pytest.param(["python3", "/v/bin/gunicorn", "--help"], 0, None, id="no server yet, or never"),
        pytest.param(["python3", "manage.py", "gunicorn"], build.GUNICORN_MASTER, None, id="an argument"),
        pytest.param(["python3", "-c", "import gunicorn"], build.GUNICORN_MASTER, None, id="code"),
        pytest.param(["python3", "gunicorn_notes.txt.py"], build.GUNICORN_MASTER, None, id="another script"),
        pytest.param(["vi", "gunicorn.conf.py"], build.GUNICORN_MASTER, None, id="an editor"),
        pytest.param([], 0, None, id="no command line"),
    ],
)
def test_gunicorn_role(argv: list[str], caught: int, role: Role | None) -> None:
    assert gunicorn.role(build.process(5, argv, caught=caught)) is role


@pytest.mark.parametrize(
    ("argv", "signals", "role"),
    [
        pytest.param(["unicorn master -c x.rb"], {}, Role.MASTER, id="master"),
        pytest.param(["unicorn master (old) -c x.rb"], {}, Role.MASTER, id="old master"),
        pytest.param(["unicorn worker[12] -c x.rb"], {}, Role.WORKER, id="worker"),
        pytest.param(["unicorn_rails master -D"], {}, Role.MASTER, id="unicorn_rails"),
        pytest.param(["start master"], {"caught": build.UNICORN_MASTER}, Role.MASTER, id="START_CTX, master"),
        pytest.param(["start master -c x"], {}, None, id="another master"),
        pytest.param(
            ["gunicorn: master [a:b]"], {"caught": build.UNICORN_MASTER}, None, id="gunicorn's title"
        ),
        pytest.param(["unicorn mast"], {"caught": build.UNICORN_MASTER}, Role.MASTER, id="cut title, master"),
        pytest.param(
            ["unicorn work"], {"ignored": build.UNICORN_WORKER}, Role.WORKER, id="cut title, worker"
        ),
        pytest.param(["ruby", "-S", "unicorn"], {"caught": build.UNICORN_MASTER}, Role.MASTER, id="no title"),
        pytest.param(
            ["ruby", "/usr/bin/bundle", "exec", "unicorn"],
            {"caught": build.UNICORN_MASTER},
            Role.MASTER,
            id="bundler",
        ),
        pytest.param(["ruby", "unicorn"], {}, None, id="not yet a server"),
        pytest.param(["ruby", "x.rb", "unicorn"], {"caught": build.UNICORN_MASTER}, None, id="an argument"),
        pytest.param(["unicornherder", "-u", "unicorn"], {}, None, id="the herder"),
    ],
)
def test_unicorn_role(argv: list[str], signals: dict[str, int], role: Role | None) -> None:
    assert unicorn.role(build.process(5, argv, exe="/usr/bin/ruby3.1", **signals)) is role


def test_a_gunicorn_that_shows_a_title_is_no_unicorn() -> None:
    caught = unicorn.MASTER_CATCHES
    master = build.process(5, ["gunicorn: master [app]"], exe="/usr/bin/python3.11", caught=caught)
    assert unicorn.role(master) is None


def shape(found: tuple[Server, ...]) -> list[Any]:
    return [
        [(g.role, g.master.pid if g.master else None, [w.pid for w in g.workers]) for g in s.generations]
        for s in found
    ]


def test_a_server_is_of_one_kind_whatever_its_title_may_mean() -> None:
    renamed = build.process(10, ["shop master"], caught=build.GUNICORN_MASTER | build.UNICORN_MASTER)

    assert servers([renamed]) == ()
    assert [s.kind for s in servers([renamed._replace(exe="/usr/bin/ruby3.1")])] == ["unicorn"]


def test_a_child_of_the_same_exec_is_a_worker_even_while_it_looks_like_its_master() -> None:
    forked = build.gunicorn(11, 10, caught=build.GUNICORN_MASTER)

    assert shape(servers([build.gunicorn(10), forked])) == [[("current", 10, [11])]]


def test_a_worker_with_a_title_of_its_own_is_a_worker() -> None:
    renamed = build.process(11, ["shop: worker"], parent=10)

    assert shape(servers([build.gunicorn(10), renamed])) == [[("current", 10, [11])]]


def test_a_child_of_another_exec_is_the_next_generation() -> None:
    new = build.gunicorn(20, 10, caught=build.GUNICORN_MASTER, image="two", started=build.NOW - 10)
    found = servers([build.gunicorn(10), build.gunicorn(11, 10), new, build.gunicorn(21, 20, image="two")])

    assert shape(found) == [[("old", 10, [11]), ("new", 20, [21])]]
    assert [g.reexeced for g in found[0].generations] == [False, True]
    assert {g.environment_read for g in found[0].generations} == {build.NOW - 1000}


def test_what_a_worker_has_forked_is_no_worker_and_no_orphan() -> None:
    helper = build.gunicorn(12, 11)

    assert shape(servers([build.gunicorn(10), build.gunicorn(11, 10), helper])) == [[("current", 10, [11])]]


def test_workers_whose_master_is_gone_are_orphans_of_the_server_in_their_folder() -> None:
    stray = build.gunicorn(9, 1, caught=build.GUNICORN_WORKER, image="zero")
    found = servers([stray, build.gunicorn(10), build.gunicorn(11, 10)])

    assert shape(found) == [[("orphaned", None, [9]), ("current", 10, [11])]]


def test_orphans_alone_are_a_server_without_a_master() -> None:
    strays = [build.gunicorn(pid, 1, caught=build.GUNICORN_WORKER) for pid in (8, 9)]

    assert shape(servers(strays)) == [[("orphaned", None, [8, 9])]]


def test_a_zombie_is_no_part_of_a_server() -> None:
    assert servers([build.gunicorn(10, state="Z")]) == ()


def test_a_reexec_is_known_by_its_marks_when_the_older_master_is_gone() -> None:
    marked = build.unicorn(20, "unicorn master -c x.rb", at_exec={"UNICORN_FD": "8"})
    [server] = servers([marked])

    assert server.generations[0].reexeced
    assert server.generations[0].environment_read is None


def test_a_worker_exec_is_no_reexec() -> None:
    at_exec = {"UNICORN_FD": "8", "UNICORN_WORKER": "8"}
    worker = build.unicorn(21, "unicorn worker[0] -c x.rb", 20, at_exec=at_exec, image="two")
    [server] = servers([build.unicorn(20, "unicorn master -c x.rb"), worker])

    assert [(g.reexeced, len(g.workers)) for g in server.generations] == [(False, 1)]


@pytest.mark.parametrize(
    ("process", "name"),
    [
        pytest.param(build.gunicorn(10, 1, "-n", "web", "a:b"), "web", id="named"),
        pytest.param(build.process(10, ["gunicorn: master [web]"]), "web", id="named by its title"),
        pytest.param(build.process(10, ["gunicorn: master [a:b]"]), "shop", id="a title that is the module"),
        pytest.param(build.gunicorn(10, cwd="/var/apps/shop/releases/2017"), "shop", id="a release"),
        pytest.param(build.gunicorn(10, cwd=None), "gunicorn", id="nothing known"),
    ],
)
def test_name(process: Process, name: str) -> None:
    [server] = servers([process._replace(caught=build.GUNICORN_MASTER)])

    assert server.name == name


def test_unicorn_tells_its_arguments_in_its_title_unless_it_is_cut() -> None:
    whole = build.unicorn(1, "unicorn master -c x.rb -D")

    assert unicorn.arguments(whole) == ("unicorn", "-c", "x.rb", "-D")
    assert unicorn.arguments(whole._replace(title_is_cut=True)) is None


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("change", Change)
@pytest.mark.parametrize("preload", [True, False, None])
def test_every_stage_has_a_cure(kind: str, stage: Stage, change: Change, preload: bool | None) -> None:  # noqa: FBT001
    found = servers([build.gunicorn(10), build.unicorn(20, "unicorn master -c x.rb")])
    server = next(s for s in found if s.kind == kind)

    action = SERVERS[kind].cure((stage, change), server, preload=preload)

    assert action in (Action.RELOAD, Action.RESTART)
    assert (SERVERS[kind].signal(action, server) is not None) is (action is Action.RELOAD)


RAW_ENV = json.loads((Path(__file__).parent.parent / "vectors/gunicorn_raw_env.json").read_text())["cases"]


@pytest.mark.parametrize("case", RAW_ENV, ids=[c["id"] for c in RAW_ENV])
def test_raw_env(case: dict[str, Any]) -> None:
    found = {a.name: a.value for a in gunicorn_config.raw_env(case["raw_env"])}

    assert found == case.get("expected", {})


@pytest.mark.parametrize(
    ("text", "names", "dynamic"),
    [
        ("raw_env = ['A=1', 'B=2']", ["A", "B"], []),
        ("raw_env: list = ('A=1',)", ["A"], []),
        ("raw_env = ['A=1']\nraw_env = ['B=2']", ["B"], []),
        ("import os\nraw_env = [f'A={os.getpid()}']", ["A"], ["A"]),
        ("raw_env = load()", [], []),
        ("workers = 2", [], []),
    ],
)
def test_configuration_file(text: str, names: list[str], dynamic: list[str]) -> None:
    found = gunicorn_config.parse(text.encode()).assignments

    assert [a.name for a in found] == names
    assert [a.name for a in found if a.dynamic] == dynamic


@pytest.mark.parametrize(
    "text", [b"raw_env = [", b"\0", b"\xff\xfe", b"(" * 5000, b"x = " + b"-" * 100_000 + b"1"]
)
def test_a_configuration_file_that_is_no_python_is_refused(text: bytes) -> None:
    assert gunicorn_config.parse(text).refused
    assert gunicorn_config.preload_app(text) is None


def test_options_in_the_environment_come_before_the_command_line() -> None:
    process = build.gunicorn(10, 1, "a:b", at_exec={"GUNICORN_CMD_ARGS": "-e A=1 --preload"})
    [server] = servers([process])

    assert [s.assignment.name for s in gunicorn.own_settings(server, {})] == ["A"]
    assert gunicorn.preloads(server, {}) is True


def test_entries_on_the_command_line_replace_those_of_the_environment() -> None:
    process = build.gunicorn(10, 1, "-e", "B=2", "a:b", at_exec={"GUNICORN_CMD_ARGS": "-e A=1 --preload"})
    [server] = servers([process])

    assert [s.assignment.name for s in gunicorn.own_settings(server, {})] == ["B"]
    assert gunicorn.preloads(server, {}) is True


@pytest.mark.parametrize(
    ("words", "options", "files"),
    [
        ("-c x.rb -E production", {"config-file": "x.rb", "env": "production"}, ()),
        ("-cx.rb -Eproduction app.ru", {"config-file": "x.rb", "env": "production"}, ("app.ru",)),
        ("--config-file=x.rb --env production", {"config-file": "x.rb", "env": "production"}, ()),
        ("-Dc x.rb -E a -E b", {"config-file": "x.rb", "env": "b"}, ()),
        ("-D --no-default-middleware -- -E", {}, ("-E",)),
        ("-E", {}, ()),
    ],
)
def test_unicorn_takes_its_command_line_apart(
    words: str, options: dict[str, str], files: tuple[str, ...]
) -> None:
    given = unicorn_options.parse(words.split())

    assert ({name: given.last(name) for name in given.options}, given.files) == (options, files)


@pytest.mark.parametrize(
    ("command", "starts"),
    [
        ("/usr/bin/unicorn -c x.rb", True),
        ("unicorn_rails", True),
        ("bundle exec unicorn -D", True),
        ("ruby3.1 /usr/bin/unicorn", True),
        ("ruby -S bundle exec unicorn", True),
        ("unicornherder -u unicorn -p pid --", False),
        ("envdir env.d unicorn", False),
        ("", False),
    ],
)
def test_a_command_that_starts_unicorn(command: str, starts: bool) -> None:  # noqa: FBT001
    words = tuple(command.split())

    assert unicorn.arguments(build.process(10, words)) == (words if starts else None)


@pytest.mark.parametrize(
    ("title", "rackup", "expected"),
    [
        ("unicorn master -E a", "", [("RACK_ENV", "a", "command line")]),
        ("unicorn_rails master -E a", "", [("RAILS_ENV", "a", "command line")]),
        (
            "unicorn master -E a config.ru",
            "# x\n#\\ -E b --port 80\nrun x\n#\\ -E c\n",
            [("RACK_ENV", "a", "command line"), ("RACK_ENV", "b", "/srv/shop/config.ru:2")],
        ),
        ("unicorn master app.ru", "#\\ -E b\n", []),
        ("unicorn master -D", "#\\ -p 80\n", []),
        ("unicorn master -D", "  #\\ -E b\n", []),
    ],
)
def test_unicorn_sets_the_environment_that_it_is_told(
    title: str, rackup: str, expected: list[tuple[str, str, str]]
) -> None:
    [server] = servers([build.unicorn(10, title)])
    files = {"/srv/shop/config.ru": FileFacts("ok", rackup.encode())}

    found = unicorn.own_settings(server, files)

    assert [(s.assignment.name, s.assignment.value, s.origin) for s in found] == expected
    # As it would be started, it is told the same.
    argv = server.arguments or ()
    again = server.generations[0]._replace(master=server.first._replace(argv=argv))
    assert unicorn.own_settings(server._replace(generations=(again,)), files) == found


PWD = {"PWD": "/srv/begun"}


@pytest.mark.parametrize(
    ("words", "given", "path"),
    [
        ([], {}, "/srv/shop/gunicorn.conf.py"),
        (["-c", "etc/g.py"], {}, "/srv/shop/etc/g.py"),
        (["--chdir", "/srv/shop"], {"at_exec": PWD}, "/srv/begun/gunicorn.conf.py"),
        (["--chdir", "/srv/shop", "-c", "g.py"], {"at_exec": PWD}, "/srv/begun/g.py"),
        (["--chdir", "../shop"], {"at_exec": PWD}, "/srv/begun/gunicorn.conf.py"),
        (["--chdir", "/srv/shop"], {"at_exec": PWD, "begun_in": "/"}, "/gunicorn.conf.py"),
        (["--chdir", "/srv/shop", "-c", "g.py"], {"begun_in": "/opt"}, "/opt/g.py"),
        (["--chdir", "/srv/shop", "-c", "/etc/g.py"], {}, "/etc/g.py"),
        (["--chdir", "/srv/shop"], {}, None),
        (["--chdir", "/srv/shop", "-c", "file:g.py"], {}, None),
        (["-c", "python:shop.settings"], {}, "/srv/shop/shop/settings.py"),
        (["--chdir", "/srv/shop", "-c", "python:settings"], {}, None),
    ],
)
def test_the_configuration_is_looked_for_where_the_server_is_started(
    words: list[str], given: dict[str, Any], path: str | None
) -> None:
    [server] = servers([build.gunicorn(10, 1, *words, "a:b", **given)])

    assert [s.path for s in gunicorn.own_sources(server, {})] == ([path] if path else [])
    module = any(w.startswith("python:") for w in words)
    assert bool(gunicorn.unread(server, {})) is (path is None or module)
    assert gunicorn.preloads(server, {}) is (None if path is None or module else False)


MOVES, STAYS, UNKNOWN = b"chdir = '/srv/' + 'shop'\n", b"raw_env = ['A=1']\n", b"chdir = somewhere()\n"


@pytest.mark.parametrize(
    ("begun", "here", "folder"),
    [
        (MOVES, None, "/srv/begun"),
        (b"chdir = '../shop'\n", None, "/srv/begun"),
        (MOVES, STAYS, "/srv/begun"),
        (None, STAYS, "/srv/shop"),
        (None, None, "/srv/shop"),
        (STAYS, STAYS, "/srv/shop"),  # PWD is what somebody has left behind
        (STAYS, None, None),  # the application may have moved it, or PWD is
        (UNKNOWN, None, None),
        (b"chdir = '/srv/other'\n", None, None),
        (b"chdir = \n", None, None),
    ],
)
@pytest.mark.parametrize("words", [[], ["-c", "g.py"], ["-c", "python:g"]])
def test_a_configuration_that_moves_the_server(
    words: list[str], begun: bytes | None, here: bytes | None, folder: str | None
) -> None:
    [server] = servers([build.gunicorn(10, 1, *words, "a:b", at_exec=PWD)])
    name = "g.py" if words else "gunicorn.conf.py"
    asked = [s.path for s in gunicorn.own_sources(server)]
    given = {f"/srv/begun/{name}": begun, f"/srv/shop/{name}": here}
    files = dict.fromkeys(asked, FileFacts("missing"))
    files |= {path: FileFacts("ok", content) for path, content in given.items() if content is not None}

    assert set(files) == set(asked)
    assert [s.path for s in gunicorn.own_sources(server, files)] == ([f"{folder}/{name}"] if folder else [])
    assert gunicorn.folder(server, files) == folder
    told = gunicorn.unread(server, files)
    if folder:
        assert "PWD" not in told
    elif words == ["-c", "python:g"]:
        assert "was not found" in told
    else:
        expected = (
            f"whether it reads /srv/begun/{name} cannot be told: PWD alone tells that it was started there"
        )
        assert told == expected
    # What its supervisor tells is where it is started.
    [sure] = servers([build.gunicorn(10, 1, *words, "a:b", at_exec=PWD, begun_in="/srv/shop")])
    assert {s.path.rpartition("/")[0] for s in gunicorn.own_sources(sure, files)} == {"/srv/shop"}


@pytest.mark.parametrize(
    ("there", "path"),
    [
        (["web.py"], "web.py"),
        (["web/__init__.py"], "web/__init__.py"),
        (["web/__init__.py", "web.py"], "web/__init__.py"),
    ],
)
def test_the_configuration_may_be_a_package(there: list[str], path: str) -> None:
    [server] = servers([build.gunicorn(10, 1, "-c", "python:etc.web", "a:b")])
    asked = [s.path for s in gunicorn.own_sources(server)]
    files = dict.fromkeys(asked, FileFacts("missing"))
    files |= {f"/srv/shop/etc/{n}": FileFacts("ok", f"raw_env = ['BY={n}']\n".encode()) for n in there}

    assert set(files) == set(asked)
    assert [s.path for s in gunicorn.own_sources(server, files)] == [f"/srv/shop/etc/{path}"]
    assert [s.assignment.value for s in gunicorn.own_settings(server, files)] == [path]
    assert gunicorn.unread(server, files) == ""


def test_the_pid_file_is_written_where_the_server_has_moved() -> None:
    [server] = servers([build.gunicorn(10, 1, "--chdir", "/srv/shop", "-p", "pid", "a:b", at_exec=PWD)])

    assert gunicorn.pidfile(server) == "/srv/shop/pid"


def test_a_titled_gunicorn_is_no_renamed_unicorn() -> None:
    """It catches what a master of unicorn catches, and its title has the same shape."""
    caught = build.GUNICORN_MASTER | build.UNICORN_MASTER
    master = build.process(10, ("gunicorn: master [app:app]",), caught=caught)

    assert unicorn.role(master) is None
    assert gunicorn.role(master) is Role.MASTER
    assert unicorn.role(master._replace(exe=None)) is None
    assert unicorn.role(build.unicorn(10, "shop master -c x.rb", caught=caught)) is Role.MASTER

"""What Gunicorn's and Unicorn's own configuration does to the environment, held against real servers.

What is computed from the file is compared with what the workers have: in their memory, and over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.checking import Verdict, carry_out, check, report
from live.harness import Server, wait_for
from live.servers import DOTENV_PYTHON, DOTENV_RUBY, Gunicorn, Unicorn

Run = Callable[[Server], Server]

GUNICORN = """\
import os
raw_env = ["RAW=raw", "BOTH=raw", "STARTED=raw", "FORKED=raw", "READY=raw"]
raw_env += ["ADDED=raw"]
raw_env.append("APPENDED=raw")
os.environ["BOTH"] = "code"
os.environ["CODE"] = "code"
os.environ["KEPT_BY_DOTENV"] = "code"
os.environ.setdefault("DEFAULT", "code")
os.environ.setdefault("HELD", "code")
os.environ.update({"UPDATED": "code"}, WORDS="code")
os.environ.pop("POPPED", None)
del os.environ["DELETED"]
NAME = "NAMED"
os.environ[NAME] = "code"
for name in ("FIRST", "SECOND"):
    os.environ[name] = "code of " + name
held = os.environ
held.update(dict({"DICT": "code"}), **{"STARS": "code"})
if os.getpid():
    os.environ["CONDITIONAL"] = "code"
def on_starting(server):
    os.environ["STARTED"] = "hook"
    os.environ["START_ONLY"] = "hook"
def when_ready(server):
    os.environ["WHEN_READY"] = "hook"
def pre_fork(server, worker):
    os.environ["BEFORE"] = "hook"
def post_fork(server, worker):
    os.environ["FORKED"] = "hook"
    os.environ["FORK_ONLY"] = "hook"
    os.environ["CODE"] = "hook"
    os.environ["APP_AND_FORK"] = "hook"
def post_worker_init(worker):
    os.environ["READY"] = "hook"
    os.environ["APP_AND_READY"] = "hook"
def on_reload(server):
    os.environ["RELOADED"] = "hook"
def pre_exec(server):
    os.environ["EXECED"] = "hook"
"""
UNICORN = """\
# ENV['COMMENT'] = 'no'
port = ENV.fetch('PORT', '1')
ENV['CODE'] = 'code'
ENV['KEPT_BY_DOTENV'] = "code"
ENV['DEFAULT'] ||= 'code'
ENV['HELD'] ||= 'code'
ENV.update('UPDATED' => 'code',
           'WORDS' => 'code')
ENV.delete('POPPED')
ENV['DELETED'] = nil
NAME = 'NAMED'
ENV[NAME] = 'code'
%w(FIRST SECOND).each do |name|
  ENV[name] = name
end
held = ENV
{'DICT' => 'code', 'STARS' => NAME}.each { |k, v| held[k] = v }
ENV['CONDITIONAL'] = 'code' if port
=begin
ENV['COMMENT'] = 'no'
=end
before_fork do |server, worker|
  ENV['BEFORE'] = 'hook'
end
after_fork do |server, worker|
  ENV['FORK_ONLY'] = 'hook'
  ENV['CODE'] = 'hook'
  ENV['APP_AND_FORK'] = 'hook'
end
after_worker_ready { |server, worker| ENV['APP_AND_READY'] = 'hook' }
before_exec { |server| ENV['EXECED'] = 'hook' }
"""
EXEC = dict.fromkeys(("HELD", "POPPED", "DELETED", "BOTH", "STARTED"), "exec")
DOTENV = dict.fromkeys(("KEPT_BY_DOTENV", "APP_AND_FORK", "APP_AND_READY", "APP"), "app")


def configured(server: Server) -> dict[str, Any]:
    found = report("show", f"configured:{server.master}", "--reveal", "*", "-s", server.spec())
    variables: dict[str, Any] = found["variables"]
    return variables | dict.fromkeys(found["unset"])


def with_dotenv(server: Server) -> Server:
    dialect = "dotenv-ruby" if server.kind == "unicorn" else "dotenv-python"
    server.sources.append({"file": str(server.folder / ".env"), "dialect": dialect})
    return server.write(".env", "".join(f"{name}={value}\n" for name, value in DOTENV.items()))


def make(kind: str, home: Path, bare: Path, *, preload: bool = False) -> Server:
    if kind == "unicorn":
        first = "preload_app true\n" if preload else ""
        return Unicorn(home, config=first + UNICORN, prelude=DOTENV_RUBY)
    args = ("--preload",) if preload else ()
    return Gunicorn(home, *args, bins=bare, prelude=DOTENV_PYTHON).write("gunicorn.conf.py", GUNICORN)


@pytest.mark.parametrize("kind", ["gunicorn", "unicorn"])
@pytest.mark.parametrize("preload", [False, True], ids=["", "preload"])
def test_what_is_computed_is_what_workers_have(
    kind: str,
    preload: bool,  # noqa: FBT001
    home: Path,
    bare: Path,
    run: Run,
) -> None:
    server = run(with_dotenv(make(kind, home, bare, preload=preload)).put(**EXEC))

    wanted = configured(server)

    assert wanted.pop("CONDITIONAL") == {"dynamic": True}
    assert {"NAMED", "FIRST", "SECOND", "DICT", "STARS"} < wanted.keys()
    assert {"CODE", "DEFAULT", "FORK_ONLY", "APP_AND_READY", "BEFORE"} < wanted.keys()
    assert not {"EXECED", "RELOADED", "COMMENT"} & wanted.keys()
    answers = server.answers()
    assert len(answers) == 2
    for pid, answer in answers.items():
        live = report("show", str(pid), "--reveal", "*")["layers"]["live"]["variables"]
        assert {n: live.get(n) for n in wanted} == wanted
        assert {n: answer.environ.get(n) for n in wanted} == wanted
    assert (check(server).status, check(server).wrong()) == (0, {})


@pytest.mark.parametrize("args", [("-e", "A=line"), ()], ids=["command-line", "environment"])
def test_each_list_replaces_the_other(args: tuple[str, ...], home: Path, bare: Path, run: Run) -> None:
    server = Gunicorn(home, *args, bins=bare).put(GUNICORN_CMD_ARGS="-e B=environment -e C=environment")
    run(server.write("gunicorn.conf.py", "raw_env = ['D=file']\nimport os\nos.environ['E'] = 'file'\n"))

    wanted = (
        {"A": "line", "B": None, "C": None} if args else {"A": None, "B": "environment", "C": "environment"}
    )
    wanted |= {"D": None, "E": "file"}

    assert {name: server.http(name) for name in wanted} == {n: {v} for n, v in wanted.items()}
    assert {name: configured(server).get(name) for name in wanted} == wanted
    assert (check(server).status, check(server).wrong()) == (0, {})


@pytest.mark.parametrize("told", [True, False], ids=["PWD", ""])
def test_the_default_file_is_that_of_the_folder_it_is_started_in(
    told: bool,  # noqa: FBT001
    home: Path,
    bare: Path,
    run: Run,
) -> None:
    moved = home / "moved"
    server = Gunicorn(home, "--chdir", str(moved), bins=bare).put(COLOUR="red")
    moved.mkdir()
    (home / "app.py").rename(moved / "app.py")
    server.write("gunicorn.conf.py", "raw_env = ['BEGUN=here']\n")
    (moved / "gunicorn.conf.py").write_text("raw_env = ['MOVED=there']\n")
    server.env |= {"PWD": str(home)} if told else {}
    server.rules = {"MOVED": {"forbidden": "true"}, "BEGUN": "here"}
    run(server)
    assert (server.http("BEGUN"), server.http("MOVED")) == ({"here"}, {None})
    spec = Path(server.spec())
    spec.write_text(spec.read_text().replace(f'"cwd": "{home}"', f'"cwd": "{moved}"'))

    found = report("show", f"configured:{server.master}", "--reveal", "*", "-s", str(spec))
    verdict = report("check", str(server.master), "-s", str(spec))

    assert found["variables"].get("BEGUN") == ("here" if told else None)
    assert "MOVED" not in found["variables"]
    assert verdict["exit_code"] == 0


@pytest.mark.parametrize("told", [True, False], ids=["PWD", ""])
def test_a_default_file_that_moves_the_server(told: bool, home: Path, bare: Path, run: Run) -> None:  # noqa: FBT001
    moved = home / "moved"
    server = Gunicorn(home, bins=bare).put(COLOUR="red")
    moved.mkdir()
    (home / "app.py").rename(moved / "app.py")
    server.write("gunicorn.conf.py", f"chdir = '{moved}'\nraw_env = ['BEGUN=here']\n")
    server.env |= {"PWD": str(home)} if told else {}
    server.rules = {"BEGUN": "here"}
    run(server)
    spec = Path(server.spec())
    spec.write_text(spec.read_text().replace(f'"cwd": "{home}"', f'"cwd": "{moved}"'))
    assert server.http("BEGUN") == {"here"}

    server.write("gunicorn.conf.py", f"chdir = '{moved}'\nraw_env = ['BEGUN=elsewhere']\n")
    found = report("show", f"configured:{server.master}", "--reveal", "*", "-s", str(spec))

    assert found["variables"].get("BEGUN") == ("elsewhere" if told else None)


@pytest.mark.parametrize(
    ("args", "config", "first", "value", "origin"),
    [
        (("-E", "production"), "", "", "production", "command line"),
        (("-E", "production"), "ENV['RACK_ENV'] = 'test'\n", "", "test", "unicorn.rb:3"),
        (("-E", "production"), "ENV['RACK_ENV'] = 'test'\n", "#\\ -E staging", "staging", "config.ru:1"),
        ((), "preload_app true\n", "#\\ --env staging", "staging", "config.ru:1"),
    ],
)
def test_the_environment_that_unicorn_is_told(  # noqa: PLR0917
    args: tuple[str, ...], config: str, first: str, value: str, origin: str, home: Path, run: Run
) -> None:
    server = Unicorn(home, *args, config=config, first=first).put(COLOUR="red", RACK_ENV="exec")
    server.rules = {"RACK_ENV": value}
    run(server)
    assert server.http("RACK_ENV") == {value}

    verdict = check(server)

    assert (verdict.status, verdict.says("RACK_ENV")) == (0, ("in-sync", None))
    assert verdict.finding("RACK_ENV")["configured"]["origin"].removeprefix(f"{home}/") == origin
    if not first:
        return
    server.write("config.ru", (home / "config.ru").read_text().replace("staging", "testing"))
    server.rules = {}
    verdict = check(server)
    assert verdict.wrong() == {"RACK_ENV": ("stale", "started-before-change")}
    assert verdict.remedy["action"] == RELOAD
    server.reload()
    assert server.http("RACK_ENV") == {"testing"}
    assert (check(server).status, check(server).wrong()) == (0, {})


COMPUTED_NAMES = {
    "gunicorn": "import os\nfor k in os.sys.argv[:1]: os.environ[k.upper()[:0] + 'SIZE'] = '{}'\n",
    "unicorn": "'SIZE'.then {{ |k| ENV[k] = '{}' }}\n",
}


@pytest.mark.parametrize("kind", COMPUTED_NAMES)
def test_a_change_of_what_only_running_it_could_tell_is_told(
    kind: str, home: Path, bare: Path, run: Run
) -> None:
    text = COMPUTED_NAMES[kind]
    file = {"gunicorn": "gunicorn.conf.py", "unicorn": "unicorn.rb"}[kind]
    server: Server = Unicorn(home) if kind == "unicorn" else Gunicorn(home, bins=bare).write(file, "")
    server.write(file, (home / file).read_text() + text.format("tiny"))
    run(server.put(COLOUR="red"))
    assert server.http("SIZE") == {"tiny"}
    assert (check(server).status, check(server).wrong()) == (0, {})
    [problem] = report("show", f"configured:{server.master}", "-s", server.spec())["problems"]
    assert "sets a variable whose name is computed" in problem["message"]
    assert f"{home}/{file}:" in problem["message"]
    [app] = report("why", "SIZE", str(server.master), "-s", server.spec())["apps"]
    assert [h for h in app["hints"] if f"{home}/{file}:" in h]

    server.write(file, (home / file).read_text().replace("tiny", "large"))

    server.rules = {"COLOUR": "red"}
    assert check(server).status == 0  # rules say what is right, and are met
    server.rules = {}
    verdict = check(server)
    assert (verdict.status, verdict.says(None)) == (3, ("unproven", None))
    assert f"{home}/{file} has changed since it was read" in verdict.finding(None)["message"]
    assert verdict.remedy["note"].startswith("restart the server if that change is meant")
    server.reload()
    assert server.http("SIZE") == {"large"}
    assert (check(server).status, check(server).wrong()) == (0, {})


@pytest.mark.parametrize("file", ["deploy/web.py", "deploy/web/__init__.py"])
def test_a_module_is_read_and_is_not_run_again_by_a_reload(
    file: str, home: Path, bare: Path, run: Run
) -> None:
    server = Gunicorn(home, "-c", "python:deploy.web", bins=bare).put(COLOUR="red")
    (home / file).parent.mkdir(parents=True)
    server.write(file, "raw_env = ['SIZE=tiny']\n")
    run(server)
    assert (server.http("SIZE"), check(server).status) == ({"tiny"}, 0)
    server.write(file, "raw_env = ['SIZE=large']\n")

    verdict = check(server)

    assert verdict.wrong() == {"SIZE": ("stale", "started-before-change")}
    assert verdict.remedy["action"] == RESTART
    assert [s["argv"][1] for s in verdict.remedy["insufficient"]] == ["-HUP"]
    _is_not_enough(server, verdict, "tiny")
    workers = server.pids() - set(server.generations())
    carry_out(check(server).remedy["steps"])
    _ended(server, workers)
    server.ready()
    assert server.http("SIZE") == {"large"}


# --- what brings a change in ------------------------------------------------------------------------------

CHANGES = {
    # by: the file without it, and with it
    "raw_env": ("raw_env = []", "raw_env = ['SIZE={}']"),
    "os.environ": ("", "import os\nos.environ['SIZE'] = '{}'"),
    "setdefault": ("", "import os\nos.environ.setdefault('SIZE', '{}')"),
    "on_starting": ("", "import os\ndef on_starting(server):\n    os.environ['SIZE'] = '{}'"),
    "pre_fork": ("", "import os\ndef pre_fork(server, worker):\n    os.environ['SIZE'] = '{}'"),
    "post_fork": ("", "import os\ndef post_fork(server, worker):\n    os.environ['SIZE'] = '{}'"),
    "ENV": ("", "ENV['SIZE'] = '{}'"),
    "||=": ("", "ENV['SIZE'] ||= '{}'"),
    "before_fork": ("", "before_fork {{ |server, worker| ENV['SIZE'] = '{}' }}"),
    "after_fork": ("", "after_fork {{ |server, worker| ENV['SIZE'] = '{}' }}"),
}
RUBY = ("ENV", "||=", "before_fork", "after_fork")
RELOAD, RESTART = "reload", "restart"
#                      added,  changed, removed
ACTIONS = {
    "raw_env": (RELOAD, RELOAD, RESTART),
    "os.environ": (RELOAD, RELOAD, RESTART),
    "setdefault": (RELOAD, RESTART, RESTART),
    "on_starting": (RESTART, RESTART, RESTART),
    "pre_fork": (RELOAD, RELOAD, RESTART),
    "post_fork": (RELOAD, RELOAD, None),
    "ENV": (RELOAD, RELOAD, RESTART),
    "||=": (RELOAD, RESTART, RESTART),
    "before_fork": (RELOAD, RELOAD, RESTART),
    "after_fork": (RELOAD, RELOAD, None),
}


class Changing:
    """A server whose configuration sets SIZE in one way."""

    def __init__(self, by: str, home: Path, bare: Path, *, preload: bool) -> None:
        self.empty, self.line = CHANGES[by]
        self.preload = preload
        if by in RUBY:
            self.file = "unicorn.rb"
            self.server: Server = Unicorn(home)
            self.head = (home / "unicorn.rb").read_text() + ("preload_app true\n" if preload else "")
        else:
            self.file = "gunicorn.conf.py"
            self.server = Gunicorn(home, bins=bare)
            self.head = "preload_app = True\n" if preload else ""
        self.server.put(COLOUR="red")

    def write(self, value: str | None) -> None:
        line = self.empty if value is None else self.line.format(value)
        self.server.write(self.file, f"{self.head}{line}\n")


# Values of different lengths: Python takes a compiled file of the same second and size for the same file.
HAPPENS = {"added": (None, "large"), "changed": ("tiny", "large"), "removed": ("tiny", None)}


@pytest.mark.parametrize("preload", ["", "preload"])
@pytest.mark.parametrize("what", HAPPENS)
@pytest.mark.parametrize("by", CHANGES)
def test_what_brings_a_change_in(  # noqa: PLR0917
    by: str, what: str, preload: str, home: Path, bare: Path, run: Run
) -> None:
    old, new = HAPPENS[what]
    action = ACTIONS[by][list(HAPPENS).index(what)]
    changing = Changing(by, home, bare, preload=bool(preload))
    changing.write(old)
    server = run(changing.server)
    assert server.http("SIZE") == {old}
    assert (check(server).status, check(server).wrong()) == (0, {})
    changing.write(new)

    verdict = check(server)

    if new is None and (preload or action is None):
        # The application may have set it: nothing tells that it has not.
        assert verdict.wrong() == {}
        return
    cause = "left-by-configuration" if new is None else "started-before-change"
    assert verdict.wrong() == {"SIZE": ("stale", cause)}
    assert f"{home}/{changing.file}" in verdict.finding("SIZE")["message"]
    assert verdict.remedy["action"] == action
    perhaps = "HUP is enough if raw_env had set it" in verdict.remedy.get("note", "")
    assert perhaps is (new is None and by not in RUBY)
    if action == RESTART:
        _is_not_enough(server, verdict, old)
    if perhaps:
        server.reload()
        assert server.http("SIZE") == {None if by == "raw_env" else old}
        if by == "raw_env":
            assert (check(server).status, check(server).wrong()) == (0, {})
            return
    workers = server.pids() - set(server.generations())
    carry_out(check(server).remedy["steps"])
    _ended(server, workers)
    server.ready()
    assert server.http("SIZE") == {new}
    assert (check(server).status, check(server).wrong()) == (0, {})


def _ended(server: Server, pids: set[int]) -> None:
    wait_for(lambda: not pids & server.pids(), "the old workers do not end")


def _is_not_enough(server: Server, verdict: Verdict, old: str | None) -> None:
    """Run what is called insufficient: the workers still have what they had."""
    for step in verdict.remedy["insufficient"]:
        name = step["argv"][1]
        masters = set(server.generations())
        workers = server.pids() - masters
        carry_out([step])
        if name == "-HUP":
            _ended(server, workers)
        server.ready(len(masters) if name == "-HUP" else 2)
        assert server.http("SIZE") == {old}


COMPUTED = """\
import os
raw_env = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "raw")).read().split()
"""


def test_raw_env_that_is_read_from_a_file_comes_in_by_a_reload(home: Path, bare: Path, run: Run) -> None:
    server = Gunicorn(home, bins=bare).put(COLOUR="red").write("raw", "SHAPE=round\n")
    server.rules = {"SIZE": "large"}
    run(server.write("gunicorn.conf.py", COMPUTED))
    server.write("raw", "SIZE=large\n")

    verdict = check(server)

    assert verdict.says("SIZE") == ("unexplained", "dynamic-source")
    assert f"{home}/gunicorn.conf.py:2" in verdict.finding("SIZE")["message"]
    assert (verdict.remedy["action"], verdict.remedy["sufficient"]) == ("reload", False)
    workers = server.pids() - set(server.generations())
    carry_out(verdict.remedy["steps"])
    _ended(server, workers)
    server.ready()
    assert (server.http("SIZE"), server.http("SHAPE")) == ({"large"}, {None})
    assert (check(server).status, check(server).wrong()) == (0, {})


# --- whose value the process has --------------------------------------------------------------------------


def test_the_place_of_the_running_value_is_told(home: Path, bare: Path, run: Run) -> None:
    """raw_env is new, and os.environ in the same file had set it; or it came with the exec."""
    server = Gunicorn(home, bins=bare).put(SHAPE="round", SIZE="tiny")
    code = "import os\nos.environ['SIZE'] = 'small'\n"
    run(server.write("gunicorn.conf.py", code))
    server.write("gunicorn.conf.py", code + "raw_env = ['SIZE=large', 'SHAPE=square']\n")

    verdict = check(server)

    stale = ("stale", "started-before-change")
    assert verdict.wrong() == {"SIZE": stale, "SHAPE": stale}
    assert (
        f"the running value is that of os.environ at {home}/gunicorn.conf.py:2"
        in (verdict.finding("SIZE")["message"])
    )
    assert f"the running value is that of {home}/env.d/SHAPE:1" in verdict.finding("SHAPE")["message"]


def test_what_a_reload_alone_sets_would_be_lost(home: Path, bare: Path, run: Run) -> None:
    server = Gunicorn(home, bins=bare).put(COLOUR="red")
    hook = "import os\ndef on_reload(server):\n    os.environ['SIZE'] = 'large'\n"
    run(server.write("gunicorn.conf.py", hook))
    assert check(server).wrong() == {}
    server.reload()
    assert server.http("SIZE") == {"large"}

    verdict = check(server)

    assert verdict.wrong() == {"SIZE": ("latent", "left-by-configuration")}
    assert f"on_reload at {home}/gunicorn.conf.py:3" in verdict.finding("SIZE")["message"]


# --- hooks of the re-exec -----------------------------------------------------------------------------------

READ = "open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'env.d', 'COLOUR')).read().strip()"
REEXEC = {
    "env_orig": f"import os\ndef pre_exec(server):\n    server.cfg.env_orig.update(COLOUR={READ})\n",
    "os.environ": f"import os\ndef pre_exec(server):\n    os.environ.update(COLOUR={READ})\n",
    "before_exec": "before_exec { |s| ENV['COLOUR'] = File.read('env.d/COLOUR').strip }\n",
    "START_CTX": "Unicorn::HttpServer::START_CTX[0] = File.join(__dir__, 'start')\n",
}


@pytest.mark.parametrize("by", REEXEC)
def test_what_a_hook_brings_in_by_usr2(by: str, home: Path, bare: Path, run: Run) -> None:
    if by in ("env_orig", "os.environ"):
        server: Server = Gunicorn(home, bins=bare).write("gunicorn.conf.py", REEXEC[by])
    else:
        server = Unicorn(home, config=REEXEC[by])
        server.write("start", '#!/bin/sh\nexec envdir env.d unicorn "$@"\n')
        (home / "start").chmod(0o755)
    run(server.put(COLOUR="red"))
    server.put(COLOUR="blue")

    remedy = check(server).remedy

    enough = by != "os.environ"
    assert ("USR2 would be enough if" in remedy["note"]) is enough
    assert any(s["argv"][1] == "-USR2" for s in remedy["insufficient"]) is not enough
    assert remedy["action"] == "restart"
    server.reexec()
    assert server.http("COLOUR") == {"blue" if enough else "red"}
    assert check(server).status == (0 if enough else 1)

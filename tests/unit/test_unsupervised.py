"""The step that starts a server again which nobody supervises: as complete as it says that it is."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import build
import pytest

from envcheck import spec as specs
from envcheck.judge import judge
from envcheck.model import Action, Answers, FileFacts, Process, Remedy, Step
from envcheck.report import advice
from envcheck.secrecy import Policy
from envcheck.supervisors import starting
from envcheck.supervisors.known import Known
from envcheck.supervisors.starting import APART, TOGETHER

HIDING = Policy(key=bytes(32))
ENV = {"PATH": "/usr/bin:/bin", "COLOUR": "red"}
SPEC = "apps: {shop: {match: {server: any}, sources: [{envdir: /etc/shop}], env: {COLOUR: {secret: false}}}}"
CONFIG = {"/srv/shop/u.rb": FileFacts("ok")}
TITLE = "unicorn master -c u.rb"


def remedy(
    *processes: Process,
    files: dict[str, FileFacts] | None = None,
    tools: Sequence[str] = ("envdir", "unicorn", "bundle"),
    uid: int = 0,
    writable: dict[str, bool] | None = None,
) -> Remedy:
    sources = {"/etc/shop": build.folder(build.NOW, COLOUR=("blue", build.NOW))}
    snapshot = build.snapshot(*processes, files=sources | (files or {}), tools=tools)
    snapshot = snapshot._replace(answers=Answers(writable=writable or {}))
    snapshot = snapshot._replace(uid=uid, inside={p.pid: snapshot.files for p in processes if p.apart})
    report = judge(snapshot, specs.load(SPEC.encode(), "/spec.yaml"), [], HIDING)
    [app] = report.hosts[0].apps
    return app.remedy


def gunicorn(*arguments: str, env: dict[str, str] | None = None, **given: Any) -> Process:
    return build.gunicorn(10, 1, *(arguments or ("app:app",)), at_exec=ENV | (env or {}), **given)


def unicorn(title: str = TITLE, env: dict[str, str] | None = None, **given: Any) -> Process:
    return build.unicorn(20, title, at_exec=ENV | (env or {}), caught=build.UNICORN_MASTER, **given)


def start(found: Remedy) -> Step:
    assert found.action == "restart"
    return found.steps[-1]


def said(found: Remedy) -> str:
    return "\n".join(h.message for h in found.hazards)


def refused(found: Remedy, why: str) -> None:
    assert not found.sufficient
    assert not any(step.runnable for step in found.steps)
    assert why in said(found)
    [line] = [x for x in advice.remedy_lines(found, 200) if x.startswith("do: ")]
    assert line.endswith("(the start step is not complete: do not begin before it is)")
    masked = any("***" in word for step in found.steps for word in step.argv)
    assert ("fill in" in line) is masked


@pytest.mark.parametrize(
    ("stdout", "stderr", "shut"),
    [
        ("/var/log/shop", "", "/var/log/shop"),
        ("/var/log/shop", "/var/log/errors", "/var/log/shop"),
        ("/var/log/gone (deleted)", "/var/log/gone (deleted)", "/var/log"),
        ("/var/log/errors", "/var/log/errors", ""),
        ("/dev/null", "/dev/pts/1", ""),
    ],
)
def test_an_output_that_who_looks_may_not_open(stdout: str, stderr: str, shut: str) -> None:
    """A step would stop the server, and none could start it: the shell ends before it."""
    own = gunicorn(stdout=stdout, stderr=stderr, uid=1000)
    known = Known(Answers())
    starting.wanted(own, 1000, known)
    asked = {path: path == "/var/log/errors" for _, path in known.wanted}

    found = remedy(own, uid=1000, writable=asked)

    if shut:
        refused(found, f"not allowed to write to {shut}, where its output goes")
    else:
        assert start(found).runnable


def test_root_may_open_every_output() -> None:
    known = Known(Answers())

    starting.wanted(gunicorn(stdout="/var/log/shop", uid=1000), 0, known)

    assert not known.wants


# --- its environment ------------------------------------------------------------------------------------


def test_what_no_source_sets_is_carried_over() -> None:
    kept = {
        "RACK_ENV": "production",
        "BUNDLE_WITHOUT": "test",
        "LD_LIBRARY_PATH": "/opt",
        "PYENV_VERSION": "3",
    }
    noise = {
        "PWD": "/",
        "SSH_TTY": "/dev/pts/1",
        "TERM": "xterm",
        "GUNICORN_FD": "5",
        "NOTIFY_SOCKET": "/run/x",
    }

    found = remedy(gunicorn(env=kept | noise))

    argv = start(found).argv
    assert found.sufficient
    assert {f"{n}={v}" for n, v in kept.items()} <= set(argv)
    assert not {word.partition("=")[0] for word in argv} & {*noise, "COLOUR"}


def test_what_was_removed_from_the_sources_is_not_carried_over() -> None:
    found = remedy(gunicorn(env={"NODE_ENV": "production", "OLD": "x"}))

    assert found.sufficient
    assert not [w for w in start(found).argv if w.startswith(("NODE_ENV=", "OLD="))]


def test_what_may_not_be_shown_is_left_out_and_said() -> None:
    found = remedy(gunicorn(env={"PIP_INDEX_URL": "https://me:hunter2hunter2@example.org"}))

    assert found.sufficient
    assert "PIP_INDEX_URL" in {h.variable for h in found.hazards if h.cause == "leaked"}
    assert not any("hunter2" in w or "PIP_INDEX" in w for w in start(found).argv)


def test_a_server_in_another_pid_namespace_is_not_started_outside_of_it() -> None:
    assert start(remedy(gunicorn(inner=10))).runnable
    refused(remedy(gunicorn(inner=1)), "pid namespace")


def test_a_server_that_sees_other_files_is_not_started_where_they_are_not() -> None:
    refused(remedy(gunicorn(apart=True)), "it would see other files")


def test_without_what_is_essential_nothing_is_run() -> None:
    found = remedy(gunicorn(env={"GUNICORN_CMD_ARGS": "--env TOKEN=hunter2hunter2"}))

    assert "GUNICORN_CMD_ARGS=***" in start(found).argv
    refused(found, "")


def test_bundler_sets_its_own_again() -> None:
    bundler = {
        "RUBYOPT": "-rbundler/setup -W0",
        "RUBYLIB": "/gems/bundler",
        "BUNDLER_ORIG_RUBYOPT": "-W0",
        "BUNDLER_ORIG_RUBYLIB": "BUNDLER_ENVIRONMENT_PRESERVER_INTENTIONALLY_NIL",
        "BUNDLE_BIN_PATH": "/gems/bundle",
        "BUNDLE_GEMFILE": "/srv/shop/Gemfile",
    }

    found = remedy(unicorn(env=bundler), files=CONFIG)

    argv = start(found).argv
    assert found.sufficient
    assert {"RUBYOPT=-W0", "BUNDLE_GEMFILE=/srv/shop/Gemfile"} <= set(argv)
    assert not any(w.startswith(("RUBYLIB=", "BUNDLE_BIN_PATH=", "BUNDLER_")) for w in argv)
    assert argv[-5:] == ("bundle", "exec", "unicorn", "-c", "u.rb")


# --- its folder and its command ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pwd", "folder"), [("/home/deploy", "/home/deploy"), ("relative", None), (None, None)]
)
@pytest.mark.parametrize("by", ["argument", "config"])
def test_a_server_that_has_left_its_folder(pwd: str | None, folder: str | None, by: str) -> None:
    env = {"PWD": pwd} if pwd else {}
    if by == "argument":
        found = remedy(gunicorn("--chdir", "/srv/shop", "app:app", env=env))
    else:
        files = {"/etc/g.py": FileFacts("ok", b"chdir = '/srv/shop'\n")}
        found = remedy(gunicorn("-c", "/etc/g.py", "app:app", env=env), files=files)

    if folder:
        assert found.sufficient
        assert f"--chdir={folder}" in start(found).argv
    else:
        refused(found, "left the folder")


def test_a_unicorn_that_has_left_its_folder() -> None:
    files = {"/etc/u.rb": FileFacts("ok", b"working_directory '/srv/shop'\n")}

    refused(remedy(unicorn("unicorn master -c /etc/u.rb"), files=files), "left the folder")


def test_the_program_of_a_title() -> None:
    assert start(remedy(unicorn(), files=CONFIG)).argv[-3:] == ("unicorn", "-c", "u.rb")
    elsewhere = remedy(unicorn(env={"PATH": "/opt/bin"}), files=CONFIG)
    assert start(elsewhere).argv[-3:] == ("/usr/bin/unicorn", "-c", "u.rb")
    refused(remedy(unicorn(), files=CONFIG, tools=["envdir"]), "where unicorn is")


def test_blanks_in_a_title() -> None:
    refused(remedy(unicorn("unicorn master -c my config.rb")), "where its arguments end")


def test_a_configuration_that_is_missing() -> None:
    files = {"/srv/shop/g.py": FileFacts("missing")}

    found = remedy(gunicorn("-c", "g.py", "app:app"), files=files)

    assert (found.action, found.steps) == (Action.REFUSE, ())
    assert found.note == "mend this first: a restart would not come up: there is no /srv/shop/g.py"


def test_what_is_no_text_cannot_be_run() -> None:
    refused(remedy(gunicorn("--name", "caf\udce9", "app:app")), "no UTF-8")


# --- who it runs as, and where it writes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "option"), [((), "--clear-groups"), ((4, 33), "--groups=4,33")], ids=["none", "some"]
)
def test_a_user_without_a_name(groups: tuple[int, ...], option: str) -> None:
    argv = start(remedy(gunicorn(uid=4242, gid=77, groups=groups))).argv

    at = argv.index("setpriv")
    assert argv[at : at + 5] == ("setpriv", "--reuid=4242", "--regid=77", option, "env")


def test_another_user_is_out_of_reach_without_root() -> None:
    refused(remedy(gunicorn(), uid=1001), "look as root")


def test_both_outputs() -> None:
    argv = start(remedy(gunicorn(stdout="/var/log/a", stderr="/var/log/b"))).argv
    assert argv[2:7] == ("sh", "-c", APART, "/var/log/a", "/var/log/b")
    argv = start(remedy(gunicorn(stdout="/var/log/a", stderr="/var/log/a"))).argv
    assert argv[2:6] == ("sh", "-c", TOGETHER, "/var/log/a")
    argv = start(remedy(gunicorn(stdout="pipe:[1]", stderr="/dev/pts/3"))).argv
    assert argv[2:6] == ("sh", "-c", TOGETHER, "/dev/null")
    argv = start(remedy(gunicorn(stdout="/var/log/a", umask=0o027))).argv
    assert argv[2:6] == ("sh", "-c", f"umask 0027; {TOGETHER}", "/var/log/a")


@pytest.mark.parametrize(("stderr", "lost"), [("pipe:[7]", True), ("/dev/null", False)])
def test_an_output_that_is_lost(stderr: str, lost: bool) -> None:  # noqa: FBT001
    told = remedy(gunicorn(stdout="/var/log/a", stderr=stderr)).hazards
    assert ("lost-output" in {h.cause for h in told}) == lost


def test_the_script_writes_where_it_is_told(tmp_path: Path) -> None:
    out, err = tmp_path / "o $(x)", tmp_path / "e'"
    command = ["sh", "-c", 'echo "$1"; echo "$2" >&2', "x", "a b", "c  d"]

    subprocess.run(["sh", "-c", APART, str(out), str(err), *command], check=True)

    assert (out.read_text(), err.read_text()) == ("a b\n", "c  d\n")


# --- orphans -----------------------------------------------------------------------------------------------


def test_orphans_take_no_signal_for_a_master() -> None:
    worker = build.gunicorn(11, 999, "-b", ":80", "app:app", at_exec=ENV)

    found = remedy(worker)

    assert found.insufficient == ()
    assert start(found).argv[-4:] == ("/usr/bin/gunicorn", "-b", ":80", "app:app")
    assert ("kill", "-QUIT", "11") in [s.argv for s in found.steps]


def test_orphans_of_unicorn_take_none_either() -> None:
    worker = build.unicorn(21, "unicorn worker[0] -c u.rb", 999, at_exec=ENV, ignored=build.UNICORN_WORKER)

    found = remedy(worker, files=CONFIG)

    assert (found.insufficient, found.sufficient) == ((), True)

"""The case that envcheck comes from: two envdirs, a wrapper, a herder, and a Unicorn that daemonises.

`PROOFS` says which of its cases is proven where. The job and its commands are read, not run: Upstart is not
there. Its job file is shown to envcheck in a mount namespace of its own, and what `start` does is done by
running the same chain detached.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from live.checking import Verdict, carry_out
from live.harness import Server, clean, detach, kill_all_in, need, processes_in, root_only, send, wait_for
from live.servers import DOTENV_PYTHON, DOTENV_RUBY, Gunicorn, Unicorn

HERDER = Path(__file__).parent / "herder.py"
SETENV = """\
#!/bin/sh
set -e
app="$1"
shift
. {base}/environment
exec envdir {base}/env.d envdir "{base}/${{app}}/env.d" "$@"
"""
SPINUP = """\
#!/bin/sh
set -e
cd "$GOVUK_APP_ROOT"
exec {python} {herder} -u {kind} -p "${{GOVUK_APP_RUN}}/app.pid" -- {arguments}
"""
JOB = """\
description "{name}"
respawn
{stanzas}
script
  exec {base}/govuk_setenv {name} {base}/spinup-{name}
end script
"""
NAMESPACE = 'mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@"'

pytestmark = root_only

# The cases of the story, and what proves each.
PROOFS = {
    "G1": "test_added_changed_removed_and_reloaded",
    "G2": "test_added_changed_removed_and_reloaded",
    "G3": "test_added_changed_removed_and_reloaded",
    "G4": "test_a_master_that_is_told_to_reload_itself",
    "G5": "test_a_second_master_that_stays",
    "G6": "test_an_orphan",
    "G7": "test_an_empty_file",
    "G8": "test_a_reload_whose_workers_do_not_come_up",
    "G9": "test_a_reload_that_is_refused",
    "G10": "test_the_web_and_its_worker_are_judged_apart",
    "G11": "test_the_global_folder_changed",
    "G12": "test_gunicorn",
    "G13": "test_gunicorn",
    "G14": "test_poisoned",
    "G15": "test_gunicorn_that_was_reloaded_before_its_reexec",
    "G16": "test_a_folder_in_the_folder",
    "G17": "test_fresh",
    "G18": "test_fresh",
    "G19": "test_fresh",
    "G20": "test_one_pair_of_two",
    "G21": "test_fresh",
    "G22": "test_hosts_that_are_not_equally_far",
    "G23": "test_stop_and_start_cures",
    "G24": "test_leaked",
    "G25": "test_a_stanza_of_the_job",
}


class Host:
    """A host with applications under herders."""

    def __init__(self, base: Path) -> None:
        need("envdir", "unicorn", "unshare", "nsenter", "mount")
        self.base = base
        self.holder: subprocess.Popen[bytes] | None = None
        self.jobs = base / "etc" / "init"
        self.jobs.mkdir(parents=True)
        (base / "env.d").mkdir()
        (base / "environment").write_text("PATH=/usr/bin:/bin\nLC_ALL=C.UTF-8\nTZ=Europe/London\n")
        setenv = base / "govuk_setenv"
        setenv.write_text(SETENV.format(base=base))
        setenv.chmod(0o755)
        self.put(None, GOVUK_ENV="production", RAILS_ENV="production")

    def put(self, app: str | None, **variables: str | None) -> None:
        folder = self.base / app / "env.d" if app else self.base / "env.d"
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in variables.items():
            if value is None:
                (folder / name).unlink()
            else:
                (folder / name).write_bytes(value.encode())

    def app(self, name: str, make: Callable[..., Server] = Unicorn, stanzas: str = "", **options: Any) -> App:
        return App(self, name, make, stanzas, **options)

    def spec(self, app: App, sources: list[dict[str, str]], rules: dict[str, Any] | None = None) -> str:
        given: dict[str, Any] = {"match": {"cwd": str(app.server.folder)}, "sources": sources}
        if rules:
            given["env"] = rules
        path = self.base / "spec.yaml"
        path.write_text(json.dumps({"version": 1, "apps": {"shop": given}}))
        return str(path)

    def folders(self, app: App) -> list[dict[str, str]]:
        return [{"envdir": f"{self.base}/env.d"}, {"envdir": f"{self.base}/{app.name}/env.d"}]

    def envcheck(self, *args: str) -> subprocess.CompletedProcess[str]:
        argv = [*self.within(), sys.executable, "-m", "envcheck", *args]
        env = clean(LC_ALL="en_GB.UTF-8", TZ="Europe/Paris")
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60, cwd="/", env=env)
        assert done.returncode not in (32, 70), done.stderr
        return done

    def within(self) -> list[str]:
        """Give the words that run a program where the jobs are in /etc: servers, and who looks at them."""
        if self.holder is None:
            words = [
                "unshare",
                "-m",
                "--propagation",
                "private",
                "sh",
                "-c",
                NAMESPACE,
                str(self.base / "etc"),
            ]
            self.holder = subprocess.Popen([*words, "sleep", "600"])
            name = Path(f"/proc/{self.holder.pid}/comm")
            wait_for(lambda: name.read_text() == "sleep\n", "there is no such namespace")
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt"]

    def end(self) -> None:
        kill_all_in(self.base)
        if self.holder is not None:
            self.holder.kill()
            self.holder.wait()

    def check(self, app: App, *args: str) -> Verdict:
        done = self.envcheck("check", *args, *([] if args else [f"cwd:{app.server.folder}"]), "-f", "json")
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        [found] = document["hosts"][0]["apps"]
        return Verdict(document["exit_code"], found)


class App:
    """An application: its server daemonises, its herder watches."""

    def __init__(
        self, host: Host, name: str, make: Callable[..., Server], stanzas: str, **options: Any
    ) -> None:
        self.host, self.name = host, name
        root, run = host.base / name / "root", host.base / name / "run"
        run.mkdir(parents=True)
        self.server = make(root, **options)
        self.pidfile = run / "app.pid"
        host.put(name, GOVUK_APP_ROOT=f"{root}\n", GOVUK_APP_RUN=f"{run}\n", GOVUK_APP_NAME=name)
        job = JOB.format(name=name, base=host.base, stanzas=stanzas)
        (host.jobs / f"{name}.conf").write_text(job)
        program, *arguments = self.server.argv()
        spinup = host.base / f"spinup-{name}"
        spinup.write_text(
            SPINUP.format(python=sys.executable, herder=HERDER, kind=program, arguments=" ".join(arguments))
        )
        spinup.chmod(0o755)
        self.extra: dict[str, str] = {}

    def start(self) -> App:
        env = clean() | {"TERM": "linux", "UPSTART_JOB": self.name, "UPSTART_INSTANCE": "", **self.extra}
        chain = [str(self.host.base / "govuk_setenv"), self.name, str(self.host.base / f"spinup-{self.name}")]
        (self.server.folder / "log").touch()
        detach([*self.host.within(), "sh", "-e", "-c", f"cd /; exec {' '.join(chain)}"], self.host.base, env)
        wait_for(self.pidfile.exists, "no pid file")
        self.server.ready()
        return self

    @property
    def herder(self) -> int:
        [found] = self.herders
        return found

    @property
    def herders(self) -> list[int]:
        words = f"{self.pidfile}\0".encode()
        found: list[int] = []
        for process in processes_in(self.server.folder):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                found += [process.pid] if words in line and b"herder.py" in line else []
        return found

    def reload(self) -> None:
        """HUP to the herder: a new master, and the old one retired."""
        before = set(self.server.generations())
        send(self.herder, signal.SIGHUP)
        wait_for(lambda: set(self.server.generations()) - before, "no new master")
        wait_for(lambda: not before & set(self.server.generations()), "the old master stays")
        self.server.ready()

    def check(self, *args: str) -> Verdict:
        return self.host.check(self, *args)


@pytest.fixture
def host(home: Path) -> Iterator[Host]:
    made = Host(home)
    try:
        yield made
    finally:
        made.end()


def argvs(steps: list[dict[str, Any]]) -> list[list[str]]:
    return [step["argv"] for step in steps]


def test_fresh(host: Host) -> None:
    """A fresh start is in sync, and nothing of the caller's shell counts (G17, G18, G19, G21)."""
    host.put("shop", LINES="one\0two\n", BLANK="x \t\n", CARRIAGE="x\r\n", EMPTY="\n", UNSET="")
    app = host.app("shop").start()
    assert app.server.http("LINES") == {"one\ntwo"}
    assert app.server.http("CARRIAGE") == {"x\r"}
    verdict = app.check()
    assert (verdict.status, verdict.wrong()) == (0, {}), verdict.app
    assert verdict.app["supervisor"] == {"kind": "herder", "name": "shop"}


def test_added_changed_removed_and_reloaded(host: Host) -> None:
    """The original case: the master is younger than the change, and has the old environment (G1-G3)."""
    host.put("shop", COLOUR="red\n", OLD="1\n")
    app = host.app("shop").start()
    started = app.check().app["generations"][0]["environment_read"]
    host.put("shop", AWS_S3_BUCKET_NAME="bucket", COLOUR="blue\n", OLD=None)
    app.reload()
    assert app.server.http("AWS_S3_BUCKET_NAME") == {None}
    verdict = app.check()
    assert (verdict.status, verdict.state) == (1, "stale")
    cause = ("stale", "inherited-by-reexec")
    assert verdict.wrong() == {"AWS_S3_BUCKET_NAME": cause, "COLOUR": cause, "OLD": cause}
    origin = verdict.finding("AWS_S3_BUCKET_NAME")["configured"]["origin"]
    assert origin == f"{host.base}/shop/env.d/AWS_S3_BUCKET_NAME:1"
    [generation] = verdict.app["generations"]
    assert (generation["reexeced"], generation["environment_read"]) == (True, started)
    remedy = verdict.remedy
    assert remedy["action"] == "restart"
    steps = argvs(remedy["steps"])
    assert (steps[0], steps[-1]) == (["initctl", "stop", "shop"], ["initctl", "start", "shop"])
    assert str(app.server.master) in steps[1]
    wrong = {tuple(s["argv"]): s["why"] for s in remedy["insufficient"]}
    assert ("initctl", "reload", "shop") in wrong
    assert ("kill", "-HUP", str(app.herder)) in wrong
    assert "never" in wrong["kill", "-HUP", str(app.server.master)]


def test_stop_and_start_cures(host: Host) -> None:
    """Without a job the herder is ended and started again as it was, through the spec's sources (G23)."""
    app = host.app("shop")
    app.extra = {"UPSTART_JOB": ""}
    app.start()
    host.put("shop", COLOUR="blue\n")
    app.reload()
    spec = host.spec(app, host.folders(app))
    verdict = app.check("-s", spec)
    assert verdict.says("COLOUR") == ("stale", "inherited-by-reexec")
    master = app.server.master
    carry_out(verdict.remedy["steps"])
    wait_for(lambda: master not in app.server.pids(), "the master does not end")
    app.server.ready()
    assert app.server.http("COLOUR") == {"blue"}
    verdict = app.check("-s", spec)
    assert (verdict.status, verdict.wrong()) == (0, {})
    [generation] = verdict.app["generations"]
    assert generation["master"]["pid"] == app.server.master != master
    assert generation["reexeced"] is False


def test_a_master_that_is_told_to_reload_itself(host: Host) -> None:
    """HUP to the master: it forgets its pid file, the herder cannot read it and ends the server (G4)."""
    app = host.app("shop").start()
    host.put("shop", COLOUR="blue\n")
    verdict = app.check()
    hup = ["kill", "-HUP", str(app.server.master)]
    [why] = [s["why"] for s in verdict.remedy["insufficient"] if s["argv"] == hup]
    assert why.startswith("never")
    assert hup not in argvs(verdict.remedy["steps"])
    subprocess.run(hup, check=True)
    wait_for(lambda: not app.server.pids(), "the server lives on")


def test_a_second_master_that_stays(host: Host) -> None:
    """USR2 to the herder: two generations (G5)."""
    app = host.app("shop").start()
    host.put("shop", COLOUR="blue\n")
    send(app.herder, signal.SIGUSR2)
    wait_for(lambda: len(app.server.generations()) == 2, "no second master")
    app.server.ready(2)
    verdict = app.check()
    assert verdict.says(None) == ("latent", "mixed-generations")
    assert verdict.finding("COLOUR")["diagnosis"] == "stale"
    assert [g["role"] for g in verdict.app["generations"]] == ["old", "new"]
    assert verdict.remedy["action"] == "restart"


def test_an_orphan(host: Host) -> None:
    """The herder was killed: nothing that the job does reaches the master (G6)."""
    app = host.app("shop").start()
    herder, master = app.herder, app.server.master
    send(herder, signal.SIGKILL)
    wait_for(lambda: herder not in app.server.pids(), "the herder does not end")
    host.put("shop", COLOUR="blue\n")
    verdict = app.check()
    assert verdict.says(None) == ("latent", "orphaned")
    assert [(g["master"]["pid"], g["role"]) for g in verdict.app["generations"]] == [(master, "orphaned")]
    assert verdict.finding("COLOUR")["diagnosis"] == "stale"
    assert verdict.remedy["action"] == "adopt"
    steps = argvs(verdict.remedy["steps"])
    assert (steps[0], steps[-1]) == (["kill", "-QUIT", str(master)], ["initctl", "start", "shop"])
    assert ["initctl", "start", "shop"] in argvs(verdict.remedy["insufficient"])
    app.start()
    wait_for(lambda: not app.herders, "the second herder stays")
    assert app.server.master == master
    assert app.check().wrong() == verdict.wrong()
    carry_out(verdict.remedy["steps"][:-1])
    app.start()
    assert app.check().status == 0


def test_an_empty_file(host: Host) -> None:
    """A file of no bytes unsets: a restart is useless (G7)."""
    host.put(None, AWS_ACCESS_KEY="global\n")
    host.put("shop", AWS_ACCESS_KEY="")
    app = host.app("shop").start()
    verdict = app.check("-s", host.spec(app, host.folders(app), {"AWS_ACCESS_KEY": None}))
    assert verdict.finding("AWS_ACCESS_KEY")["diagnosis"] == "misconfigured"
    assert verdict.finding("AWS_ACCESS_KEY")["cause"] in ("unset-by-empty-file", "shadowed")
    assert verdict.remedy["action"] == "fix-configuration"


def test_the_global_folder_changed(host: Host) -> None:
    """Nothing notifies the applications: every one is stale (G11)."""
    apps = [host.app("shop").start(), host.app("blog").start()]
    host.put(None, GOVUK_ASSET_HOST="https://assets\n")
    for app in apps:
        verdict = app.check()
        assert verdict.wrong() == {"GOVUK_ASSET_HOST": ("stale", "started-before-change")}
        assert argvs(verdict.remedy["steps"])[0] == ["initctl", "stop", app.name]


@pytest.mark.parametrize("titled", [False, True])
def test_gunicorn(host: Host, bare: Path, titled: bool) -> None:  # noqa: FBT001
    """Gunicorn under the herder, without and with setproctitle (G12, G13)."""
    program: dict[str, Any] = {} if titled else {"bins": bare}
    app = host.app("shop", Gunicorn, **program)
    spinup = host.base / "spinup-shop"
    if not titled:
        spinup.write_text(spinup.read_text().replace("exec ", f"PATH={bare}:/usr/bin:/bin\nexec "))
    else:
        own = Path(sys.executable).parent
        spinup.write_text(spinup.read_text().replace("exec ", f"PATH={own}:/usr/bin:/bin\nexec "))
    app.start()
    first = app.check()
    assert (first.status, first.wrong()) == (0, {}), first.app
    old = app.server.master
    host.put("shop", COLOUR="blue\n")
    send(app.herder, signal.SIGUSR2)
    wait_for(lambda: len(app.server.generations()) == 2, "no second master")
    app.server.ready(2)
    second = Path(f"{app.pidfile}.2")
    assert int(second.read_text()) == app.server.master
    for target in (app.pidfile, second):
        verdict = app.check(f"pidfile:{target}")
        assert [(g["master"]["pid"], g["role"]) for g in verdict.app["generations"]] == [
            (old, "old"),
            (app.server.master, "new"),
        ]
        assert verdict.says(None) == ("latent", "mixed-generations")
    send(old, signal.SIGQUIT)
    wait_for(lambda: old not in app.server.pids() and not second.exists(), "the new one is not promoted")
    app.server.ready()
    verdict = app.check(f"pidfile:{app.pidfile}")
    assert verdict.app["supervisor"]["kind"] == "herder"
    [generation] = verdict.app["generations"]
    assert (generation["role"], generation["reexeced"]) == ("current", True)
    assert generation["environment_read"] == first.app["generations"][0]["environment_read"]
    assert verdict.wrong() == {"COLOUR": ("stale", "inherited-by-reexec")}


def test_poisoned(host: Host) -> None:
    """dotenv in a preloaded application: what it set survives USR2 (G14)."""
    app = host.app("shop", config="preload_app true\n", prelude=DOTENV_RUBY)
    app.server.write(".env", "COLOUR=red\n")
    app.start()
    app.server.write(".env", "COLOUR=blue\n")
    app.reload()
    assert app.server.http("COLOUR") == {"red"}
    spec = host.spec(app, [{"file": str(app.server.folder / ".env"), "dialect": "dotenv-ruby"}])
    verdict = app.check("-s", spec)
    assert verdict.says("COLOUR") == ("stale", "poisoned-reexec")
    assert argvs(verdict.remedy["steps"])[0] == ["initctl", "stop", "shop"]


def test_a_folder_in_the_folder(host: Host) -> None:
    """envdir refuses it: a restart would take the application down (G16)."""
    app = host.app("shop").start()
    (host.base / "shop" / "env.d" / "nested").mkdir()
    verdict = app.check()
    assert verdict.says(None) == ("latent", "unstartable")
    assert (verdict.remedy["action"], verdict.remedy["steps"]) == ("refuse", [])


def test_leaked(host: Host) -> None:
    """Started out of another program's session, whose version manager left its mark (G24)."""
    app = host.app("shop")
    app.extra = {"RBENV_VERSION": "1.9.3", "SSH_CONNECTION": "x", "FACTER_x": "1"}
    app.start()
    verdict = app.check()
    leaked = ("latent", "leaked")
    assert verdict.wrong() == {"RBENV_VERSION": leaked, "SSH_CONNECTION": leaked, "FACTER_x": leaked}
    assert verdict.status == 0


def test_the_web_and_its_worker_are_judged_apart(host: Host) -> None:
    """Two jobs with the same sources: one was restarted after the change, the other was not (G10)."""
    web = host.app("shop").start()
    host.put(None, COLOUR="blue\n")
    worker = host.app("worker").start()
    assert web.check().wrong() == {"COLOUR": ("stale", "started-before-change")}
    assert (worker.check().status, worker.check().wrong()) == (0, {})


def test_gunicorn_that_was_reloaded_before_its_reexec(host: Host, bare: Path) -> None:
    """HUP makes the value that the application set part of what USR2 hands on (G15)."""
    app = host.app("shop", Gunicorn, bins=bare, prelude=DOTENV_PYTHON)
    spinup = host.base / "spinup-shop"
    text = spinup.read_text().replace("exec ", f"PATH={bare}:/usr/bin:/bin\nexec ")
    spinup.write_text(text.replace(" app:app", " --preload app:app"))
    app.server.write(".env", "COLOUR=red\n")
    app.start()
    app.server.reload()
    app.server.write(".env", "COLOUR=blue\n")
    app.reload()
    assert app.server.http("COLOUR") == {"red"}
    spec = host.spec(app, [{"file": str(app.server.folder / ".env"), "dialect": "dotenv-python"}])
    assert app.check("-s", spec).says("COLOUR") == ("stale", "poisoned-reexec")


def test_gunicorn_whose_configuration_had_set_what_its_reexec_hands_on(host: Host, bare: Path) -> None:
    app = host.app("shop", Gunicorn, bins=bare)
    spinup = host.base / "spinup-shop"
    spinup.write_text(spinup.read_text().replace("exec ", f"PATH={bare}:/usr/bin:/bin\nexec "))
    app.server.write("gunicorn.conf.py", "import os\nos.environ['GONE'] = 'yes'\n")
    app.start()
    app.server.reload()
    app.server.write("gunicorn.conf.py", "import os\n")
    assert app.check().says("GONE") == ("stale", "left-by-configuration")
    app.reload()
    assert app.server.http("GONE") == {"yes"}
    verdict = app.check()
    assert (verdict.status, verdict.wrong()) == (1, {"GONE": ("stale", "poisoned-reexec")})
    assert argvs(verdict.remedy["steps"])[0] == ["initctl", "stop", "shop"]


def test_a_stanza_of_the_job(host: Host) -> None:
    """`env` in the job: only stop and start read the job again, restart does not (G25)."""
    app = host.app("shop", stanzas="env COLOUR=red\nexport COLOUR")
    app.extra = {"COLOUR": "red"}
    app.start()
    assert app.check().wrong() == {}
    job = host.jobs / "shop.conf"
    job.write_text(job.read_text().replace("red", "blue"))
    verdict = app.check()
    assert verdict.says("COLOUR") == ("stale", "started-before-change")
    assert ["initctl", "restart", "shop"] in argvs(verdict.remedy["insufficient"])


FETCH = "ENV.fetch('AWS_S3_BUCKET_NAME')\n"


def needing(app: App) -> None:
    """Deploy code that does not come up without a variable, which is configured, and have it reloaded."""
    app.host.put("shop", AWS_S3_BUCKET_NAME="bucket")
    rackup = app.server.folder / "config.ru"
    rackup.write_text(FETCH + rackup.read_text())
    send(app.herder, signal.SIGHUP)


def test_a_reload_whose_workers_do_not_come_up(host: Host) -> None:
    """The application is not preloaded: the herder counts children, and ends the master that served (G8)."""
    app = host.app("shop").start()
    old = app.server.master
    needing(app)
    wait_for(lambda: old not in app.server.pids(), "the old master stays")
    new = int(app.pidfile.read_text())
    wait_for(lambda: time.time() - Path(f"/proc/{new}").stat().st_ctime > 3.0, "the new master is young")
    verdict = app.check()
    assert ("latent", "crash-loop") in [(f["diagnosis"], f["cause"]) for f in verdict.findings(None)]
    stale = verdict.findings("AWS_S3_BUCKET_NAME")[0]
    assert (stale["diagnosis"], stale["cause"]) == ("stale", "inherited-by-reexec")
    assert (verdict.status, verdict.remedy["action"]) == (1, "restart")
    assert argvs(verdict.remedy["steps"])[0] == ["initctl", "stop", "shop"]


def test_a_reload_that_is_refused(host: Host) -> None:
    """The application is preloaded: the new master ends, and the old one serves on with the old code (G9)."""
    app = host.app("shop", config="preload_app true\n").start()
    old, written = app.server.master, app.pidfile.stat().st_ctime
    assert app.check().wrong() == {}
    needing(app)
    oldbin = Path(f"{app.pidfile}.oldbin")
    wait_for(lambda: app.pidfile.exists() and app.pidfile.stat().st_ctime > written, "no reload was tried")
    wait_for(lambda: not oldbin.exists() and list(app.server.generations()) == [old], "two masters stay")
    app.server.ready()
    verdict = app.check()
    assert verdict.says(None) == ("latent", "reload-refused")
    assert verdict.says("AWS_S3_BUCKET_NAME") == ("stale", "started-before-change")
    assert verdict.app["generations"][0]["master"]["pid"] == old
    assert verdict.remedy["action"] == "restart"


PAIRS = [["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], ["AWS_ACCESS_KEY", "AWS_SECRET_KEY"]]


def test_one_pair_of_two(host: Host) -> None:
    """The library takes either pair of names, but not one name of each (G20)."""
    rules = {"aws": {"any_of": PAIRS, "secret": True, "allow_empty": False}}
    host.put("shop", AWS_ACCESS_KEY="one", AWS_SECRET_KEY="two")
    app = host.app("shop").start()
    spec = host.spec(app, host.folders(app), rules)
    verdict = app.check("-s", spec)
    assert (verdict.status, verdict.wrong()) == (0, {})
    assert verdict.finding("aws")["expected"] == {"rule": "any_of", "variables": PAIRS}
    host.put("shop", AWS_SECRET_KEY=None, AWS_SECRET_ACCESS_KEY="two")
    verdict = app.check("-s", spec)
    assert verdict.finding("aws")["diagnosis"] == "latent"
    assert verdict.remedy["action"] == "refuse"


def test_hosts_that_are_not_equally_far(home: Path) -> None:
    """The configuration management has reached two of three, and one of them was started anew (G22)."""
    verdicts: list[Verdict] = []
    hosts: list[Host] = []
    try:
        for name, before, after in [
            ("done", True, False),
            ("reloaded", False, True),
            ("not-yet", False, False),
        ]:
            made = Host(home / name)
            hosts.append(made)
            if before:
                made.put("shop", AWS_REGION="eu-west-1")
            app = made.app("shop").start()
            if after:
                made.put("shop", AWS_REGION="eu-west-1")
                app.reload()
            spec = made.spec(app, made.folders(app), {"AWS_REGION": None})
            verdicts.append(app.check("-s", spec))
    finally:
        for made in hosts:
            made.end()
    assert [v.says("AWS_REGION") for v in verdicts] == [
        ("in-sync", None),
        ("stale", "inherited-by-reexec"),
        ("misconfigured", "not-configured"),
    ]
    assert [v.remedy["action"] for v in verdicts] == ["none", "restart", "fix-configuration"]
    assert [v.status for v in verdicts] == [0, 1, 1]


def test_every_case_is_proven() -> None:
    assert list(PROOFS) == [f"G{number}" for number in range(1, 26)]
    for case, proof in PROOFS.items():
        assert re.search(rf"\b{case}\b", range_of(globals()[proof].__doc__)), case


def range_of(text: str) -> str:
    """Write `G1-G4` out."""
    return re.sub(
        r"G(\d+)-G(\d+)", lambda m: " ".join(f"G{n}" for n in range(int(m[1]), int(m[2]) + 1)), text
    )

"""Gunicorn under a real systemd: owned, in sync, stale, and cured by what is said and by nothing less."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.checking import report
from live.harness import absent, free_port, need, root_only, wait_for
from live.servers import WSGI
from live.systemd.judging import argvs, check
from live.systemd.machine import Machine
from live.systemd.unit import GUNICORN, UNITS, Packaged, Unit

Json = dict[str, Any]

pytestmark = root_only


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        booted.write("/srv/app.py", WSGI.format(prelude=""))
        yield booted


def test_fresh(machine: Machine) -> None:
    machine.write("/etc/shop.env", "SIZE=large\nCOLOUR='dark red'\n")
    unit = Unit(
        machine,
        "fresh.service",
        "Environment=COLOUR=red SHAPE=round UNIT=%n\nEnvironmentFile=/etc/shop.env\nUser=root\n"
        "PassEnvironment=FROM_INIT\nRuntimeDirectory=fresh",
    )

    verdict = unit.check()

    assert verdict.wrong() == {}
    assert (verdict.status, verdict.state) == (0, "in-sync")
    assert verdict.app["supervisor"] == {"kind": "systemd", "name": "fresh.service"}
    unit.stop()


def test_a_unit_as_a_target(machine: Machine) -> None:
    machine.write("/etc/shop.env", "SIZE=large\n")
    blue = Unit(machine, "shop@blue.service", "EnvironmentFile=/etc/shop.env", file="shop@.service")
    for target in ("unit:shop@blue", "unit:shop@blue.service", "unit:shop@.service", "unit:shop*"):
        verdict = check(machine, target)
        assert verdict.app["supervisor"]["name"] == "shop@blue.service", target
        assert verdict.status == 0
    done = machine.python("-m", "envcheck", "check", "unit:shop", check=False)
    assert done.returncode == 2
    assert "shop@blue.service" in done.stdout
    blue.stop()


def test_a_unit_as_a_source(machine: Machine) -> None:
    """The spec names the unit among other sources; the server may be anybody's."""
    machine.write("/etc/shop.env", "SIZE=large\n")
    machine.path("/etc/shop.d").mkdir(exist_ok=True)
    machine.write("/etc/shop.d/COLOUR", "red\n")
    unit = Unit(machine, "source.service", "Environment=SHAPE=round\nEnvironmentFile=/etc/shop.env")
    app = "apps: {shop: {match: {unit: source}, sources: [%s]}}"
    machine.write("/etc/unit.yaml", app % "{systemd: source}")
    machine.write("/etc/both.yaml", app % "{systemd: source.service}, {envdir: /etc/shop.d}")
    machine.write("/etc/none.yaml", app % "{systemd: nothing}")

    assert check(machine, "-s", "/etc/unit.yaml").wrong() == {}
    verdict = check(machine, "-s", "/etc/both.yaml")
    assert verdict.says("COLOUR") == ("stale", "not-applied")
    kinds = [s["kind"] for s in verdict.app["sources"]]
    assert {"systemd-unit", "file", "envdir"} <= set(kinds)
    assert kinds[-1] == "envdir"
    machine.write("/etc/shop.env", "SIZE=small\n")
    verdict = check(machine, "-s", "/etc/unit.yaml")
    assert verdict.wrong() == {"SIZE": ("stale", "started-before-change")}
    assert argvs(verdict.remedy["steps"]) == [["systemctl", "restart", "source.service"]]
    verdict = check(machine, "-s", "/etc/none.yaml")
    assert (verdict.says(None), verdict.remedy["action"]) == (("latent", "unstartable"), "refuse")
    unit.stop()


def test_what_only_the_memory_of_the_manager_holds(machine: Machine) -> None:
    machine.systemctl("set-environment", "BY_HAND=1")
    try:
        unit = Unit(machine, "memory.service", "Environment=COLOUR=red")
        machine.write("/etc/memory.yaml", "apps: {shop: {match: {unit: memory}, env: {BY_HAND: ~}}}")
        for options in ([str(unit.master)], ["-s", "/etc/memory.yaml"]):
            verdict = check(machine, *options)
            assert verdict.app["supervisor"]["name"] == "memory.service"  # its cgroup is _memory.service
            assert verdict.wrong() == {"BY_HAND": ("latent", "ephemeral")}
            assert (verdict.status, verdict.remedy["action"]) == (0, "none")
        machine.systemctl("set-environment", "SINCE=now")
        verdict = check(machine, str(unit.master))
        assert verdict.says("SINCE") == ("stale", "started-before-change")
        assert "nothing tells since when" in verdict.finding("SINCE")["message"]
    finally:
        machine.systemctl("unset-environment", "BY_HAND", "SINCE")
    unit.stop()


def test_changed_environment_file(machine: Machine) -> None:
    machine.write("/etc/file.env", "SIZE=large\n")
    unit = Unit(machine, "file.service", "EnvironmentFile=/etc/file.env")
    machine.write("/etc/file.env", "SIZE=small\nNEW=1\n")

    verdict = unit.check()

    assert verdict.wrong() == {
        "SIZE": ("stale", "started-before-change"),
        "NEW": ("stale", "started-before-change"),
    }
    assert verdict.finding("NEW")["configured"]["origin"] == "/etc/file.env:2"
    assert argvs(verdict.remedy["steps"]) == [["systemctl", "restart", "file.service"]]
    unit.carry_out(verdict.remedy["steps"])
    assert unit.check().status == 0
    unit.stop()


@pytest.mark.parametrize("trap", ["edited", "mtime kept", "first drop-in", "service.d"])
def test_daemon_reload_needed(machine: Machine, trap: str) -> None:
    """With the last three, systemctl itself says that no daemon-reload is needed."""
    name = f"{trap.replace(' ', '').replace('.', '')}.service"
    unit = Unit(machine, name, "Environment=SIZE=large")
    folder = {"first drop-in": f"{UNITS}/{name}.d", "service.d": f"{UNITS}/service.d"}.get(trap)
    before = machine.path(unit.file).stat()
    if folder:
        machine.write(f"{folder}/size.conf", "[Service]\nEnvironment=SIZE=small\n")
    else:
        unit.define("Environment=SIZE=small")
    if trap == "mtime kept":
        os.utime(machine.path(unit.file), ns=(before.st_atime_ns, before.st_mtime_ns))
    needed = "yes" if trap == "edited" else "no"
    assert machine.systemctl("show", "-p", "NeedDaemonReload", "--value", name).strip() == needed

    verdict = unit.check()

    assert verdict.wrong() == {"SIZE": ("stale", "daemon-reload-needed")}
    assert argvs(verdict.remedy["steps"]) == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "restart", name],
    ]
    assert ["systemctl", "restart", name] in argvs(verdict.remedy["insufficient"])
    unit.carry_out(verdict.remedy["steps"][1:])  # `restart` alone
    assert unit.check().says("SIZE") == ("stale", "daemon-reload-needed")
    unit.carry_out(verdict.remedy["steps"])
    assert unit.check().status == 0
    if folder:
        machine.path(f"{folder}/size.conf").unlink()
    unit.stop()


def test_removed_from_the_unit(machine: Machine) -> None:
    unit = Unit(machine, "removed.service", "Environment=SIZE=large OLD=1")
    unit.define("Environment=SIZE=large")

    verdict = unit.check()

    assert verdict.wrong() == {"OLD": ("stale", "daemon-reload-needed")}
    unit.carry_out(verdict.remedy["steps"])
    assert unit.check().status == 0
    unit.stop()


def test_template_instance_with_an_escaped_name(machine: Machine) -> None:
    name = r"shop@a\x2db.service"
    unit = Unit(machine, name, "Environment=INSTANCE=%i PLAIN=%I", file="shop@.service")
    machine.write(f"{UNITS}/shop@.service.d/x.conf", "[Service]\nEnvironment=SIZE=%p\n")

    verdict = unit.check()

    assert verdict.app["supervisor"]["name"] == name
    assert verdict.wrong() == {"SIZE": ("stale", "daemon-reload-needed")}
    unit.carry_out(verdict.remedy["steps"])
    assert unit.check().status == 0
    unit.stop()


def test_reloaded_all_the_same_stale(machine: Machine) -> None:
    machine.write("/etc/hup.env", "SIZE=large\n")
    unit = Unit(machine, "hup.service", "EnvironmentFile=/etc/hup.env\nExecReload=/bin/kill -HUP $MAINPID")
    machine.write("/etc/hup.env", "SIZE=small\n")
    verdict = unit.check()
    assert ["systemctl", "reload", "hup.service"] in argvs(verdict.remedy["insufficient"])
    machine.systemctl("reload", "hup.service")
    unit.ready()

    assert unit.check().finding("SIZE")["diagnosis"] == "stale"
    unit.stop()


def test_another_unit_that_reads_the_same_file(machine: Machine) -> None:
    """It is no server, and stale all the same: curing the one leaves it as it is."""
    machine.write("/etc/both.env", "SIZE=large\n")
    file = f"{UNITS}/both-jobs.service"
    machine.write(file, "[Service]\nExecStart=/bin/sleep 1000\nEnvironmentFile=/etc/both.env\n")
    unit = Unit(machine, "both.service", "EnvironmentFile=/etc/both.env")
    machine.systemctl("start", "both-jobs.service")

    def siblings() -> list[str]:
        return [h["message"] for h in unit.check().remedy["hazards"] if h["cause"] == "sibling"]

    assert siblings() == []
    begun = time.time()  # systemd tells in whole seconds when it started a unit
    wait_for(lambda: time.time() > begun + 2, "the clock stands still")
    machine.write("/etc/both.env", "SIZE=small\n")
    why = "reads the same source, and was started before it changed: /etc/both.env"
    assert siblings() == [f"both-jobs.service {why}"]
    machine.systemctl("restart", "both-jobs.service")
    wait_for(lambda: siblings() == [], "it is still called stale")
    unit.stop()
    machine.systemctl("stop", "both-jobs.service")


UNSTARTABLE = {
    "no folder": ("WorkingDirectory=/srv/nowhere", "no folder /srv/nowhere"),
    "no user": ("User=nobody-of-this-name", "no user nobody-of-this-name"),
    "no program": ("ExecStart=\nExecStart=/usr/bin/nowhere app:app", "no program /usr/bin/nowhere"),
    "no such name": ("ExecStart=\nExecStart=nowhere-to-be-found app:app", "no program nowhere-to-be-found"),
    "not executable": ("ExecStart=\nExecStart=/srv/app.py", "/srv/app.py is not executable"),
    "relative": ("ExecStart=\nExecStart=bin/gunicorn app:app", "not absolute"),
}


@pytest.mark.parametrize("change", ["no file", "masked", *UNSTARTABLE])
def test_unstartable(machine: Machine, change: str) -> None:
    """It is refused; and what is refused does not come up."""
    name = f"un{change.replace(' ', '')}.service"
    machine.write(f"/etc/{name}.env", "SIZE=large\n")
    unit = Unit(machine, name, f"EnvironmentFile=/etc/{name}.env")
    own, why = UNSTARTABLE.get(change, ("", ""))
    if change == "no file":
        machine.path(f"/etc/{name}.env").unlink()
    elif change == "masked":
        machine.path(f"{UNITS}/{name}").unlink()
        machine.path(f"{UNITS}/{name}").symlink_to("/dev/null")
    else:
        unit.define(f"EnvironmentFile=/etc/{name}.env\n{own}")

    verdict = unit.check()

    assert verdict.says(None) == ("latent", "unstartable")
    assert why in verdict.finding(None)["message"]
    assert verdict.remedy["action"] == "refuse"
    assert why in verdict.remedy["note"]
    machine.systemctl("daemon-reload")
    machine.run("systemctl", "stop", name, check=False)  # refused where systemd knows no such unit any more
    assert machine.run("systemctl", "start", name, check=False).returncode
    machine.run("rm", "-f", unit.file)
    unit.define("")
    machine.systemctl("daemon-reload")
    unit.stop()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc/absent.env", "there is no such file or folder"),
        ("/etc/folder.env", "it is a folder, not a file"),
        ("/etc/absent.env.d/*", "no file matches"),
    ],
)
def test_an_environment_file_that_is_not_there_is_a_gap(machine: Machine, path: str, why: str) -> None:
    machine.path("/etc/folder.env").mkdir(exist_ok=True)
    unit = Unit(machine, "absent.service", "")
    unit.define(f"EnvironmentFile={path}")
    machine.systemctl("daemon-reload")

    done = machine.python("-m", "envcheck", "check", str(unit.master), "-f", "json", check=False)

    [host] = json.loads(done.stdout)["hosts"]
    assert [(g["what"], g["why"]) for g in host["gaps"]] == [(path, why)]
    assert (done.returncode, [f["cause"] for f in host["apps"][0]["findings"]]) == (3, ["unstartable"])
    assert machine.run("systemctl", "restart", unit.name, check=False).returncode
    unit.stop()


def test_a_stray_master_in_the_cgroup_of_another_unit(machine: Machine) -> None:
    port = free_port()
    command = f"{GUNICORN} -D -w 2 -b 127.0.0.1:{port} --pid /run/stray.pid app:app"
    machine.write("/srv/start.sh", f"#!/bin/sh\ncd /srv && {command}\nexec sleep 600\n", 0o755)
    machine.write(f"{UNITS}/host.service", "[Service]\nExecStart=/srv/start.sh\nEnvironment=SIZE=large\n")
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "host.service")
    pid = wait_for(lambda: machine.ask("cat", "/run/stray.pid"), "no pid file")
    wait_for(lambda: len(machine.ask("pgrep", "-P", pid).split()) == 2, "no workers")

    verdict = check(machine, pid)

    told = [f for f in verdict.findings(None) if f["cause"] == "stray"]
    assert "host.service" in told[0]["message"]
    assert ["systemctl", "restart", "host.service"] not in argvs(verdict.remedy["steps"])
    assert verdict.status == 3
    machine.systemctl("stop", "host.service")


def test_by_hand_in_a_session_is_nobodys(machine: Machine) -> None:
    port = free_port()
    command = f"cd /srv && exec {GUNICORN} -w 2 -b 127.0.0.1:{port} --pid /run/hand.pid app:app"
    machine.run(
        "systemd-run",
        "--scope",
        "--unit=session-9.scope",
        "setsid",
        "--fork",
        "sh",
        "-c",
        command + " >/dev/null 2>&1",
    )
    pid = wait_for(lambda: machine.ask("cat", "/run/hand.pid"), "no pid file")
    wait_for(lambda: len(machine.ask("pgrep", "-P", pid).split()) == 2, "no workers")

    verdict = check(machine, pid)

    assert verdict.app["supervisor"] is None
    machine.run("kill", pid)


class Opening(Packaged):
    """What `su` starts: pam_systemd puts both into a session."""

    @property
    def master(self) -> int:
        return int(self.machine.ask("pgrep", "-P", str(super().master)) or 0)


@pytest.mark.parametrize("options", ["", "-"])
def test_a_session_that_the_unit_opens(machine: Machine, options: str) -> None:
    need(Opening.program)
    if not list(Path("/lib").glob("*/security/pam_systemd.so")):
        absent("pam_systemd")
    command = f"/bin/su -s /bin/sh {options} nobody -c 'cd /srv; exec {{gunicorn}}'"
    unit = Opening(machine, "opening.service", "Type=simple\nEnvironment=SIZE=large", command=command)
    assert "/session-" in machine.ask("cat", f"/proc/{unit.master}/cgroup")

    verdict = unit.check()

    assert verdict.app["supervisor"] == {"kind": "systemd", "name": "opening.service"}
    assert "stray" not in [f["cause"] for f in verdict.findings(None)]
    assert check(machine, "unit:opening").app["supervisor"]["name"] == "opening.service"
    unit.stop()


def test_seen_from_outside_it_is_a_gap(machine: Machine) -> None:
    """The files of another machine's systemd are not those of this one."""
    unit = Unit(machine, "inside.service", "Environment=SIZE=large")
    master = unit.master
    outer = next(
        int(p.name)
        for p in Path("/proc").iterdir()
        if p.name.isdigit()
        and _inner(p) == master
        and _namespace(p) == _namespace(Path(f"/proc/{machine.leader}"))
    )

    document = report("check", str(outer))

    [app] = document["hosts"][0]["apps"]
    assert document["exit_code"] == 3
    assert app["supervisor"]["name"] == "inside.service"
    assert any("another pid namespace" in gap["why"] for gap in document["hosts"][0]["gaps"])
    unit.stop()


def test_a_manager_that_does_not_answer_is_a_gap_and_the_rest_is_judged(machine: Machine) -> None:
    machine.write("/etc/hang.env", "SIZE=large\n")
    unit = Unit(machine, "hang.service", "EnvironmentFile=/etc/hang.env")
    master = unit.master
    machine.write("/etc/hang.env", "SIZE=small\n")
    os.kill(machine.leader, signal.SIGSTOP)
    try:
        verdict = check(machine, str(master))
        document = json.loads(machine.python("-m", "envcheck", "check", "-f", "json", check=False).stdout)
    finally:
        os.kill(machine.leader, signal.SIGCONT)

    assert verdict.finding("SIZE")["diagnosis"] == "stale"
    assert "systemctl did not answer in time" in [g["why"] for g in document["hosts"][0]["gaps"]]
    unit.stop()


def test_a_unit_of_a_user(machine: Machine) -> None:
    """A manager without a login: told by MANAGERPID and its parent, reached through its own folder."""
    home = "/run/shop-user"
    env = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={home}", f"XDG_RUNTIME_DIR={home}", "OF_MANAGER=1"]
    machine.path(home).mkdir(mode=0o700)
    port = free_port()
    command = f"{GUNICORN} -w 2 -b 127.0.0.1:{port} app:app"
    unit = f"{home}/.config/systemd/user/shop.service"
    text = f"[Service]\nWorkingDirectory=/srv\nExecStart={command}\nEnvironment=SIZE=large RUN=%t\n"
    machine.write(unit, text)
    manager = ("setsid", "--fork", "/lib/systemd/systemd", "--user", "--unit=basic.target")
    cgroup = "/sys/fs/cgroup/$h/u"
    join = f"for h in systemd unified; do mkdir -p {cgroup}; echo $$ > {cgroup}/cgroup.procs; done"
    machine.run("sh", "-c", f'{join}; exec "$@" >/dev/null 2>&1', "sh", *env, *manager)
    ask = (*env, "systemctl", "--user")
    wait_for(lambda: machine.run(*ask, "list-units", check=False).returncode == 0, "no user manager")
    machine.run(*ask, "start", "shop.service")

    def master() -> str:
        return machine.run(*ask, "show", "-p", "MainPID", "--value", "shop.service").stdout.strip()

    def ready() -> bool:
        return len(machine.ask("pgrep", "-P", master()).split()) == 2

    wait_for(ready, "no workers")
    verdict = check(machine, master())
    assert verdict.wrong() == {}
    assert (verdict.status, verdict.app["supervisor"]["name"]) == (0, "shop.service")

    machine.write(unit, text.replace("large", "small"))
    verdict = check(machine, master())
    assert verdict.wrong() == {"SIZE": ("stale", "daemon-reload-needed")}
    for step in verdict.remedy["steps"]:
        machine.run(*step["argv"])
    wait_for(ready, "no workers")
    assert check(machine, master()).status == 0


def _inner(process: Path) -> int:
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), 0)


def _namespace(process: Path) -> str:
    try:
        return str((process / "ns/pid").readlink())
    except OSError:
        return ""


@pytest.mark.parametrize("own", ["", "User=shop-dynamic", "User=daemon", "Environment=USER=me"])
def test_a_dynamic_user(machine: Machine, own: str) -> None:
    need(Packaged.program)
    unit = Packaged(machine, "dynamic.user.service", f"DynamicUser=yes\nStateDirectory=dynamic\n{own}")
    show = ("-m", "envcheck", "show", f"configured:{unit.master}", "-f", "json", "--reveal", "*")
    variables = json.loads(machine.python(*show).stdout)["variables"]
    names = ("USER", "LOGNAME", "HOME", "SHELL", "STATE_DIRECTORY")
    has = unit.live()
    assert {n: variables.get(n) for n in names} == {n: has.get(n) for n in names}
    assert unit.check().wrong() == {}
    unit.stop()


def test_a_drop_in_that_leads_nowhere(machine: Machine) -> None:
    unit = Unit(machine, "looping.service", "Environment=SIZE=large")
    folder = machine.path(f"{UNITS}/looping.service.d")
    folder.mkdir()
    (folder / "a.conf").symlink_to("a.conf")

    done = machine.python("-m", "envcheck", "check", str(unit.master), "-f", "json", check=False)

    [gap] = json.loads(done.stdout)["hosts"][0]["gaps"]
    assert gap["what"] == f"{UNITS}/looping.service.d/a.conf"
    assert gap["why"] == os.strerror(errno.ELOOP)
    show = machine.python("-m", "envcheck", "show", f"file:{UNITS}/looping.service.d/a.conf", check=False)
    assert os.strerror(errno.ELOOP) in show.stderr
    unit.stop()


def test_the_list_of_servers(machine: Machine) -> None:
    """Servers of the same folder are told apart, by their units."""
    units = [
        Unit(machine, f"listed-{colour}.service", "Environment=SIZE=large") for colour in ("red", "blue")
    ]
    units[1].define("Environment=SIZE=small")

    lines = machine.python("-m", "envcheck", "ps").stdout.splitlines()

    rows = {line.split()[2]: line[:80].split()[5:8] for line in lines[1:]}
    assert lines[0].split()[:7] == ["APP", "SERVER", "MASTER", "WORKERS", "SINCE", "STATE", "SUPERVISOR"]
    assert rows[str(units[0].master)] == ["in-sync", "systemd", "listed-red.service"]
    assert rows[str(units[1].master)] == ["stale", "systemd", "listed-blue.service"]
    for unit in units:
        unit.stop()


@pytest.mark.parametrize(
    "wrapper",
    [
        "/usr/bin/setpriv --reset-env --reuid=0",
        "/usr/sbin/runuser -u root --",
        "/usr/bin/s6-envuidgid nobody",
        "/bin/sh -c 'export X=2 Y=$$X; exec \"$$@\"' sh",
    ],
)
def test_what_a_wrapper_sets_is_fresh(machine: Machine, wrapper: str) -> None:
    own = "Environment=X=1 HOME=/q"
    unit = Unit(machine, "wrapped.service", own)
    # Nobody hears of it where NOTIFY_SOCKET is gone too.
    own += "\nType=simple" if "reset-env" in wrapper else ""
    unit.define(own, f"{wrapper} {GUNICORN} -w 2 -b 127.0.0.1:{unit.port} app:app")
    machine.systemctl("daemon-reload")
    machine.systemctl("restart", unit.name)
    if "reset-env" in wrapper:
        unit.ready()

    verdict = check(machine, f"unit:{unit.name}")

    assert (verdict.status, verdict.state, verdict.wrong()) == (0, "in-sync", {})
    unit.stop()


def test_an_envdir_that_its_user_may_not_read(machine: Machine) -> None:
    machine.path("/etc/ed").mkdir()
    machine.write("/etc/ed/PRIV", "x\n")
    unit = Unit(machine, "envdir.service", "")
    command = f"/usr/bin/envdir /etc/ed /usr/bin/gunicorn -w 2 -b 127.0.0.1:{unit.port} app:app"
    unit.define("User=nobody", command)
    machine.systemctl("daemon-reload")
    machine.systemctl("restart", unit.name)
    assert unit.check().state == "in-sync"

    machine.path("/etc/ed/PRIV").chmod(0o600)
    verdict = unit.check()

    assert [f["cause"] for f in verdict.app["findings"] if f["diagnosis"] == "latent"] == ["unstartable"]
    unit.stop()

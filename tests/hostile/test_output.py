"""Where the output goes, and what around us may be missing."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.support import Gunicorn, app_in, command, envdir, hold, run, write_spec
from live.harness import clean, wait_for


@pytest.fixture
def stale(shop: Gunicorn, home: Path) -> Path:
    changed = envdir(home / "env.d", COLOUR="green", SIZE="large", LONG="a" * 60 + "!")
    return write_spec(home / "spec.yaml", shop=app_in(shop.folder, {"envdir": str(changed)}))


def in_shell(script: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run envcheck as "$@" of a shell script."""
    done = subprocess.run(
        ["bash", "-c", script, "sh", *command(*arguments)],
        check=False,
        capture_output=True,
        timeout=20,
        env=clean(),
        stdin=subprocess.DEVNULL,
    )
    hold(done.returncode, done.stdout, done.stderr)
    return done


def test_only_the_report_on_standard_output(stale: Path) -> None:
    ran = run("check", "-s", str(stale), "-f", "json")

    assert (ran.status, ran.err) == (1, "")
    assert ran.document["schema"] == "envcheck.report/1"


def test_two_formats(stale: Path, home: Path) -> None:
    path = home / "report.json"

    ran = run("check", "-s", str(stale), "-f", f"json={path}", "-f", "text")

    assert ran.first.startswith("STALE: ")
    assert json.loads(path.read_text())["exit_code"] == ran.status == 1


def test_quiet(stale: Path) -> None:
    ran = run("check", "-s", str(stale), "-q", "-f", "text")

    assert (ran.status, ran.out, ran.err) == (1, "", "")


def test_servers_as_json(shop: Gunicorn) -> None:
    document = run("ps", str(shop.master), "-f", "json").document

    assert document["schema"] == "envcheck.ps/1"
    [host] = document["hosts"]
    [server] = host["servers"]
    assert (host["name"], server["name"], server["server"]) == ("localhost", "shop", "gunicorn")
    [generation] = server["generations"]
    assert generation["master"]["pid"] == shop.master
    assert [p["pid"] for p in generation["workers"]] == list(shop.workers)
    assert (generation["role"], generation["reexeced"]) == ("current", False)
    assert generation["environment_read"].endswith("Z")
    assert not {"findings", "remedy"} & server.keys()


def test_no_color(stale: Path) -> None:
    always = run("check", "-s", str(stale), "--color", "always", "-f", "text", color=True)
    never = run("check", "-s", str(stale), "--color", "never", "-f", "text")

    assert "\x1b[" in always.out
    assert "\x1b" not in never.out
    assert run("check", "-s", str(stale), "--color", "always", "-f", "json").document["exit_code"] == 1


@pytest.mark.parametrize("path", ["/nowhere/report.json", "/", "/dev/full", "/proc/version", "x" * 300])
def test_unwritable_file(stale: Path, path: str) -> None:
    ran = run("check", "-s", str(stale), "-f", f"json={path}", cwd="/")

    assert (ran.status, ran.out) == (2, "")
    assert f"unable to write {path}: " in ran.error


REDIRECTIONS = {
    "reader that has gone": ('"$@" | true; exit ${PIPESTATUS[0]}', 1),
    "first line": ('"$@" | head -1 >/dev/null; exit ${PIPESTATUS[0]}', 1),
    "full disk": ('"$@" >/dev/full', 3),
    "closed output": ('"$@" >&-', 3),
    "closed error": ('"$@" 2>&-', 1),
    "full error": ('"$@" 2>/dev/full', 1),
    "closed input": ('"$@" <&-', 1),
    "all closed": ('"$@" <&- >&- 2>&-', 3),
}


@pytest.mark.parametrize("kind", REDIRECTIONS)
@pytest.mark.parametrize("more", [(), ("-f", "json"), ("--color", "always")], ids=["text", "json", "color"])
def test_redirections(stale: Path, kind: str, more: tuple[str, ...]) -> None:
    script, status = REDIRECTIONS[kind]
    if more[:1] == ("--color",) and kind in ("closed error", "full error", "closed input", "first line"):
        script = script.replace('"$@"', '"$@" --color never')

    assert in_shell(script, "check", "-s", str(stale), *more).returncode == status


@pytest.mark.parametrize(
    "script",
    ['"$@" >/dev/full', '"$@" 2>/dev/full', '"$@" 2>&-', '"$@" | true; exit ${PIPESTATUS[0]}'],
)
def test_help_and_wrong_use_without_a_reader(script: str) -> None:
    assert in_shell(script, "check", "--help").returncode in (0, 3)
    assert in_shell(script, "check", "--bogus").returncode == 2
    assert in_shell(script, "show", "file:/nowhere", "--dialect", "systemd").returncode == 3


@pytest.mark.parametrize("name", ["check", "ps", "show"])
def test_help(name: str) -> None:
    ran = run(name, "--help")

    assert (ran.status, ran.err) == (0, "")
    assert "--format" in ran.out


def test_no_command() -> None:
    assert run("--version").out.startswith("envcheck ")
    assert run("--help").status == 0


@pytest.mark.parametrize(
    "argv",
    [
        ("bogus",),
        ("--bogus",),
        ("check", "--bogus"),
        ("check", "-s"),
        ("check", "-f", "xml"),
        ("check", "-f", ""),
        ("check", "-f", "json="),
        ("check", "--fail-on", "never"),
        ("check", "--color", "blue"),
        ("show",),
        ("show", "1", "2"),
        ("show", "file:"),
        ("show", "file:/etc/hostname"),
        ("show", "file:/etc/hostname", "--dialect", "nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_use(argv: tuple[str, ...]) -> None:
    ran = run(*argv)

    assert (ran.status, ran.out) == (2, "")
    assert ran.error
    assert len(ran.err.splitlines()) <= 2


POOR: dict[str, dict[str, str]] = {
    "no home": {"HOME": ""},
    "C": {"LC_ALL": "C"},
    "C without coercion": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "no path": {"PATH": ""},
    "dumb": {"TERM": "dumb", "COLUMNS": "0", "LINES": "x"},
    "no such locale": {"LC_ALL": "xx_XX.UTF-9"},
    "no time zone": {"TZ": "Nowhere/Nothing"},
}


@pytest.mark.parametrize("kind", POOR)
def test_poor_environments(stale: Path, kind: str) -> None:
    ran = run("check", "-s", str(stale), env=POOR[kind])

    assert (ran.status, ran.err) == (1, "")
    assert (
        run("check", "-s", str(stale), "--color", "always", "-f", "text", env=POOR[kind], color=True).status
        == 1
    )


def test_deleted_working_directory(stale: Path, home: Path) -> None:
    folder = home / "gone"
    folder.mkdir()

    def leave() -> None:
        folder.rmdir()

    ran = run("check", "-s", str(stale), cwd=folder, prepare=leave)
    assert ran.status == 1
    folder.mkdir()
    ran = run("check", "-s", "spec.yaml", cwd=folder, prepare=leave)
    assert ran.status == 2
    assert "the working directory is gone" in ran.error


LIMITS: dict[str, tuple[int, int]] = {
    "64 files": (resource.RLIMIT_NOFILE, 64),
    "10 files": (resource.RLIMIT_NOFILE, 10),
    "no core": (resource.RLIMIT_CORE, 0),
    "512 MiB": (resource.RLIMIT_AS, 512 << 20),
    "no file size": (resource.RLIMIT_FSIZE, 0),
}


@pytest.mark.parametrize("kind", LIMITS)
def test_limits(stale: Path, kind: str) -> None:
    which, most = LIMITS[kind]

    ran = run(
        "check", "-s", str(stale), "-f", "text", prepare=lambda: resource.setrlimit(which, (most, most))
    )

    assert ran.status == 1


def interrupted(spec: Path, number: signal.Signals, ready: Callable[[int], bool]) -> tuple[int, bytes]:
    child = subprocess.Popen(
        command("check", "-s", str(spec)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean()
    )
    wait_for(lambda: ready(child.pid), "it does not get that far")
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    hold(child.returncode, out, err)
    return child.returncode, out + err


def caught(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process has a handler of its own for SIGTERM, which Python has none for."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(mask >> (number - 1) & 1)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("when", ["at once", "while it judges"])
def test_signals(shop: Gunicorn, home: Path, number: signal.Signals, status: int, when: str) -> None:
    """A pattern that never ends holds it up; the timer is set as long as it judges."""
    spec = write_spec(home / "spec.yaml", shop=app_in(shop.folder, LONG={"pattern": "^(a+)+$"}))
    mark = signal.SIGTERM if when == "at once" else signal.SIGPROF

    assert interrupted(spec, number, lambda pid: caught(pid, mark)) == (status, b"")

"""What merely mentions gunicorn or unicorn is taken for neither."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.checking import Json, as_nobody, envcheck, report
from live.harness import clean, detach, kill_all_in, need, processes_in, root_only, wait_for

SLEEPER = "import sys, time\ntime.sleep(600)\n"
CONFIGURATION = "import time\nworkers = 4\ntime.sleep(600)\n"
RUBY_SLEEPER = "sleep 600\n"
# Prepared as a server's application is, with the handlers that tell a master from a worker.
POSER = "import signal, time\nfor s in (1, 10, 12, 17): signal.signal(s, print)\ntime.sleep(600)\n"
PY = sys.executable

DECOYS: dict[str, list[str]] = {
    "code": [PY, "-c", "import time; time.sleep(600)  # gunicorn app:app"],
    "code with an argument": [PY, "-c", "import time; time.sleep(600)", "gunicorn", "app:app"],
    "shell": ["sh", "-c", "sleep 600; : gunicorn unicorn master"],
    "reader of a log": ["tail", "-f", "gunicorn.log", "unicorn.log"],
    "script with an argument": [PY, "sleeper.py", "gunicorn", "-w", "4", "app:app"],
    "script with an option": [PY, "sleeper.py", "--server=gunicorn", "/usr/bin/gunicorn"],
    "poser": [PY, "poser.py", "/usr/bin/gunicorn", "app:app"],
    "command of a project": [PY, "manage.py", "gunicorn_report"],
    "module": [PY, "-m", "sleeper", "gunicorn"],
    "in a folder of that name": [PY, "gunicorn/manage.py", "runserver"],
    "a test of it": [PY, "test_gunicorn.py"],
    "a configuration of it": [PY, "gunicorn.conf.py"],
    "its exporter": [PY, "gunicorn_exporter"],
    "editor": ["./vi", "-f", "gunicorn.conf.py", "unicorn.log"],
    "grep": ["grep", "--line-buffered", "gunicorn: master", "fifo"],
    "grep for unicorn": ["grep", "-r", "unicorn master -c x", "fifo"],
    "ruby with an argument": ["ruby", "sleeper.rb", "unicorn", "-c", "unicorn.rb"],
    "ruby code": ["ruby", "-e", "sleep 600 # unicorn master", "unicorn"],
    "ruby herder": ["ruby", "ruby/unicornherder", "-u", "unicorn", "-p", "app.pid", "--", "unicorn"],
    "python herder": [PY, "python/unicornherder", "-u", "gunicorn", "-p", "app.pid", "--", "-w", "4"],
    "rake task": ["ruby", "rake", "unicorn:start"],
}


@pytest.fixture(scope="module")
def decoys(street: Path) -> Iterator[set[int]]:
    """All of them, running: their pids."""
    need("setsid", "ruby", "tail", "grep")
    files = {
        SLEEPER: ("sleeper.py", "manage.py", "gunicorn/manage.py", "test_gunicorn.py", "gunicorn_exporter"),
        CONFIGURATION: ("gunicorn.conf.py", "python/unicornherder"),
        POSER: ("poser.py",),
        RUBY_SLEEPER: ("sleeper.rb", "rake", "ruby/unicornherder"),
        "gunicorn: master [app:app]\n": ("gunicorn.log", "unicorn.log"),
    }
    for text, names in files.items():
        for name in names:
            (street / name).parent.mkdir(exist_ok=True)
            (street / name).write_text(text)
    shutil.copy(shutil.which("tail") or "", street / "vi")
    os.mkfifo(street / "fifo")
    try:
        for argv in DECOYS.values():
            detach(argv, street, clean(street))
        wait_for(lambda: _asleep(street), "the decoys do not start")
        yield {p.pid for p in processes_in(street)}
    finally:
        kill_all_in(street)


def _asleep(folder: Path) -> bool:
    alive = processes_in(folder)
    return len(alive) >= len(DECOYS) and all(p.state == "S" for p in alive)


def taken(ps: Json) -> set[int]:
    """Give the pids of all masters and workers."""
    generations = [g for s in ps["hosts"][0]["servers"] for g in s["generations"]]
    return {p["pid"] for g in generations for p in (g["master"], *g["workers"]) if p}


def test_nothing_is_taken_for_a_server(decoys: set[int]) -> None:
    assert [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in decoys & taken(report("ps"))] == []


@root_only
def test_nothing_is_by_another_user(decoys: set[int], bare: Path, site: Path) -> None:
    """Where the executable may not be known, the command line has to tell."""
    del bare

    outcome = as_nobody(site, "ps", "-f", "json")

    assert not decoys & taken(json.loads(outcome.out))


def test_all_of_them_are_alive(decoys: set[int], street: Path) -> None:
    """Else the tests above would prove nothing."""
    assert decoys == {p.pid for p in processes_in(street)}


def test_a_target_that_is_none_is_no_match(decoys: set[int]) -> None:
    outcome = envcheck("check", str(min(decoys)))

    assert outcome.status == 2
    assert outcome.out.startswith("NOTHING MATCHED")

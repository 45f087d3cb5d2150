"""Records of real servers are judged as the servers themselves are, and are files that nobody else reads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from live.checking import Json, envcheck
from live.harness import Server, free_port
from live.servers import Gunicorn, Unicorn
from live.test_supervisord import Supervisord

Run = Callable[[Server], Server]

SECRET = "synthetic-quartz-27"


@pytest.fixture
def key(home: Path) -> str:
    file = home / "key"
    file.write_text("0123456789abcdef" * 4 + "\n")
    file.chmod(0o600)
    return str(file)


def both(server: Server, key: str, *options: str, target: str = "") -> tuple[Json, Json]:
    """Give what is said of a server, and of its record."""
    chosen = [target] if target else []
    record = str(server.folder / "record.json")
    kept = envcheck("snapshot", *chosen, *options, "--key-file", key, "-o", record)
    assert (kept.status, kept.out, kept.err) == (0, "", "")
    live = envcheck("check", *chosen, *options, "--key-file", key, "-f", "json")
    later = envcheck("check", *options, "--key-file", key, "--snapshot", record, "-f", "json")
    assert SECRET not in Path(record).read_text()
    assert (live.status, live.err) == (later.status, later.err)
    return json.loads(live.out), json.loads(later.out)


def same(server: Server, key: str, *options: str, target: str = "") -> Json:
    live, later = both(server, key, *options, target=target)
    assert later["hosts"][0].pop("taken")
    assert later["hosts"][0].pop("name") == os.uname().nodename
    del live["hosts"][0]["name"]
    assert later == live
    app: Json = later["hosts"][0]["apps"][0]
    return app


def test_in_sync_and_stale_by_a_spec(home: Path, key: str, run: Run, bare: Path) -> None:
    server = Gunicorn(home / "web", bins=bare).put(COLOUR="red", API_TOKEN=SECRET)
    run(server)
    assert same(server, key, "-s", server.spec())["state"] == "in-sync"

    server.put(COLOUR="blue", API_TOKEN=SECRET + "-new")
    server.rules = {"COLOUR": {"one_of": ["red", "blue"]}, "API_TOKEN": {"secret": True}}
    app = same(server, key, "-s", server.spec())

    assert {f["variable"]: f["cause"] for f in app["findings"]} == dict.fromkeys(
        ("COLOUR", "API_TOKEN"), "started-before-change"
    )
    assert app["remedy"]["steps"]


def test_after_an_upgrade(home: Path, key: str, run: Run) -> None:
    server = Unicorn(home / "web").put(COLOUR="red", PASSWORD=SECRET)
    run(server)
    server.put(COLOUR="green", ADDED="new")
    server.reexec()

    app = same(server, key, "-s", server.spec())

    assert {f["cause"] for f in app["findings"]} == {"inherited-by-reexec"}


def test_under_supervisord_without_a_spec(home: Path, key: str, run: Run) -> None:
    server = Supervisord(home)
    run(server)
    server.define(red="blue")

    app = same(server, key, target=f"cwd:{server.folder}")

    assert app["state"] == "stale"
    assert app["supervisor"]["kind"] == "supervisord"
    assert app["remedy"]["steps"][0]["argv"][0].endswith("supervisorctl")


def test_other_targets_mean_the_same_in_a_record(home: Path, run: Run) -> None:
    server = Gunicorn(home / "web", "-p", "web.pid").put(COLOUR="red")
    run(server)
    record = str(home / "record.json")
    pidfile = f"pidfile:{server.folder}/web.pid"
    assert envcheck("snapshot", pidfile, "-s", server.spec(), "-o", record).status == 0

    for target in (pidfile, f"port:{server.port}", str(server.master), "server:gunicorn", "shop"):
        assert envcheck("check", target, "-s", server.spec(), "--snapshot", record).status == 0, target
    assert envcheck("check", f"port:{free_port()}", "--snapshot", record).status == 2


def test_the_file_is_for_its_owner_alone_and_written_whole(home: Path, run: Run) -> None:
    run(Gunicorn(home / "web"))
    elsewhere = home / "elsewhere"
    elsewhere.write_text("kept")
    record = home / "records" / "host.json"
    record.parent.mkdir()
    record.symlink_to(elsewhere)

    assert envcheck("snapshot", "-o", str(record)).status == 0

    assert not record.is_symlink()
    assert elsewhere.read_text() == "kept"
    assert record.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in record.parent.iterdir()] == ["host.json"]
    assert envcheck("snapshot").out.startswith('{"schema":"envcheck.snapshot/1"')


def test_what_is_no_file_keeps_its_place(home: Path) -> None:
    pipe, link, output = home / "pipe", home / "link", home / "output"
    os.mkfifo(pipe)
    link.symlink_to("/dev/null")
    output.symlink_to("/proc/self/fd/0")  # as /dev/stdout is a link

    for place in (pipe, link, output):
        done = envcheck("snapshot", "-o", str(place))
        assert done.status == 2
        assert f"unable to write {place}: it is no regular file" in done.err
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert output.is_symlink()
    assert sorted(p.name for p in home.iterdir()) == ["link", "output", "pipe"]


def test_a_folder_of_records_of_which_one_is_broken(home: Path, key: str, run: Run) -> None:
    server = Gunicorn(home / "web").put(COLOUR="red")
    run(server)
    folder = home / "records"
    folder.mkdir()
    options = ("-s", server.spec(), "--key-file", key)
    for name in ("web-01", "web-02"):
        target = f"cwd:{server.folder}"
        assert envcheck("snapshot", target, *options, "--as", name, "-o", f"{folder}/{name}.json").status == 0
    assert envcheck("check", *options, "--snapshot", str(folder)).status == 0

    (folder / "web-03.json").write_text('{"schema": "envcheck.snapshot/1"}')
    told = envcheck("check", *options, "--snapshot", str(folder))

    assert told.status == 3
    assert "web-03" in told.out
    server.put(COLOUR="blue")
    assert envcheck("snapshot", *options, "--as", "web-04", "-o", f"{folder}/web-04.json").status == 0
    document = json.loads(envcheck("check", *options, "--snapshot", str(folder), "-f", "json").out)
    assert document["exit_code"] == 1
    assert [h["status"] for h in document["hosts"]] == ["ok", "ok", "unreadable", "ok"]


def test_records_are_compared_by_their_fingerprints(home: Path, key: str, run: Run) -> None:
    first = Gunicorn(home / "one").put(COLOUR="red", PASSWORD=SECRET, RAILS_ENV="production")
    second = Gunicorn(home / "two").put(COLOUR="blue", PASSWORD=SECRET, RAILS_ENV="production")
    servers = {"one": first, "two": second}
    for name, server in servers.items():
        run(server)
        target = str(server.master)
        for folder, options in (("same", ("--key-file", key)), ("own", ())):
            (home / folder).mkdir(exist_ok=True)
            assert envcheck("snapshot", target, *options, "-o", f"{home}/{folder}/{name}.json").status == 0
    one = f"snapshot:{home}/same/one.json"

    def differing(*sides: str) -> tuple[int, set[str]]:
        told = envcheck("diff", *sides, "-f", "json")
        assert SECRET not in told.out
        return told.status, {
            d["variable"] for d in json.loads(told.out)["differences"]
        } if told.out else set()

    status, names = differing(one, f"snapshot:{home}/same/two.json")
    assert status == 1
    assert "COLOUR" in names
    assert names.isdisjoint({"PASSWORD", "RAILS_ENV"})
    assert differing(one, str(first.master), "--key-file", key) == (0, set())
    assert differing(f"{one}#{first.master}", str(first.master), "--key-file", key) == (0, set())
    assert "COLOUR" in differing(one, str(second.master), "--key-file", key)[1]
    assert "PASSWORD" not in differing(one, str(second.master), "--key-file", key)[1]
    for other in (f"snapshot:{home}/own/one.json", str(first.master)):
        untold = envcheck("diff", one, other)
        assert (untold.status, untold.out) == (3, "")
        assert "another key" in untold.err
    assert envcheck("diff", f"{one}#1", one).status == 2


@pytest.mark.parametrize(
    ("mode", "content", "message"),
    [
        (0o644, "k" * 64, "open to others (mode 0644)"),
        (0o600, "zu kurz", "is no key"),
        (0o600, "k" * 5000, "is no key"),
    ],
    ids=["open", "short", "long"],
)
def test_a_key_file_that_is_refused(home: Path, mode: int, content: str, message: str) -> None:
    file = home / "key"
    file.write_text(content)
    file.chmod(mode)

    told = envcheck("snapshot", "--key-file", str(file))

    assert (told.status, told.out) == (2, "")
    assert message in told.err
    assert content not in told.err
    assert len(told.err.splitlines()) == 2


def test_a_folder_without_records(home: Path) -> None:
    assert envcheck("check", "--snapshot", str(home)).status == 2
    assert envcheck("check", "--snapshot", str(home / "none.json")).status == 3


def test_no_other_host_is_looked_at_for_records(home: Path) -> None:
    told = envcheck("check", "-H", "web-1", "--snapshot", str(home))
    assert (told.status, told.out) == (2, "")
    assert "no other host is looked at" in told.err

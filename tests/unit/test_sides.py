"""Where the sides of `diff` are, and what they mean there."""

from __future__ import annotations

from pathlib import Path

import build
import pytest

from envcheck import record
from envcheck.cli import records, sides
from envcheck.cli.diff import on_host
from envcheck.cli.hosts import Hosts, chosen_hosts
from envcheck.errors import UsageError
from envcheck.hosts.local import Local
from envcheck.report.differences import Difference, as_text


@pytest.fixture
def hosts() -> Hosts:
    return chosen(None)


def chosen(hosts_file: str | None, *, sudo: bool = False) -> Hosts:
    return chosen_hosts(
        host=None,
        hosts_file=hosts_file,
        limit=None,
        max_parallel=1,
        sudo=sudo,
        transport="auto",
        connect_timeout="5s",
        timeout="30s",
        verbose=False,
    )


@pytest.mark.parametrize(
    ("side", "name", "target"),
    [
        ("5971", "localhost", "5971"),
        ("file:/etc/x:y", "localhost", "file:/etc/x:y"),
        ("podman://web:5971", "podman://web", "5971"),
        ("docker://web:file:/etc/x", "docker://web", "file:/etc/x"),
        ("docker://web:port:80", "docker://web", "port:80"),
        ("kubectl://shop/web-0/app:configured:1", "kubectl://shop/web-0/app", "configured:1"),
    ],
)
def test_where_a_side_is(hosts: Hosts, side: str, name: str, target: str) -> None:
    host, meant = on_host(side, hosts)

    assert (host.name, meant) == (name, target)


def test_a_name_is_the_host_that_the_hosts_file_has(tmp_path: Path) -> None:
    """Its address, port and user are those of the file, not what the name means elsewhere."""
    inventory = tmp_path / "hosts.ini"
    inventory.write_text("web-1 ansible_host=192.0.2.7\nweb-2\n")
    given = chosen(str(inventory))

    sides_of = [on_host(side, given) for side in ("web-1:shop", "web-2:configured:shop", "web-3:shop")]

    assert [(host.name, meant) for host, meant in sides_of] == [
        ("web-1", "shop"),
        ("web-2", "configured:shop"),
        ("web-3", "shop"),
    ]
    assert [host in given.named for host, _ in sides_of] == [True, True, False]


def test_sudo_is_for_the_hosts_of_sides() -> None:
    given = chosen(None, sudo=True)

    assert on_host("web-1:shop", given)[0].name == "web-1"
    assert isinstance(on_host("file:/etc/shop.env", given)[0], Local)
    with pytest.raises(UsageError, match="--sudo is for hosts that are named"):
        given.one()


@pytest.mark.parametrize("side", ["podman://web", "podman://web:"])
def test_a_container_alone_is_no_side(hosts: Hosts, side: str) -> None:
    with pytest.raises(UsageError, match="says where, but not what") as caught:
        on_host(side, hosts)
    assert caught.value.hint.endswith("podman://web:TARGET")


def test_there_is_no_such_engine(hosts: Hosts) -> None:
    with pytest.raises(UsageError, match="no such kind of host: lxc://"):
        on_host("lxc://web:1", hosts)


def test_which_server_of_a_record(tmp_path: Path) -> None:
    seen = build.snapshot(build.gunicorn(10, cwd="/srv/a\x1b"), build.gunicorn(20, cwd="/srv/b"))
    kept = record.redacted(seen, seen.servers, None, build.OPEN, kept=True)
    file = tmp_path / "w1.json"
    file.write_text(record.dump(kept, "0"))

    with pytest.raises(UsageError, match="1 means 0 servers") as caught:
        records.running(f"{file}#1")

    # It is escaped where it is printed.
    hint = f"name one of them after a #, as in snapshot:{file}#PID: 10 (a\x1b), 20 (b)"
    assert caught.value.hint == hint


def test_one_variable_differs() -> None:
    found = [Difference("A", "1", "2")]

    assert as_text("a", "b", found, build.OPEN).startswith("DIFFERENT: 1 variable\n")


def test_a_script_is_shown_as_far_as_it_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "app"
    path.write_text("export A=1\n. /etc/other\nexport C=3\n")

    found = sides.of_file(Local(), str(path), "shell")

    assert (found.status, found.variables) == ("partial", {"A": "1", "C": "3"})
    assert found.origins == {"A": f"{path}:1", "C": f"{path}:3"}
    assert [(p.line, p.message) for p in found.problems] == [
        (2, "dynamic: what is sourced here is not known")
    ]

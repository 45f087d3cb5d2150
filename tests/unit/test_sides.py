"""Where the sides of `diff` are, and what they mean there."""

from __future__ import annotations

import pytest

from envcheck.cli.diff import on_host
from envcheck.cli.hosts import Hosts, chosen_hosts
from envcheck.errors import UsageError


@pytest.fixture
def hosts() -> Hosts:
    return chosen_hosts(
        host=None,
        hosts_file=None,
        limit=None,
        max_parallel=1,
        sudo=False,
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


@pytest.mark.parametrize("side", ["podman://web", "podman://web:"])
def test_a_container_alone_is_no_side(hosts: Hosts, side: str) -> None:
    with pytest.raises(UsageError, match="says where, but not what") as caught:
        on_host(side, hosts)
    assert caught.value.hint.endswith("podman://web:TARGET")


def test_there_is_no_such_engine(hosts: Hosts) -> None:
    with pytest.raises(UsageError, match="no such kind of host: lxc://"):
        on_host("lxc://web:1", hosts)

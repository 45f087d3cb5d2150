"""What is told of values that differ between hosts, and what is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import build
import pytest

from envcheck import spec as specs
from envcheck.cli.records import told_apart
from envcheck.judge import judge, merge
from envcheck.judge.differences import differences, telling
from envcheck.model import HostReport, Reading, Report, Severity
from envcheck.report import format_named
from envcheck.tokens import Token

SPEC = b"apps: {shop: {match: {cwd: /srv/shop}, sources: [{envdir: /etc/shop}]}}"


def host(name: str, *, env: Mapping[str, str], files: Mapping[str, Any] | None = None) -> HostReport:
    """Make the report of a host on which one Gunicorn runs with *env*, and is configured so."""
    folder = build.folder(build.NOW, **(env if files is None else files))
    snapshot = build.snapshot(
        build.gunicorn(10, at_exec=dict(env)),
        build.gunicorn(11, 10, at_exec=dict(env)),
        files={"/etc/shop": folder},
    )
    spec = specs.load(SPEC, "/spec.yaml")
    return judge(snapshot._replace(host=name), spec, [], build.OPEN).hosts[0]


def told(*hosts: HostReport) -> dict[str, Any]:
    return {
        d.variable: (d.layers, [(group.value, group.hosts) for group in d.groups]) for d in differences(hosts)
    }


def test_one_host_that_differs_from_the_others() -> None:
    hosts = [host(f"web-{i}", env={"DATABASE_URL": "a", "SAME": "x"}) for i in range(18)]
    odd = host("web-18", env={"DATABASE_URL": "b", "SAME": "x"})

    assert told(*hosts, odd) == {
        "DATABASE_URL": (
            ("configured", "running"),
            [("a", tuple(f"web-{i}" for i in range(18))), ("b", ("web-18",))],
        )
    }


def test_what_one_has_and_the_others_have_not() -> None:
    hosts = [host(f"web-{i}", env={}) for i in range(3)]

    assert told(*hosts, host("web-3", env={"FEATURE": "x"})) == {
        "FEATURE": (("configured", "running"), [(None, ("web-0", "web-1", "web-2")), ("x", ("web-3",))])
    }


def test_a_stale_host_is_told_as_stale_and_not_once_more() -> None:
    hosts = [host(f"web-{i}", env={"REGION": "new"}) for i in range(3)]
    stale = host("web-3", env={"REGION": "old"}, files={"REGION": ("new", build.NOW)})
    assert stale.apps[0].state == "stale"

    assert told(*hosts, stale) == {}


def test_what_is_configured_differently_is_told_although_nothing_is_stale() -> None:
    hosts = [host(f"web-{i}", env={"REGION": "a"}) for i in range(3)]
    other = host("web-3", env={"REGION": "a"}, files={"REGION": ("b", build.NOW)})

    assert told(*hosts, other) == {
        "REGION": (("configured",), [("a", ("web-0", "web-1", "web-2")), ("b", ("web-3",))])
    }


@pytest.mark.parametrize("name", ["HOSTNAME", "HOST", "INVOCATION_ID", "SSH_CONNECTION", "_"])
def test_what_is_every_hosts_own_is_not_told(name: str) -> None:
    hosts = [host(f"web-{i}", env={"A": "a", name: value}, files={"A": "a"}) for i, value in enumerate("xxy")]

    assert told(*hosts) == {}


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        ("aa", []),
        ("ab", [1, 1]),  # of two, somebody has to say which is right
        ("abc", []),  # a value of its own on each
        ("abcd", []),
        ("aab", [2, 1]),
        ("aabb", [2, 2]),
        ("aabc", [2, 1, 1]),
        ("aaaaabcde", [5, 1, 1, 1, 1]),  # most agree
        ("aaaabcdef", []),  # neither a majority nor a few kinds
    ],
)
def test_which_groups_say_something(values: str, sizes: list[int]) -> None:
    found = telling({f"web-{i}": value for i, value in enumerate(values)})

    assert [len(group.hosts) for group in found] == sizes


def test_nothing_is_compared_between_apps() -> None:
    one, other = host("web-1", env={"A": "a"}), host("web-2", env={"A": "b"})
    other = other._replace(apps=(other.apps[0]._replace(name="other"),))

    assert told(one, other) == {}


def hidden(name: str, fingerprint: str, key: str = "", *, kept: bool = False) -> HostReport:
    """Make the report of a record in which the value of A is hidden."""
    made = host(name, env={"A": "a"})
    [generation] = made.apps[0].server.generations
    assert generation.master
    reading = Reading("ok", {"A": str(Token(5, fingerprint))})
    generation = generation._replace(master=generation.master._replace(live=reading))
    server = made.apps[0].server._replace(generations=(generation,))
    return made._replace(apps=(made.apps[0]._replace(server=server),), key=key, kept=kept, taken=1.0)


ONE, OTHER = "0" * 16, "1" * 16


def test_what_is_hidden_under_several_keys_is_not_compared() -> None:
    one, other = hidden("web-0", ONE), hidden("web-1", OTHER)

    assert "A" in told(one._replace(key="k"), other._replace(key="k"))
    assert told(one._replace(key="k"), other._replace(key="l")) == {}
    assert told(one._replace(key="k"), other) == {}


def merged(*hosts: HostReport) -> Report:
    return merge([Report((host,), 0) for host in hosts], Severity.ERROR)


def test_a_record_with_another_key_keeps_nobody_else_from_being_compared() -> None:
    alike = [hidden(f"web-{i}", ONE, "k", kept=True) for i in range(4)]
    found = merged(*alike, hidden("web-4", OTHER, "k", kept=True), hidden("web-5", "2" * 16, "own"))

    [difference] = found.differences
    assert [group.hosts for group in difference.groups] == [
        ("web-0", "web-1", "web-2", "web-3"),
        ("web-4",),
    ]
    assert found.uncompared == ("web-5",)
    assert found.exit_code == 3
    said = format_named("text").render(found)
    assert "IN-SYNC: all 6 hosts have the environment they should have; 1 unlike the" in said
    assert "NOT COMPARED: 1 host: hidden values" in said
    assert "take the records of all hosts with one --key-file" in said
    assert json.loads(format_named("json").render(found))["not_compared"]["hosts"] == ["web-5"]


def test_records_that_were_given_no_key_are_judged_and_said_not_to_be_compared() -> None:
    found = merged(*(hidden(f"web-{i}", str(i) * 16, f"own-{i}") for i in range(3)))

    assert found.uncompared == ("web-0", "web-1", "web-2")
    assert found.exit_code == 0


def test_where_nothing_is_hidden_keys_do_not_matter() -> None:
    hosts = [host(f"web-{i}", env={"A": "a"})._replace(key=str(i), kept=True) for i in range(3)]

    assert (merged(*hosts).uncompared, merged(*hosts).exit_code) == ((), 0)


def test_hosts_that_were_not_reached_are_left_out() -> None:
    hosts = [host(f"web-{i}", env={"A": v}) for i, v in enumerate("aab")]

    assert told(*hosts[:2], HostReport("web-9", "refused", (), ())) == {}
    assert "A" in told(*hosts, HostReport("web-9", "refused", (), ()))


def test_records_of_the_same_name_are_each_a_host() -> None:
    one, other = hidden("web", ONE, "k", kept=True), hidden("web", OTHER, "k", kept=True)
    paths = ["/r/w1.json", "/r/w2.json", "/r/w3.json", "/other/w3.json", "/r/db.json"]
    hosts = [one, one, other, one, one._replace(name="db")]

    found = merge(told_apart(list(zip(paths, hosts, strict=True))), Severity.ERROR)

    names = ["web (w1.json)", "web (w2.json)", "web (/r/w3.json)", "web (/other/w3.json)", "db"]
    assert [h.name for h in found.hosts] == names
    [difference] = found.differences
    assert difference.groups[1].hosts == ("web (/r/w3.json)",)
    said = format_named("text").render(found, width=200)
    assert "SAME NAME: 4 records call their host web: they are told by their files" in said
    assert "all 5 hosts" in said
    told = json.loads(format_named("json").render(found))
    assert [h.get("called") for h in told["hosts"]] == ["web"] * 4 + [None]

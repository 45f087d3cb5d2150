"""Hosts files: plain, INI and YAML; what is wrong in them; which hosts a limit leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envcheck.errors import UsageError
from envcheck.inventory import Inventory, load, select

PLAIN = b"""
# the shop
web-1
deploy@web-2:2222
[2001:db8::7]:2222   # with a port
2001:db8::8
db-[01:03].example.com
"""

INI = b"""
gateway ansible_host=192.0.2.1

[web]
web-[1:2] ansible_user=deploy
web-3 ansible_host=192.0.2.3 ansible_port="2203" note='two words' # the third

[db]
db-1
[2001:db8::7]:2222

[shop:children]
web
db

[shop:vars]
ansible_user = shop
ansible_port=2200

[db:vars]
ansible_user=postgres

[all:vars]
ansible_user=nobody
"""

YAML = b"""
all:
  hosts:
    gateway: {ansible_host: 192.0.2.1}
  vars: {ansible_user: nobody}
  children:
    shop:
      vars: {ansible_user: shop, ansible_port: 2200}
      children:
        web:
          hosts:
            web-[1:2]: {ansible_user: deploy}
            web-3:
              ansible_host: 192.0.2.3
              ansible_port: 2203
        db:
          hosts: {db-1: , "[2001:db8::7]:2222": ~}
          vars: {ansible_user: postgres}
"""

GROUPED = {
    "gateway": ("192.0.2.1", "nobody", None, {"all", "ungrouped"}),
    "web-1": ("web-1", "deploy", 2200, {"all", "shop", "web"}),
    "web-2": ("web-2", "deploy", 2200, {"all", "shop", "web"}),
    "web-3": ("192.0.2.3", "shop", 2203, {"all", "shop", "web"}),
    "db-1": ("db-1", "postgres", 2200, {"all", "shop", "db"}),
    "[2001:db8::7]:2222": ("2001:db8::7", "postgres", 2222, {"all", "shop", "db"}),
}


def told(inventory: Inventory) -> dict[str, Any]:
    return {h.name: (h.address, h.user, h.port, set(h.groups)) for h in inventory.hosts}


def test_plain() -> None:
    alone = {"all", "ungrouped"}
    assert told(load(PLAIN, "hosts")) == {
        "web-1": ("web-1", None, None, alone),
        "deploy@web-2:2222": ("web-2", "deploy", 2222, alone),
        "[2001:db8::7]:2222": ("2001:db8::7", None, 2222, alone),
        "2001:db8::8": ("2001:db8::8", None, None, alone),
        "db-01.example.com": ("db-01.example.com", None, None, alone),
        "db-02.example.com": ("db-02.example.com", None, None, alone),
        "db-03.example.com": ("db-03.example.com", None, None, alone),
    }


def test_variables_that_only_ansible_can_read() -> None:
    """A vaulted password is in the way of none: it does not say how a host is reached."""
    text = b"""
all:
  vars:
    ansible_become_password: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      6238326333
    limits: !unsafe {soft: 1}
  hosts:
    web-1: {note: !unsafe '{{ x }}', ansible_port: 2201}
    web-2: {ansible_user: !vault abc}
"""
    hosts = load(text, "hosts.yaml")

    assert [(h.name, h.port) for h in select(hosts, ["!web-2"])] == [("web-1", 2201)]
    with pytest.raises(UsageError) as caught:
        select(hosts, [])
    assert str(caught.value).startswith("hosts.yaml:10: web-2: its user has a tag")
    with pytest.raises(UsageError) as caught:
        load(b"all:\n  hosts: !vault x", "hosts.yaml")
    assert str(caught.value) == "hosts.yaml:2: hosts must be a mapping"
    with pytest.raises(UsageError) as caught:
        load(b"all:\n  hosts:\n    !vault web-1:", "hosts.yaml")
    assert str(caught.value) == "hosts.yaml:3: a key must be a text"


def test_hundreds_of_hosts_with_all_their_variables() -> None:
    """As `ansible-inventory --list --yaml` writes them; JSON is YAML for Ansible as well."""
    variables = {f"variable_{number}": "x" for number in range(50)}
    content = json.dumps({"web": {"hosts": {f"web-{number}": variables for number in range(300)}}})

    assert len(load(content.encode(), "hosts.json").hosts) == 300


def test_a_user_with_a_domain() -> None:
    """As ssh(1) reads it: the last @ ends the user's name."""
    (one,) = load(b"a@b.example@web-1:2222", "hosts").hosts
    assert (one.address, one.user, one.port) == ("web-1", "a@b.example", 2222)


def test_ini() -> None:
    assert told(load(INI, "hosts")) == GROUPED


def test_priorities_of_groups() -> None:
    """Of groups of one depth the one with the higher priority wins, whatever they are called."""
    text = b"[a]\nweb-1\n[b]\nweb-1\n[b:vars]\nansible_port=2\n[a:vars]\nansible_port=1\n"
    first = b"ansible_group_priority=10\n"
    tree = b"a: {hosts: {web-1: }, vars: {ansible_port: 1, ansible_group_priority: 10}}\n"
    tree += b"b: {hosts: {web-1: }, vars: {ansible_port: 2}}\n"

    assert [h.port for h in load(text, "hosts").hosts] == [2]
    assert [h.port for h in load(text + first, "hosts").hosts] == [1]
    assert [h.port for h in load(tree, "hosts.yaml").hosts] == [1]
    with pytest.raises(UsageError) as caught:
        load(text + b"ansible_group_priority=high\n", "hosts")
    assert str(caught.value) == "hosts:9: ansible_group_priority is a whole number"


def test_the_older_names_of_variables_win() -> None:
    """As in the connection plugin ssh: it takes the last name that has a value, of whatever group."""
    text = b"a ansible_ssh_host=192.0.2.1 ansible_host=192.0.2.2\n"
    text += b"[g]\nb ansible_port=2\n[g:vars]\nansible_ssh_port=1\n"
    [a, b] = load(text, "hosts").hosts

    assert (a.address, b.port) == ("192.0.2.1", 1)


@pytest.mark.parametrize("path", ["hosts.yaml", "hosts.yml", "hosts"])
def test_yaml(path: str) -> None:
    assert told(load(YAML, path)) == GROUPED


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:10]", ["web08", "web09", "web10"]),
        ("web[0:6:3]", ["web0", "web3", "web6"]),
        ("db-[a:c]x", ["db-ax", "db-bx", "db-cx"]),
        ("r[1:2]-h[1:2]:2222", ["r1-h1:2222", "r1-h2:2222", "r2-h1:2222", "r2-h2:2222"]),
        ("root@[::1]", ["root@[::1]"]),
        ("r[1:2][0:1]", ["r10", "r11", "r20", "r21"]),
        ("r[1:2][a:b]", ["r1a", "r1b", "r2a", "r2b"]),
    ],
)
def test_ranges(text: str, names: list[str]) -> None:
    assert [h.name for h in load(text.encode(), "hosts").hosts] == names


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "hosts: names no host"),
        (b"a\n-oProxyCommand=x", "hosts:2: '-oProxyCommand=x': is no host"),
        (b"a;b", "hosts:1: 'a;b': is no host"),
        (b"a:22x", "hosts:1: 'a:22x': a port is a number from 1 to 65535"),
        (b"docker://web", "hosts:1: 'docker://web': is not reached by SSH: -H takes it"),
        (b"a:70000", "hosts:1: 'a:70000': a port is a number from 1 to 65535"),
        (b"-l@a", "hosts:1: '-l@a': is no user"),
        (b"web[9:1]", "hosts:1: 'web[9:1]': a range goes upwards"),
        (b"web[1:99999]", "hosts:1: 'web[1:99999]': a range has 10000 hosts at most"),
        (b"w[1:99]-[1:999]-[1:999]", "hosts:1: 'w[1:99]-[1:999]-[1:999]': a range has 10000 hosts at most"),
        (b"w[1:9999999999999999999]", "hosts:1: 'w[1:9999999999999999999]': a range has 10000 hosts at most"),
        (b"web[a:1]", "hosts:1: 'web[a:1]': a range is [01:20] or [a:f]"),
        (b"web-1 port", "hosts:1: a variable is NAME=VALUE, not 'port'"),
        (b"web-1 x='y", "hosts:1: a quotation mark is not closed"),
        (b"[web:vras]\na=b", "hosts:1: no such section: 'web:vras'"),
        (b"x\n[a:children]\nb\n[b:children]\na", "hosts:5: the group 'a' is in itself"),
        (b"#!/usr/bin/env python3\nprint()", "hosts:1: is a program: give its output as a file"),
        (b"all:\n  hosts:\n    a:\n    a:", "hosts:4: duplicate key 'a', first in line 3"),
        (b"all:\n  host:\n    a:", "hosts:2: unknown key 'host' in a group"),
        (b"all:\n  hosts: [a]", "hosts:2: hosts must be a mapping"),
        (b"\xff", "hosts:1: is not UTF-8 text"),
        (b"a\x1b[2J", "hosts:1: holds the control character U+001B"),
    ],
)
def test_faults_name_file_and_line(content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(content, "hosts")

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("ansible_connection=local", "hosts:2: web-2: is not reached by SSH, but by 'local'"),
        ("ansible_host={{ip}}", "hosts:2: web-2: is computed by a template"),
        ("ansible_user=-l", "hosts:2: web-2: is no user: '-l'"),
        ("ansible_port=ssh", "hosts:2: web-2: a port is a number from 1 to 65535"),
        ("ansible_host=-oProxyCommand=x", "hosts:2: web-2: is no address: '-oProxyCommand=x'"),
    ],
)
def test_a_host_that_cannot_be_reached_matters_where_it_is_meant(variable: str, said: str) -> None:
    hosts = load(f"web-1\nweb-2 {variable}\n".encode(), "hosts")

    assert [h.name for h in select(hosts, ["!web-2"])] == ["web-1"]
    with pytest.raises(UsageError) as caught:
        select(hosts, [])
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        ([], ["gateway", "web-1", "web-2", "web-3", "db-1", "[2001:db8::7]:2222"]),
        (["web-1"], ["web-1"]),
        (["db-1,web-1"], ["web-1", "db-1"]),
        (["db-1", "web-1"], ["web-1", "db-1"]),
        (["web"], ["web-1", "web-2", "web-3"]),
        (["web-[2:9],gateway"], ["gateway", "web-2", "web-3"]),
        (["w*"], ["web-1", "web-2", "web-3"]),
        (["web:!web-[12]"], ["web-3"]),
        (["shop,!web"], ["db-1", "[2001:db8::7]:2222"]),
        (["!shop"], ["gateway"]),
        (["shop:&web:!web-3"], ["web-1", "web-2"]),
        (["[2001:db8::7]:2222"], ["[2001:db8::7]:2222"]),
        (["web:db:shop:!web-1"], ["web-2", "web-3", "db-1", "[2001:db8::7]:2222"]),
        (["web-1:web-2:db-1:gateway"], ["gateway", "web-1", "web-2", "db-1"]),
        (["web-[1:2]:db-1:!web-1"], ["web-2", "db-1"]),
        (["web-1::web-2"], ["web-1", "web-2"]),
        (["web-1:[2001:db8::7]:2222:web-2"], ["web-1", "web-2", "[2001:db8::7]:2222"]),
        (["[2001:*"], ["[2001:db8::7]:2222"]),
        (["shop:![2001:db8::7]:2222"], ["web-1", "web-2", "web-3", "db-1"]),
        (["all"], ["gateway", "web-1", "web-2", "web-3", "db-1", "[2001:db8::7]:2222"]),
    ],
)
def test_limit(limits: list[str], names: list[str]) -> None:
    assert [h.name for h in select(load(INI, "hosts"), limits)] == names


def test_four_terms_that_could_be_groups_of_an_address() -> None:
    hosts = load(b"a\nb\nc\nd\nfe80::1\n1:2:3:4:5:6:7:8\n", "hosts")

    assert [h.name for h in select(hosts, ["a:b:c:d"])] == ["a", "b", "c", "d"]
    assert [h.name for h in select(hosts, ["a:b:c:!d"])] == ["a", "b", "c"]
    assert [h.name for h in select(hosts, ["fe80::1"])] == ["fe80::1"]
    assert [h.name for h in select(hosts, ["1:2:3:4:5:6:7:8"])] == ["1:2:3:4:5:6:7:8"]


@pytest.mark.parametrize(
    ("limit", "numbers"),
    [
        ("web-[8:11]", [8, 9, 10, 11]),
        ("web-[12:15]", [12, 13, 14, 15]),
        ("!web-[3:20]", [1, 2]),
        ("web-[12]", [1, 2]),
        ("web-[1:2]?", [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]),
    ],
)
def test_a_range_is_no_set_of_characters(limit: str, numbers: list[int]) -> None:
    """`[12:15]` would be 1, 2, 5 and the colon: what the report names would mean other hosts as well."""
    hosts = load(b"web-[1:20]", "hosts")

    assert [h.name for h in select(hosts, [limit])] == [f"web-{number}" for number in numbers]


def test_a_group_without_hosts_is_a_group() -> None:
    """What is being maintained: at most times nothing, and then nothing is left out."""
    hosts = load(b"[web]\nweb-1\nweb-2\n[maintained]\n[idle:children]\nmaintained\n", "hosts")

    for limit in ("all:!maintained", "web,maintained", "!idle", "web:!main*"):
        assert [h.name for h in select(hosts, [limit])] == ["web-1", "web-2"], limit
    for limit in ("maintained", "web:&idle"):
        with pytest.raises(UsageError) as caught:
            select(hosts, [limit])
        assert str(caught.value).endswith(" leaves no host")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("web-9", "--limit web-9: no such host or group"),
        ("web,!wbe", "--limit !wbe: no such host or group"),
        ("web:!shop", "--limit web,!shop leaves no host"),
        ("web-[9:1]", "--limit web-[9:1]: a range goes upwards"),
        ("[1:999]-[1:999]", "--limit [1:999]-[1:999]: a range has 10000 hosts at most"),
        (" ,!", "--limit names no host"),
    ],
)
def test_a_limit_that_means_nothing(limit: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(load(INI, "hosts"), [limit])

    assert str(caught.value) == said

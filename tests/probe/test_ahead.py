"""Commands that run while processes are read: for what their cgroups name, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from envcheck.opening import AHEAD
from envcheck.probe import census, scan

CGROUPS = (
    "12:pids:/system.slice/shop.service\n0::/system.slice/shop.service\n",
    "0::/system.slice/system-web.slice/web@1.service\n",
    "0::/system.slice/web\\x20app.service\n",  # what stands for something else is asked about later
    "0::/system.slice/outer.service/inner.scope\n",
    "0::/user.slice/user-7.slice/user@7.service/app.slice/theirs.service\n",
    "0::/system.slice/a b.service\n",
    "0::/system.slice/\u00e9.service\n",
    "0::/system.slice/.service; reboot\n0::/\n\nnonsense",
)
NAMES = ["shop.service", "web@1.service"]


def test_only_plain_names_of_the_system() -> None:
    (asked,) = AHEAD
    assert census._named("\n".join(CGROUPS), asked["before"], asked["after"]) == NAMES  # noqa: SLF001


def begun(monkeypatch: pytest.MonkeyPatch, cgroup: str, argv: list[str]) -> list[dict[str, Any]]:
    monkeypatch.setattr(scan, "contents", lambda _path, _most: cgroup.encode())
    asked = {"argv": argv, "before": "/", "after": ".service", "timeout": 5.0, "limit": 1000}
    commands = census._begun([asked], {1})  # noqa: SLF001
    return [dict(command.answer(limit), argv=words) for words, limit, command in commands]


def test_what_is_named_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    (ran,) = begun(monkeypatch, "0::/shop.service", ["getent", "passwd"])
    assert (ran["status"], ran["argv"]) == ("ok", ["getent", "passwd", "shop.service"])


def test_what_changes_something_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert begun(monkeypatch, "0::/shop.service", ["systemctl", "restart"]) == []


def test_where_nothing_is_named_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert begun(monkeypatch, "0::/", ["getent", "passwd"]) == []

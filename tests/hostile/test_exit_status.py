"""The exit statuses of `check`, and which of two wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile.support import Gunicorn, app_in, envdir, run, write_spec

SAME = {"COLOUR": "red", "SIZE": "large", "LONG": "a" * 60 + "!"}


@pytest.fixture
def fresh(home: Path) -> Path:
    """The folder that the server was started through, as it was then."""
    return envdir(home / "fresh", **SAME)


@pytest.fixture
def changed(home: Path) -> Path:
    """The same folder after somebody has changed it."""
    return envdir(home / "changed", **SAME | {"COLOUR": "green"})


def check(home: Path, *arguments: str, **apps: object) -> tuple[int, str]:
    spec = write_spec(home / "spec.yaml", **apps)
    ran = run("check", "-s", str(spec), *arguments)
    assert ran.document is None or ran.document["exit_code"] == ran.status
    return ran.status, ran.first.partition(":")[0]


def test_all_as_it_should_be(shop: Gunicorn, home: Path, fresh: Path) -> None:
    spec = app_in(shop.folder, {"envdir": str(fresh)}, COLOUR="red", SIZE=None)

    assert check(home, shop=spec) == (0, "IN-SYNC")


def test_stale(shop: Gunicorn, home: Path, changed: Path) -> None:
    assert check(home, shop=app_in(shop.folder, {"envdir": str(changed)})) == (1, "STALE")


def test_misconfigured(shop: Gunicorn, home: Path, fresh: Path) -> None:
    spec = app_in(shop.folder, {"envdir": str(fresh)}, SHAPE=None)

    assert check(home, shop=spec) == (1, "MISCONFIGURED")


def test_unexplained(shop: Gunicorn, home: Path) -> None:
    assert check(home, shop=app_in(shop.folder, COLOUR="green")) == (1, "UNEXPLAINED")


def test_unproven_expectation_that_is_met(shop: Gunicorn, home: Path) -> None:
    assert check(home, shop=app_in(shop.folder, COLOUR="red"))[0] == 0


def test_latent_is_a_warning(shop: Gunicorn, home: Path) -> None:
    without = envdir(home / "without", SIZE="large", LONG=SAME["LONG"])
    spec = app_in(shop.folder, {"envdir": str(without)}, COLOUR="red")

    assert check(home, shop=spec) == (0, "LATENT")
    assert check(home, "--fail-on", "warning", shop=spec) == (1, "LATENT")


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        ("error", "error", 1),
        ("warning", "error", 0),
        ("warning", "warning", 1),
        ("info", "warning", 0),
        ("info", "info", 1),
        ("off", "info", 0),
    ],
)
def test_severity_of_a_rule(  # noqa: PLR0917 - a table
    shop: Gunicorn, home: Path, fresh: Path, severity: str, fail_on: str, status: int
) -> None:
    rule = {"required": True, "severity": severity}
    spec = app_in(shop.folder, {"envdir": str(fresh)}, SHAPE=rule, SIZE="large")

    assert check(home, "--fail-on", fail_on, shop=spec)[0] == status


def test_spec_that_matches_nothing(home: Path) -> None:
    assert check(home, shop=app_in(home / "nowhere", COLOUR="red")) == (2, "NOTHING MATCHED")


def test_target_that_matches_nothing(shop: Gunicorn, home: Path, fresh: Path) -> None:
    assert check(home, "another", shop=app_in(shop.folder, {"envdir": str(fresh)}))[0] == 2


def test_nothing_matched_beats_drift(shop: Gunicorn, home: Path, changed: Path) -> None:
    stale = app_in(shop.folder, {"envdir": str(changed)})

    assert check(home, shop=stale, other=app_in(home / "nowhere")) == (2, "NOTHING MATCHED")


def test_drift_beats_what_could_not_be_told(shop: Gunicorn, home: Path, changed: Path) -> None:
    sources = {"file": str(home / "missing"), "dialect": "systemd"}, {"envdir": str(changed)}

    status, word = check(home, shop=app_in(shop.folder, *sources))

    assert (status, word) == (1, "STALE")


def test_what_could_not_be_told_beats_all_well(shop: Gunicorn, home: Path, fresh: Path) -> None:
    sources = {"file": str(home / "missing"), "dialect": "systemd"}, {"envdir": str(fresh)}

    assert check(home, shop=app_in(shop.folder, *sources))[0] == 3


def test_optional_source_may_be_missing(shop: Gunicorn, home: Path, fresh: Path) -> None:
    sources = (
        {"file": str(home / "missing"), "dialect": "systemd", "optional": True},
        {"envdir": str(fresh)},
    )

    assert check(home, shop=app_in(shop.folder, *sources))[0] == 0


def test_nothing_to_compare_with(shop: Gunicorn) -> None:
    ran = run("check", str(shop.master))

    assert (ran.status, ran.app["state"]) == (3, "unproven")
    assert "nothing to compare with" in " ".join(ran.out.split()), ran.out
    assert f"envcheck show {shop.master}" in ran.out


@pytest.mark.parametrize("target", ["cwd:{shop}", "{worker}", "shop"])
def test_targets(shop: Gunicorn, home: Path, fresh: Path, target: str) -> None:
    named = target.format(shop=shop.folder, worker=shop.workers[0])
    spec = write_spec(home / "spec.yaml", shop=app_in(shop.folder, {"envdir": str(fresh)}))

    ran = run("check", named, "-s", str(spec))

    assert (ran.status, ran.app["name"]) == (0, "shop")

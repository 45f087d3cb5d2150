"""Sources that cannot be read, or are refused whole: a gap or a finding, never a part taken for the whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hostile.support import Gunicorn, Ran, app_in, envdir, make_sparse, run, write_spec
from live.harness import root_only

SAME = {"COLOUR": "red", "SIZE": "large", "LONG": "a" * 60 + "!"}
GREEN = "COLOUR=green\n"

MADE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path, "there is no such file or folder"),
    "folder": (Path.mkdir, "it is a folder, not a file"),
    "pipe": (os.mkfifo, "it is no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
    "sparse": (make_sparse, "it is too large"),
    "link to itself": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "socket": (lambda path: path.symlink_to("../shop/socket"), "it is no regular file"),
}
DIALECTS = ("systemd", "systemd254", "dotenv-ruby", "dotenv-python")


def check(
    home: Path, shop: Gunicorn, *sources: Mapping[str, object], nobody: bool = False, **env: object
) -> Ran:
    spec = write_spec(home / "spec.yaml", shop=app_in(shop.folder, *sources, **env))
    return run("check", "-s", str(spec), nobody=nobody)


def gaps(ran: Ran) -> str:
    return "\n".join(f"{gap['what']}: {gap['why']}" for gap in ran.document["hosts"][0]["gaps"])


@pytest.mark.parametrize("kind", MADE)
def test_file_that_is_none(shop: Gunicorn, home: Path, kind: str) -> None:
    make, why = MADE[kind]
    make(home / "file")

    ran = check(home, shop, {"file": str(home / "file"), "dialect": "systemd"}, COLOUR="red")

    assert (ran.status, f"{home}/file: {why}" in gaps(ran)) == (3, True), ran
    assert why in " ".join(ran.out.split())
    shown = run("show", f"file:{home}/file", "--dialect", "systemd")
    assert (shown.status, shown.out) == (3, "")
    assert why in shown.error


def test_file_for_an_envdir(shop: Gunicorn, home: Path) -> None:
    (home / "file").write_text(GREEN)

    ran = check(home, shop, {"envdir": str(home / "file")})

    assert (ran.status, gaps(ran)) == (3, f"{home}/file: it is no folder")
    assert run("show", f"file:{home}/file", "--dialect", "envdir").status == 3


def test_drift_is_told_beside_a_gap(shop: Gunicorn, home: Path) -> None:
    changed = envdir(home / "env.d", **SAME | {"COLOUR": "green"})

    ran = check(home, shop, {"envdir": str(home / "missing")}, {"envdir": str(changed)})

    assert (ran.status, gaps(ran)) == (1, f"{home}/missing: there is no such file or folder")


def test_gap_is_never_a_missing_variable(shop: Gunicorn, home: Path) -> None:
    """What a source that cannot be read sets is not known: nothing is "configured without it"."""
    ran = check(home, shop, {"envdir": str(home / "missing")}, COLOUR="red", SHAPE=None)

    found = {f["variable"]: (f["diagnosis"], f["configured"]["present"]) for f in ran.app["findings"]}
    assert found["COLOUR"] == ("unproven", None)
    assert found["SHAPE"] == ("unexplained", None)


def test_folder_in_an_envdir(shop: Gunicorn, home: Path) -> None:
    folder = envdir(home / "env.d", **SAME)
    (folder / "old").mkdir()

    ran = check(home, shop, {"envdir": str(folder)}, COLOUR="red")

    assert [f["cause"] for f in ran.app["findings"] if f["variable"] is None] == ["unstartable"]
    assert (ran.status, ran.app["remedy"]["action"]) != (0, "restart")
    shown = run("show", f"file:{folder}").document
    assert (shown["variables"], len(shown["problems"])) == ({}, 1)


@root_only
def test_one_file_of_an_envdir_may_not_be_read(shop: Gunicorn, home: Path) -> None:
    folder = envdir(home / "env.d", **SAME)
    (folder / "COLOUR").chmod(0o600)
    source = {"envdir": str(folder)}

    assert check(home, shop, source).status == 0
    assert check(home, shop, source, nobody=True).status == 3
    shown = run("show", f"file:{folder}", nobody=True)
    assert shown.document["variables"].get("COLOUR") in (None, {"dynamic": True})
    assert "denied" in shown.out or "not allowed" in shown.out


@root_only
@pytest.mark.parametrize("dialect", ["systemd", "envdir"])
def test_source_may_not_be_read(home: Path, dialect: str) -> None:
    secret = home / "secret"
    secret.mkdir(0o700) if dialect == "envdir" else secret.touch(0o600)

    ran = run("show", f"file:{home}/secret", "--dialect", dialect, nobody=True)

    assert (ran.status, ran.out) == (3, "")
    assert "not allowed to read it" in ran.error


@pytest.mark.parametrize("dialect", DIALECTS)
def test_file_that_is_no_text(shop: Gunicorn, home: Path, dialect: str) -> None:
    (home / "file").write_bytes(b"COLOUR=green\nSHAPE=\xff\xfe\n")

    ran = run("show", f"file:{home}/file", "--dialect", dialect)

    if dialect != "dotenv-ruby":  # which takes every byte
        assert (ran.document["variables"], len(ran.document["problems"])) == ({}, 1)
    judged = check(home, shop, {"file": str(home / "file"), "dialect": dialect}, COLOUR="red")
    assert judged.status in (0, 1, 3)
    if dialect.startswith("systemd"):
        assert "unstartable" in {f["cause"] for f in judged.app["findings"]}


def test_nothing_is_executed(home: Path) -> None:
    owned = home / "owned"
    (home / "file").write_text(f'A=$(touch {owned})\nB=`touch {owned}`\nC="$(touch {owned})"\n')

    for dialect in DIALECTS:
        run("show", f"file:{home}/file", "--dialect", dialect, "--reveal", "*")

    assert not owned.exists()


def test_no_content_of_another_file(home: Path) -> None:
    """A link to a file of passwords shows names at most, and no line of it."""
    (home / ".env").symlink_to("/etc/passwd")

    for dialect in DIALECTS:
        ran = run("show", f"file:{home}/.env", "--dialect", dialect)
        assert "/root" not in ran.out
        assert "x:0:0" not in ran.out


def test_many_files(home: Path) -> None:
    folder = envdir(home / "env.d", **{f"V{i}": "x" for i in range(10_001)})

    ran = run("show", f"file:{folder}")

    assert (ran.status, ran.out) == (3, "")
    assert "too large" in ran.error

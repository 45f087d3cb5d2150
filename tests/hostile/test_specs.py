"""Specs that are no specs: status 2, one line, at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile.support import Gunicorn, Ran, app_in, make_sparse, run, write_spec
from live.harness import root_only

QUICK = 5.0  # seconds, on a machine that has other things to do

ALIASES = "".join(f"k{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
MERGES = "".join(f"m{i}: &b{i}\n  <<: [{', '.join([f'*b{i - 1}'] * 9)}]\n" for i in range(1, 10))
DUPLICATE = "apps:\n  shop:\n    env:\n      A: 1\n      B: 2\n      A: 3\n"
ENV = "apps: {{shop: {{env: {{A: {}}}}}}}"

TEXTS = {
    "nested 200000": "[" * 200_000,
    "nested 3000": "{a: " * 3000,
    "nested 3000 and closed": "[" * 3000 + "]" * 3000,
    "aliases": "k0: &a0 [x, x, x, x, x, x, x, x, x]\n" + ALIASES,
    "merge keys": "m0: &b0 {a: 1, b: 2}\n" + MERGES,
    "recursive": "&a [*a]",
    "date": "apps: {shop: 2020-13-45}",
    "int tag": ENV.format("!!int x"),
    "bool tag": ENV.format("!!bool x"),
    "timestamp tag": ENV.format("!!timestamp x"),
    "empty int tag": ENV.format("!!int ''"),
    "python": "!!python/object/apply:os.system [touch /tmp/owned]",
    "digits": "apps: " + "9" * 5000,
    "0x_": "0x_",
    "duplicate": DUPLICATE,
    "unknown key": "apps: {shop: {enf: {A: 1}}}",
    "unknown top": "app: {}",
    "unknown rule": ENV.format("{requierd: true}"),
    "no mapping": "- a\n- b\n",
    "scalar": "yes",
    "wrong type": "apps: [shop]",
    "env list": "apps: {shop: {env: [A]}}",
    "match list": "apps: {shop: {match: [1]}}",
    "bad pattern": ENV.format("{pattern: '('}"),
    "two rules": ENV.format("{equals: a, one_of: [b]}"),
    "version": "version: 2\napps: {shop: }",
    "no apps": "apps: {}",
    "two documents": "apps: {shop: }\n---\napps: {shop: }",
    "empty": "",
    "comment": "# nothing\n",
    "tab": "apps:\n\tshop:\n",
    "surrogate": ENV.format('"\\ud800"'),
    "control": "apps: {shop: \x1b[2J}",
    "many nodes": "apps: [" + "a, " * 200_000 + "]",
}
BYTES = {
    "binary": bytes(range(256)) * 16,
    "utf-16": "apps: {}".encode("utf-16"),
    "NULs": bytes(4096),
    "latin-1": "apps: {shop: {description: é}}".encode("latin-1"),
}


def check(path: Path | str, *, nobody: bool = False) -> Ran:
    start = time.monotonic()
    ran = run("check", "-s", str(path), nobody=nobody)
    assert time.monotonic() - start < QUICK
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) <= 2, ran.err
    assert len(ran.error) < 400 + len(str(path))
    return ran


@pytest.mark.parametrize("kind", TEXTS)
def test_text(home: Path, kind: str) -> None:
    spec = home / "spec.yaml"
    spec.write_text(TEXTS[kind])

    error = check(spec).error

    line = error.removeprefix(f"{spec}:").partition(":")[0]
    assert line.isdigit(), error
    assert not Path("/tmp/owned").exists()


def test_line_and_suggestion(home: Path) -> None:
    spec = home / "spec.yaml"
    spec.write_text(DUPLICATE)
    assert check(spec).error == f"{spec}:6: duplicate key 'A', first in line 4"

    spec.write_text("apps:\n  shop:\n    enf: {A: 1}\n")
    assert f"{spec}:3: " in check(spec).error
    assert "did you mean 'env'?" in check(spec).error


@pytest.mark.parametrize("kind", BYTES)
def test_bytes(home: Path, kind: str) -> None:
    spec = home / "spec.yaml"
    spec.write_bytes(BYTES[kind])

    error = check(spec).error
    assert error.startswith(f"{spec}:{1 + (kind == 'binary')}: ")


MADE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path, "there is no such file"),
    "folder": (Path.mkdir, "it is a folder"),
    "pipe": (os.mkfifo, "no regular file"),
    "link to nowhere": (lambda path: path.symlink_to("nowhere"), "there is no such file"),
    "link to itself": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "no regular file"),
    "below a file": (lambda path: path.symlink_to("/etc/passwd/spec"), "there is no such file"),
    "2 MiB": (lambda path: path.write_bytes(b"#" * (2 << 20)), "too large"),
    "sparse": (make_sparse, "too large"),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_no_file(home: Path, kind: str) -> None:
    make, why = MADE[kind]
    make(home / "spec.yaml")

    assert why in check(home / "spec.yaml").error


def test_no_path_at_all() -> None:
    assert "no spec is named" in check("").error


@root_only
def test_not_allowed_to_read_it(home: Path) -> None:
    spec = home / "spec.yaml"
    spec.touch(mode=0o600)

    assert "not allowed to read it" in check(spec, nobody=True).error


def test_patterns_that_never_end(shop: Gunicorn, home: Path) -> None:
    """To try all ways in which they may match a value, or a command line, takes longer than there is time."""
    apps = {
        "rule": app_in(shop.folder, LONG={"pattern": "^(a+)+$"}),
        "match": {"match": {"cmdline": f"^(.|.)*{shop.master}$"}, "env": {"A": None}},
    }
    specs = [write_spec(home / f"{kind}.yaml", shop=app) for kind, app in apps.items()]

    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(run, "check", "-s", str(spec)) for spec in specs]:
            ran = future.result()
            assert (ran.status, ran.err) == (3, "")
            assert ran.first == "COULD NOT TELL: unjudged"
            assert "a pattern of the spec took more than 5 seconds of processor time" in ran.out
            assert "do: look for nested repeats" in ran.out

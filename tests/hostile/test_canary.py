"""Unique secrets in every place where one may stand; none of them comes out anywhere."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from hostile.support import CANARIES, Gunicorn, Ran, gunicorn, on_terminal, run
from live.harness import need

WORDS = ("amber", "birch", "cedar", "daisy", "ember", "fjord", "gravel", "harbor", "island", "juniper")


def token(where: str) -> str:
    """A secret that looks like one."""
    return CANARIES.plant(where, secrets.token_urlsafe(24))


def phrase(where: str) -> str:
    """A secret that looks like nothing."""
    words = "-".join(secrets.choice(WORDS) for _ in range(4))
    return CANARIES.plant(where, f"{words}-{secrets.randbelow(90_000) + 10_000}")


class Planted(NamedTuple):
    server: Gunicorn
    spec: Path
    revealable: str  # the value of AWS_S3_BUCKET_NAME
    name: str  # ENCODED_KEY, and the name of a server without titles


def environment() -> dict[str, str]:
    """Names that look secret and names that do not; values as they are and encoded, and a very long one."""
    hidden = token("encoded")
    return {
        "DB_PASSWORD": token("DB_PASSWORD"),
        "SECRET_KEY_BASE": phrase("SECRET_KEY_BASE"),
        "AWS_S3_BUCKET_NAME": phrase("AWS_S3_BUCKET_NAME"),
        "MY_SETTING": phrase("MY_SETTING"),
        "AWS_REGION": token("AWS_REGION"),
        "LC_ALL_OF_IT": token("LC_ALL_OF_IT"),
        "BUNDLE_GEMS__EXAMPLE__COM": "user:" + phrase("BUNDLE_GEMS__EXAMPLE__COM"),
        "DATABASE_URL": f"postgres://app:{token('DATABASE_URL')}@db.example/app",
        "HOME": f"/home/app?token={token('HOME')}",
        "ENCODED_KEY": hidden,
        "BASIC": base64.b64encode(f"user:{hidden}".encode()).decode(),
        "CALLBACK": f"https://example/?state={quote(hidden, safe='')}",
        "LONG_TOKEN": phrase("LONG_TOKEN") + token("LONG_TOKEN") * 3000,
        "GUNICORN_CMD_ARGS": f"--env=FROM_CMD_ARGS={phrase('GUNICORN_CMD_ARGS')}",
    }


def files(folder: Path, when: str) -> None:
    """Write every kind of source; the second time the values are others."""
    env_d = folder / "env.d"
    env_d.mkdir(exist_ok=True)
    # Where the name is known to be harmless, only what looks secret is kept back.
    kinds = {"FROM_ENVDIR": phrase, "API_TOKEN": phrase, "AWS_DEFAULT_REGION": token, "PORT": token}
    for name, kind in kinds.items():
        (env_d / name).write_text(f"{kind(f'{when} envdir {name}')}\nsecond line {phrase('second line')}\n")
    (env_d / "not-a-name").write_text(phrase("a file whose name is no variable's"))
    (folder / "default").write_text(
        f"FROM_DEFAULT={phrase(f'{when} EnvironmentFile')}\n"
        f'QUOTED="{token(f"{when} quoted")}"\n'
        f"{phrase('no assignment')}\nexport EXPORTED={phrase('export')}\n1BAD={phrase('bad name')}\n"
    )
    (folder / ".env").write_text(
        f"FROM_DOTENV={phrase(f'{when} dotenv')}\n"
        f"RUN=$(echo {phrase('command substitution')})\n"
        f"{phrase('dotenv line')}\nOPEN='{phrase('open quote')}\n"
    )
    (folder / "broken.env").write_bytes(f"A={phrase('file that is refused')}\nB=\xff\n".encode("latin-1"))


SOURCES = (
    {"envdir": "env.d"},
    {"file": "default", "dialect": "systemd"},
    {"file": "broken.env", "dialect": "systemd"},
    {"file": ".env", "dialect": "dotenv-python"},
    {"file": ".env", "dialect": "dotenv-ruby"},
)
RULES = {
    "DB_PASSWORD": None,
    "FROM_ENVDIR": {"pattern": "^never$"},
    "API_TOKEN": {"secret": True},
    "AWS_S3_BUCKET_NAME": {"pattern": "^[a-z]{2}$"},
    "MY_SETTING": {"forbidden": True},
    "FROM_DEFAULT": {"required": True, "hint": "ask the team"},
    "RUN": None,
    "NOT_THERE": None,
}


def plant(folder: Path, *, titles: bool) -> Planted:
    folder.mkdir()
    files(folder, "old")
    (folder / "gunicorn.conf.py").write_text(f'raw_env = ["FROM_RAW_ENV={phrase("raw_env")}"]\n')
    given = environment()
    if titles:
        del given["GUNICORN_CMD_ARGS"]  # so that raw_env counts
        arguments: tuple[str, ...] = ()
    else:
        arguments = (
            *("-e", f"FROM_ARGUMENT={phrase('-e')}", f"--env=OTHER={phrase('--env=')}"),
            *("--name", given["ENCODED_KEY"]),
            f"--statsd-prefix={token('an option')}",
        )
    server = gunicorn(
        folder,
        *arguments,
        app=f'app:make("{phrase("an argument of the application")}")',
        chain=("envdir", "env.d"),
        env=given,
        titles=titles,
        prelude=f"os.environ['SET_INSIDE'] = {phrase('set by the application')!r}",
    )
    files(folder, "new")
    (folder / "gunicorn.conf.py").write_text(
        f'raw_env = ["FROM_RAW_ENV={phrase("new raw_env")}", "{phrase("no assignment")}", f"A={{1}}"]\n'
    )
    spec = folder / "spec.yaml"
    app = {"match": {"cwd": str(folder)}, "sources": list(SOURCES), "env": RULES}
    spec.write_text(json.dumps({"apps": {"shop": app}}))
    return Planted(server, spec, given["AWS_S3_BUCKET_NAME"], given["ENCODED_KEY"])


@pytest.fixture(scope="module", params=[True, False], ids=["with setproctitle", "without setproctitle"])
def planted(site: Path, request: pytest.FixtureRequest) -> Planted:
    need("envdir", "setsid")
    titles = bool(request.param)
    return plant(site / f"canary-{titles}", titles=titles)


def commands(planted: Planted) -> list[tuple[str, ...]]:
    folder, pid, spec = planted.server.folder, str(planted.server.master), str(planted.spec)
    shown = [
        ("show", f"file:{folder}/{name}", "--dialect", dialect)
        for name, dialect in (
            ("env.d", "envdir"),
            ("default", "systemd"),
            ("default", "systemd254"),
            ("broken.env", "systemd"),
            (".env", "dotenv-python"),
            (".env", "dotenv-ruby"),
            ("gunicorn.conf.py", "systemd"),
            ("app.py", "dotenv-ruby"),
        )
    ]
    return [
        ("ps", f"cwd:{folder}"),
        ("ps", pid, "--no-live"),
        ("show", pid),
        ("show", f"cwd:{folder}", "--no-live"),
        ("show", str(planted.server.workers[0])),
        *shown,
        ("check", pid),
        ("check", f"cwd:{folder}", "-s", spec),
        ("check", "-s", spec, "--no-live", "--fail-on", "info"),
        ("check", "-s", spec, "-q"),
        ("check", "-s", spec, "-f", "json"),
        ("check", "-s", spec, "-f", "text"),
        ("check", "-s", spec, "--wait", "200ms", "--stable-for", "100ms"),
        ("restart", pid),
        ("restart", "-s", spec, "--apply"),  # nobody confirms it
        ("restart", "-s", spec, "-f", "json"),
        ("snapshot", pid),
        ("snapshot", "-s", spec),
        ("snapshot", f"cwd:{folder}", "--no-live"),
    ]


def test_a_record_and_what_is_said_of_it(planted: Planted) -> None:
    folder, spec = planted.server.folder, str(planted.spec)
    record = folder / "record.json"
    run("snapshot", str(planted.server.master), "-s", spec, "-o", str(record))

    assert not CANARIES.found(record.read_bytes())
    for command in (("check", "-s", spec), ("check", "-s", spec, "-f", "json"), ("check",)):
        ran = run(*command, "--snapshot", str(record), "--reveal", "*")
        assert ran.status in (1, 3)


def test_nothing_is_told(planted: Planted) -> None:
    told: dict[tuple[str, ...], Ran] = {argv: run(*argv) for argv in commands(planted)}

    folder = planted.server.folder
    worker = told["show", str(planted.server.workers[0])]
    names = set(worker.document["layers"]["live"]["variables"])
    expected = {"AWS_S3_BUCKET_NAME", "MY_SETTING", "FROM_ENVDIR", "SET_INSIDE", "LONG_TOKEN", "DB_PASSWORD"}
    assert expected <= names
    assert names >= ({"FROM_RAW_ENV"} if "True" in folder.name else {"FROM_ARGUMENT", "OTHER"})
    judged = told["check", "-s", str(planted.spec), "-f", "json"]
    assert judged.status == 1
    assert {f["variable"] for f in judged.app["findings"]} >= set(RULES)


def test_in_colour(planted: Planted) -> None:
    for argv in (("check", "-s", str(planted.spec)), ("show", str(planted.server.master)), ("ps",)):
        run(*argv, "--color", "always", "-f", "text", color=True)


def test_on_a_terminal(planted: Planted) -> None:
    status, text = on_terminal("check", "-s", str(planted.spec), columns=80)

    assert status == 1
    assert "\x1b[" in text


def test_as_another_user(planted: Planted) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for argv in commands(planted):
        # Whoever may not read the environment cannot know that a name on the command line is a secret of it.
        run(*argv, nobody=True, revealed=[planted.name])


def test_reveal_shows_that_one_alone(planted: Planted) -> None:
    bucket = planted.revealable
    for argv in (("show", str(planted.server.master)), ("check", "-s", str(planted.spec))):
        ran = run(*argv, "--reveal", "AWS_S3_BUCKET_NAME", revealed=[bucket])
        assert bucket in ran.out


WRONG: tuple[Sequence[str], ...] = (
    ("check", "--fail-on", "never", "-s", "{spec}"),
    ("check", "-s", "{spec}", "-f", "xml"),
    ("check", "-s", "{spec}", "-f", "json=/nowhere/report.json"),
    ("check", "-s", "{spec}", "--bogus"),
    ("check", "-s", "{folder}/default"),
    ("check", "-s", "{folder}/.env"),
    ("check", "-s", "{folder}/env.d"),
    ("check", "-s", "{folder}/env.d/API_TOKEN"),
    ("check", "-s", "{folder}/gunicorn.conf.py"),
    ("check", "pidfile:{folder}/env.d/API_TOKEN"),
    ("check", "pidfile:{folder}/default"),
    ("show", "file:{folder}/default"),
    ("show", "file:{folder}/default", "--dialect", "csv"),
    ("show", "file:{folder}/env.d", "--dialect", "systemd"),
    ("show", "file:{folder}/default", "--dialect", "envdir"),
    ("show",),
    ("what",),
)


@pytest.mark.parametrize("argv", WRONG, ids=" ".join)
def test_wrong_use(planted: Planted, argv: Sequence[str]) -> None:
    ran = run(*(word.format(spec=planted.spec, folder=planted.server.folder) for word in argv))

    assert ran.status in (2, 3)
    assert ran.error if argv[1:2] != ("pidfile",) and "pidfile" not in argv[-1] else ran.first


LITERALS = {
    "equals": "env: {{DB_PASSWORD: {0}}}",
    "harmless name": "env: {{MY_SETTING: {{equals: {1}, secret: true}}}}",
    "looks secret": "env: {{MY_SETTING: {1}}}",
    "one_of": "env: {{API_TOKEN: {{one_of: [a, {0}]}}}}",
    "pattern": "env: {{API_TOKEN: {{pattern: ^{0}$}}}}",
    "bad pattern": "env: {{MY_SETTING: {{pattern: '({0}'}}}}",
    "unknown key": "env: {{MY_SETTING: {{equal: {0}}}}}",
    "wrong type": "env: {{MY_SETTING: [{0}]}}",
    "severity": "env: {{MY_SETTING: {{severity: {0}}}}}",
    "flag": "env: {{MY_SETTING: {{required: {0}}}}}",
    "duplicate": "env: {{MY_SETTING: {0}, MY_SETTING: {0}}}",
    "no yaml": "env: {{MY_SETTING: {0}",
    "tag": "env: {{MY_SETTING: !!python/object:{0} x}}",
    "quotes": 'env: {{MY_SETTING: "{0}',
    "source": "sources: [{{file: {0}}}]",
    "match": "match: {{pid: {0}}}",
    "control": "env: {{MY_SETTING: {0}\x07}}",
}


@pytest.mark.parametrize("kind", LITERALS)
def test_spec_that_is_refused(home: Path, kind: str) -> None:
    body = LITERALS[kind].format(phrase(f"spec: {kind}"), token(f"spec: {kind}"))
    spec = home / "spec.yaml"
    spec.write_text(f"apps:\n  shop:\n    {body}\n")

    ran = run("check", "-s", str(spec))

    assert ran.status == 2
    assert f"{spec}:" in ran.error

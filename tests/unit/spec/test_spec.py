"""A spec as a whole: apps, matches and sources, and the form of an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.errors import SpecError
from envcheck.model import App, Match, Source, Spec, Stage
from envcheck.spec import load

CHECKS = Path(__file__).parents[3] / "checks"


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(text.encode(), "/etc/web.yaml")
    return str(caught.value)


def app(body: str) -> App:
    (only,) = load(f"apps:\n  web: {body}".encode(), "/etc/envcheck/web.yaml").apps
    return only


def test_a_whole_spec() -> None:
    text = """
version: 1
description: all of it
apps:
  web:
    description: the shop
    owner: '#shop'
    docs: https://example.test
    match: {server: [gunicorn, unicorn], cwd: /srv/web*, user: deploy}
    sources: [{envdir: /etc/web/env.d}]
  jobs:
"""
    match = Match(server=("gunicorn", "unicorn"), cwd=("/srv/web*",), user=("deploy",))
    source = Source("envdir", "/etc/web/env.d", Stage.EXEC)
    web = App("web", (match,), (source,), (), "the shop")
    assert load(text.encode(), "web.yaml") == Spec("web.yaml", (web, App("jobs", (), (), ())))


def test_a_list_of_matches() -> None:
    body = "{match: [{pid: 12, pidfile: /run/a.pid}, {cmdline: ['^a', b$]}]}"
    assert app(body).matches == (Match(pid=("12",), pidfile=("/run/a.pid",)), Match(cmdline=("^a", "b$")))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("envdir: /etc/env.d/", Source("envdir", "/etc/env.d", Stage.EXEC)),
        ("envdir: env.d", Source("envdir", "/etc/envcheck/env.d", Stage.EXEC)),
        (
            "envdir: ./a/../env.d, optional: yes",
            Source("envdir", "/etc/envcheck/env.d", Stage.EXEC, "", optional=True),
        ),
        ("file: /etc/default/web", Source("file", "/etc/default/web", Stage.EXEC, "systemd")),
        ("file: /etc/sysconfig/web", Source("file", "/etc/sysconfig/web", Stage.EXEC, "systemd")),
        ("file: /etc/default/web, dialect: shell", Source("file", "/etc/default/web", Stage.EXEC, "shell")),
        ("file: /w/.env, dialect: docker", Source("file", "/w/.env", Stage.EXEC, "docker")),
        ("file: /w/.env, dialect: dotenv-ruby", Source("file", "/w/.env", Stage.APPLICATION, "dotenv-ruby")),
        (
            "file: .env, dialect: dotenv-python",
            Source("file", "/etc/envcheck/.env", Stage.APPLICATION, "dotenv-python"),
        ),
    ],
)
def test_sources(source: str, expected: Source) -> None:
    assert app(f"{{sources: [{{{source}}}]}}").sources == (expected,)


def test_sources_may_be_found_out() -> None:
    assert app("{sources: auto}").sources == ()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("file: /srv/web/.env", "add 'dialect'"),
        ("file: /etc/default/../web.env", "add 'dialect'"),
        ("file: /a, dialect: bash", "must be one of"),
        ("file: /a, dialect: envdir", "must be one of"),
        ("envdir: /a, dialect: systemd", "'dialect' goes with 'file'"),
        ("envdir: /a, file: /b", "either an 'envdir' or a 'file'"),
        ("optional: true", "either an 'envdir' or a 'file'"),
        ("envdir: ../a", "below the folder"),
        ("envdir: a/../../b", "below the folder"),
        ("envdir: ~/env.d", "below the folder"),
        ("envdir: /a, optional: maybe", "must be one of"),
        ("gunicorn_conf: /a", "'gunicorn_conf' in a source is not supported by this version"),
        ("evndir: /a", "unknown key 'evndir' in a source (did you mean 'envdir'?)"),
        ("envdir: [/a]", "a text is expected"),
        ("envdir: ", "nothing is given"),
    ],
)
def test_sources_that_are_refused(source: str, says: str) -> None:
    assert says in refusal(f"apps: {{web: {{sources: [{{{source}}}]}}}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "1: a spec must be a mapping"),
        ("version: 1", "1: a spec needs 'apps'"),
        ("version: 2\napps: {web: ~}", "1: must be one of 1"),
        ("apps:", "1: 'apps' must be a mapping with at least one app"),
        ("version: 1\napps: {}", "2: 'apps' must be a mapping with at least one app"),
        ("\nincldue: x\napps: {a: ~}", "2: unknown key 'incldue' in a spec"),
        ("include: x\napps: {a: ~}", "1: 'include' in a spec is not supported by this version"),
        ("apps:\n  'a b': ~", "2: 'a b' is no name of an app: letters, digits, '.', '_', '@', '-'"),
        ("apps:\n  ä: ~", "2: '\\xe4' is no name of an app: letters, digits, '.', '_', '@', '-'"),
        ("apps:\n  web: hunter2", "2: an app must be a mapping"),
        ("apps:\n  web:\n    macth: {}", "3: unknown key 'macth' in an app (did you mean 'match'?)"),
        ("apps:\n  web:\n    extends: a", "3: 'extends' in an app is not supported by this version"),
        ("apps: {web: {match: {}}}", "1: a match needs at least one key"),
        ("apps: {web: {match: []}}", "1: a list with at least one item is expected here"),
        ("apps: {web: {match: unicorn}}", "1: a list with at least one item is expected here"),
        (
            "apps: {web: {match: {server: unicron}}}",
            "1: must be one of gunicorn, unicorn, any (did you mean 'unicorn'?)",
        ),
        ("apps: {web: {match: {unit: a}}}", "1: 'unit' in a match is not supported by this version"),
        ("apps: {web: {match: {pid: 12a}}}", "1: a process id is a number"),
        ("apps: {web: {match: {pidfile: a.pid}}}", "1: must be an absolute path"),
        (
            "apps: {web: {match: {cmdline: '(a'}}}",
            "1: is no regular expression: missing ), unterminated subpattern (at character 1)",
        ),
        ("apps: {web: {match: {user: {a: b}}}}", "1: a text is expected here"),
    ],
)
def test_a_refusal_is_one_line_with_file_and_line(text: str, message: str) -> None:
    assert refusal(text) == f"/etc/web.yaml:{message}"


def test_servers_are_those_of_the_caller() -> None:
    text = b"apps: {web: {match: {server: puma}}}"
    assert load(text, "web.yaml", servers=("puma",)).apps[0].matches[0].server == ("puma",)


def test_a_path_of_several_lines_is_shown_on_one() -> None:
    with pytest.raises(SpecError, match=r"^a\\nb:1: is empty$"):
        load(b"", "a\nb")


def test_a_caller_who_is_deep_already_gets_a_spec_error() -> None:
    def deeper() -> None:
        try:
            deeper()
        except RecursionError:
            load(b"apps: {web: {env: {A: b}}}", "web.yaml")

    with pytest.raises(SpecError, match=r"^web\.yaml:1: "):
        deeper()


def test_a_key_of_a_megabyte_is_shown_shortened() -> None:
    assert len(refusal("? " + "k" * 1_000_000 + "\n: a")) < 200


def test_there_are_packs() -> None:
    assert {p.name for p in CHECKS.iterdir()} >= {"README.md", "asset-manager.yaml"}
    assert {p.suffix for p in CHECKS.iterdir()} == {".md", ".yaml"}


@pytest.mark.parametrize("pack", sorted(CHECKS.glob("*.yaml")), ids=lambda p: p.name)
def test_every_pack_loads_and_is_described(pack: Path) -> None:
    spec = load(pack.read_bytes(), str(pack))
    assert all(a.description and a.matches and a.expectations for a in spec.apps)


KEYS = [
    "apps:",
    "web:",
    "env:",
    "match:",
    "sources:",
    "NAME:",
    "equals:",
    "one_of:",
    "pattern:",
    "secret:",
    "file:",
]
SIGNS = [*"[]{},-&*!|>%@'\":?#~(\t\\\0é1", "<<", "&a", "*a", "true", "/etc/default/a", "\n", "\n  ", "\n    "]
WORDS = st.lists(st.sampled_from(KEYS + SIGNS)).map(lambda words: " ".join(words).encode())


@given(st.one_of(st.binary(), st.text().map(str.encode), WORDS))
def test_nothing_but_a_spec_error_is_raised(content: bytes) -> None:
    try:
        load(content, "web.yaml")
    except SpecError as error:
        message = str(error)
        assert message.startswith("web.yaml:")
        assert message.isprintable()

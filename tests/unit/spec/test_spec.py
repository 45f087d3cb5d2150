"""A spec as a whole: apps, matches and sources, and the form of an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.errors import SpecError
from envcheck.model import App, Constraint, Count, Expectation, Match, Severity, Source, Spec, Stage, Waiver
from envcheck.shapes import Shape
from envcheck.sources import DIALECTS
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


def test_more_matches() -> None:
    body = (
        "{match: {unit: [web, 'web@*'], supervisor_program: web, container: web, listen: 80, port: [81],"
        " env_has: {A: b, C: d}, hosts: 'web-*'}}"
    )
    (match,) = app(body).matches
    assert match == Match(
        unit=("web", "web@*"),
        supervisor_program=("web",),
        container=("web",),
        listen=("80", "81"),
        env_has=("A=b", "C=d"),
        hosts=("web-*",),
    )


def test_what_an_app_has_besides() -> None:
    text = """
apps:
  web:
    workers: {min: 2}
    instances: 1
    options: {ignore: [X_*]}
    groups: [{all_or_none: [A, B]}, {name: one, exactly_one: [C, D], severity: warning}]
    env:
      aws: {any_of: [[A, B], [C]], secret: true, hint: do it}
    env_patterns: {"*_URL": {type: url}}
  jobs:
waivers:
  - {app: web, var: A, code: stale, hosts: a, reason: CHG-1234, expires: 2026-12-31, owner: me}
  - {reason: everywhere, expires: 2026-12-31}
"""
    web, jobs = load(text.encode(), "web.yaml").apps
    assert (web.workers, web.instances, web.ignore) == (Count(2), Count(1, 1), ("X_*",))
    assert web.constraints == (
        Constraint("aws", "any_of", (("A", "B"), ("C",)), secret=True, hint="do it"),
        Constraint("A B", "all_or_none", (("A",), ("B",))),
        Constraint("one", "exactly_one", (("C",), ("D",)), severity=Severity.WARNING),
    )
    assert web.patterns == (
        Expectation("*_URL", "required", optional=True, shapes=(Shape("type", ("url",)),)),
    )
    first = Waiver("CHG-1234", "2026-12-31", "web", "A", "stale", ("a",), "me")
    second = Waiver("everywhere", "2026-12-31")
    assert (web.waivers, jobs.waivers) == ((first, second), (second,))


def test_templates_lie_under_the_app() -> None:
    text = """
templates:
  aws: {workers: 2, env: {REGION: a, KEY: {secret: true}, OLD: x}}
  more: {env: {REGION: b, MORE: c}}
apps:
  web:
    extends: [aws, more]
    env: {KEY: ~, OLD: {severity: off}}
  jobs: {extends: aws, workers: 3}
"""
    web, jobs = load(text.encode(), "web.yaml").apps
    assert [(e.name, e.values, e.secret) for e in web.expectations] == [
        ("REGION", ("b",), None),
        ("KEY", (), None),
        ("MORE", ("c",), None),
    ]
    assert [e.name for e in jobs.expectations] == ["REGION", "KEY", "OLD"]
    assert (web.workers, jobs.workers) == (Count(2, 2), Count(3, 3))


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
        ("systemd: web", Source("systemd", "web.service", Stage.EXEC)),
        ("systemd: web@a.service", Source("systemd", "web@a.service", Stage.EXEC)),
        ("circus: sup/circus.ini", Source("circus", "/etc/envcheck/sup/circus.ini", Stage.EXEC)),
        ("supervisor: web", Source("supervisord", "web", Stage.EXEC)),
        ("upstart: web, optional: true", Source("upstart", "web", Stage.EXEC, optional=True)),
        (
            "file: .env, dialect: dotenv-python",
            Source("file", "/etc/envcheck/.env", Stage.APPLICATION, "dotenv-python"),
        ),
    ],
)
def test_sources(source: str, expected: Source) -> None:
    assert app(f"{{sources: [{{{source}}}]}}").sources == (expected,)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_can_be_named(dialect: str) -> None:
    assert app(f"{{sources: [{{file: /a, dialect: {dialect}}}]}}").sources[0].dialect == dialect


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
        ("systemd: /etc/systemd/system/web.service", "not a path"),
        ("systemd: web, dialect: systemd", "'dialect' goes with 'file'"),
        ("systemd: web, file: /a", "either an 'envdir' or a 'file'"),
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
        ("apps:\n  web:\n    extends: a", "3: there is no template 'a'"),
        (
            "templates: {rails: {env: {A: b}}}\napps: {web: {extends: rials}}",
            "2: there is no template 'rials' (did you mean 'rails'?)",
        ),
        (
            "templates: {a: {evn: {A: b}}}\napps: {web: ~}",
            "1: unknown key 'evn' in a template (did you mean 'env'?)",
        ),
        (
            "templates: {a: {extends: b}}\napps: {web: ~}",
            "1: 'extends' in a template is not supported by this version",
        ),
        ("templates: {}\napps: {web: ~}", "1: 'templates' must be a mapping with at least one app"),
        ("apps: {web: {extends: {a: b}}}", "1: a text is expected here"),
        ("apps: {web: {match: {}}}", "1: a match needs at least one key"),
        ("apps: {web: {match: []}}", "1: a list with at least one item is expected here"),
        ("apps: {web: {match: unicorn}}", "1: a list with at least one item is expected here"),
        (
            "apps: {web: {match: {server: unicron}}}",
            "1: must be one of gunicorn, unicorn, any (did you mean 'unicorn'?)",
        ),
        ("apps: {web: {match: {listen: 0}}}", "1: a port is a number from 1 to 65535"),
        ("apps: {web: {match: {env_has: [A]}}}", "1: 'env_has' must be a mapping of variables to values"),
        ("apps: {web: {workers: many}}", "1: a whole number, not below zero, is expected here"),
        ("apps: {web: {workers: {min: 3, max: 2}}}", "1: 'min' is above 'max': nothing fits"),
        ("apps: {web: {workers: {}}}", "1: a count is a number, or has 'min' or 'max'"),
        ("apps: {web: {groups: [{all_or_none: [A]}]}}", "1: a group has at least two variables"),
        (
            "apps: {web: {groups: [{all_or_none: [A, B], exactly_one: [A, B]}]}}",
            "1: a group has one of any_of, all_or_none, exactly_one, at_least_one",
        ),
        (
            "apps: {web: {options: {unexpected: error}}}",
            "1: 'unexpected' in the options is not supported by this version",
        ),
        (
            "apps: {web: ~}\nwaivers: [{reason: known, expires: 2026-01-01}]",
            "2: a reason has at least 8 characters",
        ),
        ("apps: {web: ~}\nwaivers: [{reason: CHG-12345}]", "2: a waiver needs 'expires'"),
        ("apps: {web: ~}\nwaivers: [{reason: CHG-12345, expires: 2026-02-30}]", "2: there is no such day"),
        (
            "apps: {web: ~}\nwaivers: [{reason: CHG-12345, expires: tomorrow}]",
            "2: a day is written YYYY-MM-DD",
        ),
        (
            "apps: {web: ~}\nwaivers: [{reason: CHG-12345, expires: 2026-01-01, app: wbe}]",
            "2: a waiver is for 'wbe', which is no app here (did you mean 'web'?)",
        ),
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

"""What is expected of a variable."""

from __future__ import annotations

import pytest

from envcheck.errors import SpecError
from envcheck.model import Expectation, Severity
from envcheck.spec import load


def rules(text: str) -> tuple[Expectation, ...]:
    return load(f"apps:\n web:\n  env:\n   {text}".encode(), "web.yaml").apps[0].expectations


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        rules(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("~", Expectation("N", "required")),
        ("null", Expectation("N", "required")),
        ("", Expectation("N", "required")),
        ("'~'", Expectation("N", "equals", ("~",))),
        ('""', Expectation("N", "equals", ("",))),
        ("NULL", Expectation("N", "equals", ("NULL",))),
        ("yes", Expectation("N", "equals", ("yes",))),
        ("0755", Expectation("N", "equals", ("0755",))),
        ("2020-13-45", Expectation("N", "equals", ("2020-13-45",))),
        ("{equals: on}", Expectation("N", "equals", ("on",))),
        ("{equals: ''}", Expectation("N", "equals", ("",))),
        ("{one_of: [1, no, 1.10]}", Expectation("N", "one_of", ("1", "no", "1.10"))),
        ("{pattern: '^a+$'}", Expectation("N", "pattern", pattern="^a+$")),
        ("{pattern: '^a$', required: true}", Expectation("N", "pattern", pattern="^a$")),
        ("{required: true}", Expectation("N", "required")),
        ("{required: on, desc: x}", Expectation("N", "required")),
        ("{required: no}", Expectation("N", "optional", optional=True)),
        ("{required: false, equals: a}", Expectation("N", "equals", ("a",), optional=True)),
        ("{required: false, pattern: a}", Expectation("N", "pattern", pattern="a", optional=True)),
        ("{forbidden: true}", Expectation("N", "forbidden")),
        ("{desc: d, docs: e, owner: f}", Expectation("N", "required")),
        ("{hint: do this}", Expectation("N", "required", hint="do this")),
        ("{severity: warning}", Expectation("N", "required", severity=Severity.WARNING)),
        ("{secret: true}", Expectation("N", "required", secret=True)),
        ("{secret: auto}", Expectation("N", "required")),
        ("{secret: false, equals: a}", Expectation("N", "equals", ("a",), secret=False)),
        ("{allow_empty: false}", Expectation("N", "required", allow_empty=False)),
    ],
)
def test_rules(rule: str, expected: Expectation) -> None:
    assert rules(f"N: {rule}") == (expected,)


def test_a_rule_that_is_off_is_dropped() -> None:
    assert rules("A: {severity: off}\n   B: ~") == (Expectation("B", "required"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("N: {requird: true}", "unknown key 'requird' in a rule (did you mean 'required'?)"),
        ("N: {example: a}", "'example' in a rule is not supported by this version"),
        ("N: {not: {equals: a}}", "'not' in a rule is not supported by this version"),
        ("N: {required: maybe}", "must be one of true, yes, on, false, no, off"),
        ("N: {required: [true]}", "a text is expected here"),
        ("N: {severity: warn}", "must be one of error, warning, info, off (did you mean 'warning'?)"),
        ("N: {secret: 1}", "must be one of"),
        ("N: {one_of: a}", "a list with at least one item"),
        ("N: {one_of: []}", "a list with at least one item"),
        ("N: {equals: }", "nothing is given here"),
        ("N: {}", "the rule of 'N' must be a text, '~' or a mapping with keys"),
        ("N: [a]", "the rule of 'N' must be a text, '~' or a mapping with keys"),
        ("N: {forbidden: false}", "'forbidden' is true or not there"),
        ("'': a", "'' is no name of a variable"),
        ("'A=B': a", "'A=B' is no name of a variable"),
        ('"A\\0": a', "NUL"),
        ("N: a\n   N: b", "duplicate key 'N', first in line 4"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize(
    "rule", ["required: true", "required: false", "equals: a", "one_of: [a]", "pattern: a"]
)
def test_forbidden_goes_with_nothing(rule: str) -> None:
    assert "'N': 'forbidden' and" in refusal(f"N:\n    forbidden: true\n    {rule}")
    assert refusal(f"N:\n    {rule}\n    forbidden: true").startswith("web.yaml:6:")


@pytest.mark.parametrize(
    "rule", ["equals: a, one_of: [a]", "equals: a, pattern: a", "one_of: [a], pattern: a"]
)
def test_one_value_rule_at_most(rule: str) -> None:
    assert "exclude each other" in refusal(f"N: {{{rule}}}")


@pytest.mark.parametrize(
    "pattern",
    [
        "(a",
        "a**",
        "*",
        "[[:alpha:]]",
        "a{99999999999}",
        "(?P<hunter2>a)(?P<hunter2>b)",
        "\\N{hunter2}",
        "(?<a)",
        "a" * 1001,
    ],
)
def test_patterns_that_are_refused(pattern: str) -> None:
    message = refusal(f"N: {{pattern: '{pattern}'}}")
    assert message.startswith("web.yaml:4: ")
    assert "hunter2" not in message


VALUE = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        f"DB_PASSWORD: {VALUE}",
        f"DB_PASSWORD: '{VALUE}'",
        f"DB_PASSWORD: {{equals: {VALUE}}}",
        f"DB_PASSWORD: {{one_of: [~, {VALUE}]}}",
        f"DB_PASSWORD: {{pattern: '^{VALUE}$'}}",
        "DB_PASSWORD: {pattern: '\\Acorrect\\-horse\\-battery\\Z'}",
        f"DB_PASSWORD: {{equals: {VALUE}, secret: auto}}",
        f"DB_PASSWORD: {{equals: {VALUE}, severity: off}}",
        f"COLOUR: {{equals: {VALUE}, secret: true}}",
        f"COLOUR: {{one_of: [{VALUE}], secret: yes}}",
        f"DATABASE: postgres://web:{VALUE}@db/web",
        f"DATABASE: {{equals: 'postgres://web:{VALUE}@db/web', secret: false}}",
    ],
)
def test_no_value_of_a_secret(text: str) -> None:
    message = refusal(text)
    assert message.startswith(f"web.yaml:4: '{text.partition(':')[0]}' is secret, or looks it")
    assert "correct" not in message


@pytest.mark.parametrize(
    "rule",
    [
        "~",
        "{secret: true}",
        "{pattern: '^AKIA[0-9A-Z]{16}$'}",
        "{pattern: '^sk_'}",
        "{secret: false, equals: none}",
    ],
)
def test_what_may_be_said_of_a_secret(rule: str) -> None:
    assert len(rules(f"API_TOKEN: {rule}")) == 1


def test_the_line_is_that_of_the_literal() -> None:
    assert refusal(f"DB_PASSWORD:\n    desc: x\n    equals: {VALUE}").startswith("web.yaml:6: ")

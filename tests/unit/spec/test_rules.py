"""What is expected of a variable."""

from __future__ import annotations

import pytest

from envcheck.errors import SpecError
from envcheck.model import Condition, Constraint, Expectation, Severity
from envcheck.shapes import Shape
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
        (
            "{type: int, min: 1}",
            Expectation("N", "required", shapes=(Shape("type", ("int",)), Shape("min", ("1",)))),
        ),
        (
            "{schemes: [HTTPS, 'http://']}",
            Expectation("N", "required", shapes=(Shape("schemes", ("https", "http")),)),
        ),
        (
            "{pattern: a, max_length: 3}",
            Expectation("N", "pattern", pattern="a", shapes=(Shape("max_length", ("3",)),)),
        ),
        (
            "{not: {equals: a, prefix: b}}",
            Expectation(
                "N",
                "required",
                shapes=(Shape("not", (), ((Shape("equals", ("a",)), Shape("prefix", ("b",))),)),),
            ),
        ),
        (
            "{required: no, any_of: [{equals: a}, {type: int}]}",
            Expectation(
                "N",
                "optional",
                optional=True,
                shapes=(Shape("any_of", (), ((Shape("equals", ("a",)),), (Shape("type", ("int",)),))),),
            ),
        ),
        ("{deprecated: use M}", Expectation("N", "forbidden", severity=Severity.WARNING, hint="use M")),
        ("{example: a, tags: [a, b]}", Expectation("N", "required")),
    ],
)
def test_rules(rule: str, expected: Expectation) -> None:
    assert rules(f"N: {rule}") == (expected,)


def constraints(text: str) -> tuple[Constraint, ...]:
    return load(f"apps:\n web:\n  env:\n   {text}".encode(), "web.yaml").apps[0].constraints


def test_what_hangs_on_other_variables() -> None:
    conditions = "{A: b, C: ~, D: {set: false}, E: {type: int}}"
    (found,) = constraints(f"N: {{required_when: {conditions}, hint: do}}")
    when = (
        Condition("A", shapes=(Shape("equals", ("b",)),)),
        Condition("C"),
        Condition("D", present=False),
        Condition("E", shapes=(Shape("type", ("int",)),)),
    )
    assert found == Constraint("N", "required_when", (("N",),), when, hint="do")
    assert found.members == ("N", "A", "C", "D", "E")
    assert rules(f"N: {{required_when: {conditions}}}")[0].optional
    assert constraints("N: {equals_var: M}") == (Constraint("N", "equals_var", (("N",), ("M",))),)


def test_alternatives_are_no_variable() -> None:
    assert rules("aws: {any_of: [[A, B], C]}\n   A: ~") == (Expectation("A", "required"),)
    assert constraints("aws: {any_of: [[A, B], C]}") == (Constraint("aws", "any_of", (("A", "B"), ("C",))),)
    assert constraints("aws: {any_of: [[A, B], C], severity: off}") == ()


def test_a_part_of_a_value_that_is_a_secret_itself() -> None:
    message = refusal("URL: {prefix: 'postgres://web:correct-horse-battery@db'}")
    assert "looks like a secret" in message
    assert "correct" not in message


def test_a_rule_that_is_off_is_dropped() -> None:
    assert rules("A: {severity: off}\n   B: ~") == (Expectation("B", "required"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("N: {requird: true}", "unknown key 'requird' in a rule (did you mean 'required'?)"),
        ("N: {fingerprint: a}", "'fingerprint' in a rule is not supported by this version"),
        ("N: {not: {}}", "a comparison needs at least one key"),
        ("N: {not: {required: true}}", "unknown key 'required' in a comparison"),
        ("N: {any_of: []}", "a list with at least one item"),
        ("N: {any_of: [A]}", "at least two sets of variables"),
        ("N: {any_of: [[A], [B]], type: int}", "unknown key 'type' in a group"),
        ("N: {type: integer}", "must be one of string, bool, int"),
        ("N: {type: dir}", "the type 'dir' is not supported by this version"),
        ("N: {min: a}", "a number is expected here"),
        ("N: {min: 3, max: 2}", "'min' is above 'max': nothing fits"),
        ("N: {min_length: -1}", "a whole number, not below zero"),
        ("N: {equals: a, type: int}", "'equals' and 'type' exclude each other"),
        ("N: {required: true, required_when: {A: b}}", "'required' and 'required_when' exclude each other"),
        ("N: {required_when: {}}", "'required_when' must be a mapping"),
        ("N: {equals_var: 'A=B'}", "'A=B' is no name of a variable"),
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
        f"COLOUR: {{example: {VALUE}, secret: true}}",
        f"COLOUR: {{any_of: [{{equals: {VALUE}}}], secret: true}}",
        f"COLOUR: {{not: {{one_of: [{VALUE}]}}, secret: true}}",
        f"COLOUR: {{any_of: [{{pattern: '^{VALUE}$'}}], secret: true}}",
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

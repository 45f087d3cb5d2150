"""Records are judged as their hosts are, hold no secret, and cannot break what reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import build
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from unit.test_cases import CASES, files, process, spec

from envcheck import record, tokens
from envcheck.errors import RecordError
from envcheck.judge import judge
from envcheck.judge.hidden import token
from envcheck.model import App, Expectation, HostReport, Match, Report, Snapshot, Source, Spec, Stage
from envcheck.noise import same
from envcheck.record.codec import is_list, is_object
from envcheck.report import FORMATS, format_named
from envcheck.secrecy import Policy

Path_ = tuple[Any, ...]  # keys and numbers that lead to a place in a document

KEY = bytes(range(32))
HIDING = Policy(key=KEY)
OTHER = Policy(key=bytes(32))


def recorded(
    snapshot: Snapshot, spec: Spec | None = None, policy: Policy = HIDING, *, kept: bool = True
) -> Snapshot:
    """Record a snapshot, and read it again from its text."""
    kept_of = record.redacted(snapshot, snapshot.servers, spec, policy, kept=kept)
    return record.load(record.dump(kept_of, "0").encode(), "/record.json")


def said(report: Report) -> Any:
    """Give all that a report says, but for what can only be said of a value that is not hidden."""
    document = json.loads(format_named("json").render(report))
    for host in document["hosts"]:
        host.pop("taken", None)
    return document


def of_case(path: Path) -> tuple[Snapshot, Spec | None]:
    case = yaml.safe_load(path.read_text())
    processes = [process(p, case.get("server", "gunicorn")) for p in case["processes"]]
    return build.snapshot(*processes, files=files(case.get("files", {}))), spec(case)


# --- what is judged ----------------------------------------------------------------------------------


# Whose rules ask for the shape of a value: that cannot be seen in a fingerprint.
SHAPED = [path for path in CASES if path.stem == "shapes"]


@pytest.mark.parametrize("path", SHAPED, ids=lambda path: path.stem)
def test_the_shape_of_a_hidden_value_is_not_guessed(path: Path) -> None:
    snapshot, expected = of_case(path)

    [app] = judge(recorded(snapshot, expected), expected, [], HIDING).hosts[0].apps

    found = {f.variable: (str(f.diagnosis), str(f.cause)) for f in app.findings}
    assert found["TOKEN"] == found["DATABASE_URL"] == ("undecided", "hidden")
    assert found["OLD"] == ("misconfigured", "wrong-value")


@pytest.mark.parametrize("path", [p for p in CASES if p not in SHAPED], ids=lambda path: path.stem)
def test_a_record_is_judged_as_the_host_is(path: Path) -> None:
    snapshot, expected = of_case(path)

    live = judge(snapshot, expected, [], HIDING)
    later = judge(recorded(snapshot, expected), expected, [], HIDING)

    assert said(later) == said(live)
    assert later.hosts[0].taken == snapshot.taken


def one(*rules: Expectation, has: Mapping[str, str], configured: Mapping[str, str]) -> tuple[Snapshot, Spec]:
    """Make a server that has one environment, with another configured for it."""
    source = Source("envdir", "/etc/shop", Stage.EXEC)
    app = App("shop", (Match(cwd=("/srv/shop",)),), (source,), rules)
    folder = build.folder(build.NOW - 500, **{n: (v, build.NOW - 500) for n, v in configured.items()})
    return build.snapshot(build.gunicorn(10, at_exec=has), files={"/etc/shop": folder}), Spec("/s", (app,))


def outcome(record_: Snapshot, spec_: Spec, policy: Policy) -> tuple[str, str | None, int]:
    report = judge(record_, spec_, [], policy)
    [finding] = [f for f in report.hosts[0].apps[0].findings if f.variable == "COLOUR"]
    return str(finding.diagnosis), finding.cause and str(finding.cause), report.exit_code


EQUALS = Expectation("COLOUR", "equals", ("green",))
PATTERN = Expectation("COLOUR", "pattern", pattern="^g")


@pytest.mark.parametrize(
    ("rule", "policy", "expected"),
    [
        (EQUALS, HIDING, ("in-sync", None, 0)),
        (EQUALS._replace(values=("red", "blue"), rule="one_of"), HIDING, ("misconfigured", "wrong-value", 1)),
        (EQUALS, OTHER, ("undecided", "hidden", 3)),
        (PATTERN, HIDING, ("undecided", "hidden", 3)),
        (Expectation("COLOUR", "required"), OTHER, ("in-sync", None, 0)),
        (Expectation("COLOUR", "forbidden"), OTHER, ("misconfigured", "wrong-value", 1)),
    ],
    ids=["equals", "one-of-wrong", "equals-with-another-key", "pattern", "required", "forbidden"],
)
def test_rules_about_hidden_values(
    rule: Expectation, policy: Policy, expected: tuple[str, str | None, int]
) -> None:
    snapshot, asked = one(rule, has={"COLOUR": "green"}, configured={"COLOUR": "green"})

    assert outcome(recorded(snapshot, asked), asked, policy) == expected


def test_what_differs_from_the_configuration_is_undecided_where_the_rule_cannot_be_judged() -> None:
    snapshot, asked = one(EQUALS, has={"COLOUR": "red"}, configured={"COLOUR": "green"})

    assert outcome(recorded(snapshot, asked), asked, OTHER) == ("undecided", "hidden", 3)
    assert outcome(recorded(snapshot, asked), asked, HIDING)[0] == "stale"


def test_a_value_that_may_be_shown_is_judged_by_any_rule() -> None:
    pattern = PATTERN._replace(secret=False)
    snapshot, asked = one(pattern, has={"COLOUR": "green"}, configured={"COLOUR": "green"})

    assert outcome(recorded(snapshot, asked), asked, OTHER) == ("in-sync", None, 0)


def test_a_source_that_only_the_later_spec_names_is_a_gap() -> None:
    snapshot, asked = one(
        Expectation("COLOUR", "required"), has={"COLOUR": "green"}, configured={"COLOUR": "green"}
    )

    report = judge(recorded(snapshot._replace(files={})), asked, [], HIDING)

    assert report.exit_code == 3
    [gap] = report.hosts[0].gaps
    assert gap.what == "/etc/shop"
    assert "snapshot -s" in gap.why


# --- what is hidden ----------------------------------------------------------------------------------

SECRET = "c4nary-Zq81-synthetic"


def test_no_secret_is_in_a_record() -> None:
    has = {"DB_PASSWORD": SECRET, "COLOUR": "chartreuse-value", "RAILS_ENV": "production"}
    snapshot, asked = one(has=has, configured=has)
    master = build.gunicorn(
        10, 1, "app:app", f"--name={SECRET}", at_exec=has, cwd="/srv/shop", stdout=f"/var/log/{SECRET}.log"
    )
    snapshot = snapshot._replace(
        servers=build.snapshot(master).servers, ancestors={1: build.process(1, ("init", SECRET), at_exec=has)}
    )

    text = record.dump(record.redacted(snapshot, snapshot.servers, asked, HIDING, kept=True), "0")

    assert SECRET not in text
    assert "chartreuse-value" not in text
    assert "production" in text
    assert KEY.hex() not in text


def test_equal_values_have_equal_tokens_under_one_key_only() -> None:
    assert token(HIDING, "COLOUR", "green") == token(HIDING, "COLOUR", "green")
    assert token(HIDING, "COLOUR", "green") != token(HIDING, "COLOUR", "red")
    assert token(HIDING, "COLOUR", "green") != token(OTHER, "COLOUR", "green")
    assert token(HIDING, "COLOUR", "green") != token(HIDING, "TASTE", "green")


def test_what_looks_like_a_token_is_hidden_as_well() -> None:
    forged = str(tokens.Token(3, "0123456789abcdef"))

    assert token(HIDING, "RAILS_ENV", forged) not in (forged, "")
    assert not HIDING._replace(reveal=("*",)).may_show("RAILS_ENV", forged)


def test_that_a_value_is_empty_is_kept() -> None:
    assert not token(HIDING, "DB_PASSWORD", "")


def test_a_list_is_hidden_part_by_part() -> None:
    """A wrapper puts folders of its own around it: that is no difference."""
    configured = token(HIDING, "MANPATH", "/opt/a:/opt/b")
    running = token(HIDING, "MANPATH", "/home/x:/opt/a:/opt/b")

    assert "/opt" not in configured
    assert same("MANPATH", configured, running)
    assert not same("MANPATH", token(HIDING, "MANPATH", "/opt/c"), running)


def test_a_hidden_value_is_displayed_as_at_the_host() -> None:
    assert HIDING.display("COLOUR", token(HIDING, "COLOUR", "green")) == HIDING.display("COLOUR", "green")
    assert OTHER.as_json("COLOUR", token(HIDING, "COLOUR", "green")) == HIDING.as_json("COLOUR", "green")


# --- what is not trusted -----------------------------------------------------------------------------


def whole() -> dict[str, Any]:
    has = {"COLOUR": "red", "RAILS_ENV": "\udcff", "PATH": "/bin", "DB_PASSWORD": SECRET}
    snapshot, asked = one(EQUALS, has=has, configured={"COLOUR": "green"})
    kept = record.redacted(snapshot, snapshot.servers, asked, HIDING, kept=True)
    document: dict[str, Any] = json.loads(record.dump(kept, "0"))
    return document


WHOLE = whole()
ASKED = one(EQUALS, PATTERN._replace(name="RAILS_ENV"), has={}, configured={})[1]


def places(value: Any, path: Path_ = ()) -> list[Path_]:
    """List the paths of everything in a document."""
    inner: list[tuple[Any, Any]] = []
    if is_object(value):
        inner = list(value.items())
    elif is_list(value):
        inner = list(enumerate(value))
    return [path, *(p for key, item in inner for p in places(item, (*path, key)))]


PLACES = places(WHOLE)[1:]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=30),
    st.sampled_from([10**400, -1, "\0" + "5,0123456789abcdef", "\ud800", "../../x", "unicorn", "denied"]),
)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def changed(document: Any, path: Path_, value: Any) -> Any:
    """Copy a document with another value at one place."""
    if not path:
        return value
    copy: Any = document.copy()
    copy[path[0]] = changed(document[path[0]], path[1:], value)
    return copy


def survives(content: bytes) -> None:
    """Load, judge and print: it works, or it is refused in one line."""
    try:
        snapshot = record.load(content, "/r.json")
    except RecordError as error:
        refused = error
    else:
        for expected in (None, ASKED):
            report = judge(snapshot, expected, [], HIDING)
            for name in FORMATS:
                text = format_named(name).render(report)
                assert not any(ord(c) < 32 and c != "\n" for c in text)
        return
    assert str(refused).isprintable()


@example(("recorded", 1, "configured", "settings", "COLOUR"), [])  # a variable that nothing sets
@given(st.sampled_from(PLACES), JSONS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_change_of_a_record_breaks_it(path: Path_, value: Any) -> None:
    survives(json.dumps(changed(WHOLE, path, value)).encode())


@given(st.binary(max_size=200) | JSONS.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=100, deadline=None)
def test_what_is_no_record_is_refused(content: bytes) -> None:
    with pytest.raises(RecordError):
        record.load(content, "/r.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "envcheck.snapshot/2"}, "another version"),
        ({"schema": "else"}, "schema is not"),
        ({"envcheck": None}, "which envcheck"),
        ({"key": None}, "key"),
        ({"more": 1}, "keys that this version does not know"),
        ({"answers": {}}, "keys that this version does not know"),
        ({"taken": float("nan")}, "no moment"),
        ({"taken": 1e300}, "no moment"),
        ({"servers": 5}, "not a list"),
        ({"host": " "}, "host: it has no name"),
    ],
    ids=str,
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        record.load(json.dumps({**WHOLE, **change}).encode(), "/r.json")


def test_values_without_end_are_refused_unread() -> None:
    """Each takes many times the room that it has in the file."""
    content = json.dumps(WHOLE).encode()[:-1] + b',"more":[' + b"[]," * 1_000_000 + b"0]}"
    with pytest.raises(RecordError, match="too many values"):
        record.load(content, "/r.json")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RecordError):
        record.load(b'{"a":' * 100_000, "/r.json")


def test_a_record_survives_its_text() -> None:
    content = json.dumps(WHOLE).encode()
    again = record.load(content, "/r.json")

    assert json.loads(record.dump(again, "0")) == WHOLE


def test_hosts_that_are_well_are_counted_and_the_others_told() -> None:
    snapshot, asked = one(has={"COLOUR": "red"}, configured={"COLOUR": "green"})
    fine, _ = one(has={"COLOUR": "green"}, configured={"COLOUR": "green"})
    hosts: list[HostReport] = []
    for i, seen in enumerate([fine, snapshot, fine]):
        hosts += judge(recorded(seen._replace(host=f"web-{i}"), asked), asked, [], HIDING).hosts

    text = format_named("text").render(Report(tuple(hosts), 1, build.NOW + 7200))

    assert text.startswith("STALE: 1 of 3 hosts; 2 in sync\n")
    assert "the oldest is of web-0, seen at 2027-01-15T08:00:00Z, 2 hours ago" in " ".join(text.split())
    assert "web-2" not in text


def test_a_report_on_one_record_says_when_it_was_taken() -> None:
    snapshot, asked = one(has={"COLOUR": "red"}, configured={"COLOUR": "green"})
    [host] = judge(recorded(snapshot, asked), asked, [], HIDING).hosts

    lines = format_named("text").render(Report((host,), 1, build.NOW + 7200)).splitlines()

    assert lines[0].startswith("STALE: ")
    assert "workers) seen at 2027-01-15T08:00:00Z, 2 hours ago" in " ".join(" ".join(lines).split())

"""Default-deny, fingerprints, and known secrets in other texts."""

import base64
import json
import urllib.parse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envcheck.secrecy import MASK, Policy, looks_secret, redact

KEY = b"k" * 32
POLICY = Policy(KEY)
NAMES = st.text(alphabet=st.characters(exclude_characters="\0=", codec="utf-8"), min_size=1)
VALUES = st.binary().map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
LONG_VALUES = VALUES.filter(lambda value: len(value) >= 6)

SHOWN = {
    "RAILS_ENV": "production",
    "RACK_ENV": "production",
    "NODE_ENV": "production",
    "DJANGO_SETTINGS_MODULE": "project.settings.production",
    "PORT": "3037",
    "HOST": "0.0.0.0",
    "LANG": "en_GB.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LC_CTYPE": "C",
    "TZ": "Europe/London",
    "HOME": "/home/deploy",
    "USER": "deploy",
    "LOGNAME": "deploy",
    "SHELL": "/bin/bash",
    "PATH": "/opt/rbenv/shims:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PWD": "/var/apps/asset-manager",
    "OLDPWD": "/",
    "TERM": "xterm-256color",
    "PYTHONPATH": "/srv/app:/srv/app/lib",
    "GEM_HOME": "/usr/local/bundle",
    "BUNDLE_GEMFILE": "/var/apps/asset-manager/Gemfile",
    "BUNDLE_WITHOUT": "development:test",
    "WEB_CONCURRENCY": "4",
    "RAILS_LOG_TO_STDOUT": "1",
    "GOVUK_APP_NAME": "asset-manager",
    "GOVUK_APP_ROOT": "/var/apps/asset-manager",
    "MALLOC_ARENA_MAX": "2",
    "GUNICORN_FD": "5,6",
    "GUNICORN_PID": "4711",
    "UNICORN_FD": "10",
    "SERVER_SOFTWARE": "gunicorn/23.0.0",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "VIRTUAL_ENV": "/srv/app/venv",
    "RUBYOPT": "-rbundler/setup",
    "_": "/usr/bin/env",
}
HIDDEN = {
    "SECRET_KEY_BASE": "x",
    "RAILS_MASTER_KEY": "x",
    "DJANGO_SECRET_KEY": "x",
    "DATABASE_URL": "postgres://db/app",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_S3_BUCKET_NAME": "assets",
    "SOMETHING": "unknown",
    "BUNDLE_GEMS__CONTRIBSYS__COM": "a:b",
    "BUNDLE_SOMETHING": "https://u:" + "p@gems.example",
    "GUNICORN_CMD_ARGS": "--bind :80",
    "HOME": "AKIA" + "A" * 16,
    "PORT": "postgres://u:" + "p@db/app",
    "": "",
}


@pytest.mark.parametrize(("name", "value"), SHOWN.items())
def test_harmless_variables_are_shown(name: str, value: str) -> None:
    assert POLICY.may_show(name, value)
    assert POLICY.display(name, value) == value
    assert POLICY.as_json(name, value) == value


@pytest.mark.parametrize(("name", "value"), HIDDEN.items())
def test_all_others_are_hidden(name: str, value: str) -> None:
    assert not POLICY.may_show(name, value)


@pytest.mark.parametrize(
    ("policy", "name", "value", "shown"),
    [
        (Policy(KEY, reveal=("DB_*",)), "DB_PASSWORD", "x", True),
        (Policy(KEY, reveal=("DB_*",)), "db_password", "x", False),
        (Policy(KEY, reveal=("*",)), "ANY\nTHING", "AKIA" + "A" * 16, True),
        (Policy(KEY, reveal=("PORT",), secret=frozenset({"PORT"})), "PORT", "1", True),
        (Policy(KEY, secret=frozenset({"PORT"})), "PORT", "1", False),
        (Policy(KEY, shown=frozenset({"BUCKET"})), "BUCKET", "assets", True),
        (Policy(KEY, shown=frozenset({"BUCKET"})), "BUCKET", "AKIA" + "A" * 16, False),
        (Policy(KEY, shown=frozenset({"API_KEY"})), "API_KEY", "x", False),
        (Policy(KEY, shown=frozenset({"A"}), secret=frozenset({"A"})), "A", "x", False),
    ],
)
def test_what_the_user_and_the_spec_say(policy: Policy, name: str, value: str, *, shown: bool) -> None:
    assert policy.may_show(name, value) is shown


def test_display_of_what_is_hidden() -> None:
    """The length is in bytes, as the JSON has it."""
    value = "é\udcff"
    fingerprint = POLICY.fingerprint("SECRET", value)
    assert POLICY.display("SECRET", value) == f"<hidden len=3 fp={fingerprint}>"
    assert POLICY.as_json("SECRET", value) == {"hidden": True, "length": 3, "fingerprint": fingerprint}


def test_a_nul_is_no_token() -> None:
    """A file may have one: it is revealed as any other value, and else has a fingerprint under the key."""
    value = "a\0b"
    assert POLICY._replace(reveal=("*",)).display("SECRET", value) == r"a\x00b"
    assert POLICY._replace(reveal=("*",)).as_json("SECRET", value) == value
    assert POLICY.token("SECRET", value) == (3, POLICY.fingerprint("SECRET", value))
    assert POLICY.token("SECRET", value) != Policy(b"1" * 32).token("SECRET", value)


def test_json_of_what_is_no_text() -> None:
    assert POLICY.as_json("HOME", "/\udcff\udcfe") == {"b64": base64.b64encode(b"/\xff\xfe").decode()}
    assert POLICY.as_json("HOME", "/é\n") == "/é\n"


def test_display_escapes() -> None:
    assert POLICY.display("HOME", "/\x1b[2J\n") == r"/\x1b[2J\n"


@given(NAMES, LONG_VALUES)
def test_a_hidden_value_is_nowhere(name: str, value: str) -> None:
    assume(not POLICY.may_show(name, value))
    constant = "<hidden len= fp=> " + json.dumps({"hidden": True, "length": 0, "fingerprint": ""})
    assume(value not in constant and value not in POLICY.fingerprint(name, value))
    assert value not in POLICY.display(name, value)
    assert value not in json.dumps(POLICY.as_json(name, value))
    assert value not in repr(POLICY)


@given(NAMES, VALUES, NAMES, VALUES)
def test_fingerprints_are_equal_for_equal_values_only(
    name: str, value: str, other: str, another: str
) -> None:
    one = POLICY.fingerprint(name, value)
    assert len(bytes.fromhex(one)) == 8
    assert one == POLICY.fingerprint(name, value)
    assert (one == POLICY.fingerprint(other, another)) == ((name, value) == (other, another))
    assert one != Policy(b"l" * 32).fingerprint(name, value)


def test_the_key_is_not_in_the_representation() -> None:
    assert "kkk" not in repr(POLICY)
    assert looks_secret("TOKEN")


# --- known secrets -----------------------------------------------------------------------------------

SECRET = "cor/rect+horse é"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote(SECRET, safe="").lower(),
        urllib.parse.quote_plus(SECRET),
    ],
)
def test_redact(form: str) -> None:
    assert redact(f"before {form} after", [SECRET]) == f"before {MASK} after"


@given(st.binary(max_size=8), st.binary(min_size=6, max_size=40), st.binary(max_size=8))
def test_redact_within_base64(before: bytes, secret: bytes, after: bytes) -> None:
    """user:password of basic authentication: wherever the secret begins."""
    known = secret.decode("utf-8", "surrogateescape")
    assume(len(known) >= 6)
    assert MASK in redact(base64.b64encode(before + secret + after).decode(), [known])


def test_redact_overlapping() -> None:
    assert redact("xabcdefghix", ["abcdef", "defghi"]) == f"x{MASK}x"
    assert redact("abcdefabcdef", ["abcdef", "abcdefabc"]) in (MASK, MASK * 2)


def test_redact_leaves_the_rest() -> None:
    assert redact("nothing to see", ["short", "absent-one"]) == "nothing to see"
    assert redact("a short one", ["short"]) == "a short one"


@given(st.text(), st.lists(LONG_VALUES))
def test_redacted_text_has_no_secret(text: str, secrets: list[str]) -> None:
    assume(not any(set(secret) <= {"*"} for secret in secrets))
    mixed = text + text.join(secrets)
    assert not any(secret in redact(mixed, secrets).split(MASK) for secret in secrets)


def test_secrets_of_an_environment() -> None:
    variables = {
        "DB_PASSWORD": "hunter22",
        "SHORT_SECRET": "abc",
        "APP_HOME": "/srv/app",
        "SECRET_FILE": "/run/credentials",
        "UNKNOWN": "something",
        "PWD": "/srv/project",
        "APPLICATION": "production",
        "RAILS_ENV": "production",
    }
    assert POLICY.secrets(variables) == ("hunter22", "/run/credentials", "something")
    assert Policy(KEY, reveal=("*",)).secrets(variables) == ()

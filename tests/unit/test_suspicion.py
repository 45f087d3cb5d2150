"""What looks like a secret. Everything here that looks like one is put together at run time."""

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.suspicion import entropy, looks_secret, value_looks_secret, words

SECRET_NAMES = words(
    """
    PASSWORD PASSWD PASSWRD PASS PASSPHRASE PWD_2 MY_PWD PW SECRET TOKEN BEARER JWT CREDENTIAL
    CREDENTIALS CREDS AUTH AUTHORIZATION OAUTH COOKIE SESSION CSRF XSRF KEY KEYS APIKEY PRIVATE
    PRIVKEY CRYPT ENCRYPTION CIPHER SALT PEPPER CERT CERTIFICATE PEM P12 PFX KEYSTORE OTP TOTP MFA
    PIN SIGNATURE SIGNING HMAC DSN CONN_STRING CONNECTION_STRING WEBHOOK LICENSE SSN MASTER SAS
    DEPLOY_KEY HTPASSWD CONTRASENA MYSQL_PWD PGPASSWORD PGPASSFILE REDISCLI_AUTH SECRET_KEY_BASE
    RAILS_MASTER_KEY DATABASE_URL REDIS_URL MONGO_URL MONGODB_URI AMQP_URL RABBITMQ_URL SENTRY_DSN
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY AWS_SECRET_KEY AWS_SESSION_TOKEN
    DB_PASSWORD db-password db.password dbPassword DBPassword DBPASS mysqlpwd API_KEY apiKey APIKey
    api_key2 OAUTH2 SSHKEY GITHUB_TOKEN AUTHTOKEN SLACK_WEBHOOK_URL DJANGO_SECRET_KEY
    PRIMARY_DATABASE_URL connectionString NOTIFY_API_KEY BUNDLE_GEMS__CONTRIBSYS__COM
    PUBLIC_KEY_PASSWORD
    """
)

HARMLESS_NAMES = words(
    """
    PWD OLDPWD PUBLIC_KEY PUBLIC_KEYS PUBKEY KEYBOARD KEYSPACE AUTHOR GIT_AUTHOR_NAME PASSENGER_ENV
    COMPASS BYPASS_CDN MONKEY PINS SHIPPING OPINION ASSET_HOST AWS_REGION AWS_S3_BUCKET_NAME PATH
    HOME PORT HOST TURKEY DESALT BUNDLE_GEMFILE BUNDLE_BUILD__NOKOGIRI RAILS_ENV
    DJANGO_SETTINGS_MODULE GOVUK_APP_NAME URL EMAIL
    """
)

PLAIN_VALUES = [
    "",
    "production",
    "/var/apps/asset-manager/current/config/unicorn.rb",
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "/tmp/pytest-of-root/pytest-3/test_restart_is_sufficient_gunicorn0/app",
    "/opt/rbenv/versions/3.2.1/lib/ruby/gems/3.2.0/gems/bundler-2.4.1",
    "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "/home/deploy/.nvm/versions/node/v20.11.1/bin:/home/deploy/.rbenv/shims",
    "/srv/app/releases/20261123215228/config",
    "/srv/app/releases/" + "0a1b2c3d" * 5 + "/config",
    "asset-manager.production.integration.internal",
    "my_project.settings.production_with_a_long_name",
    "MyCompanyApplicationSettings",
    "https://www.gov.uk/browse?page=2&order=asc",
    "https://medium.example/@user",
    "someone@example.org",
    "en_GB.UTF-8",
    "Europe/London",
    "-rbundler/setup -W:no-deprecated",
    "gunicorn/23.0.0",
    "20261123215228123456789012",
    "%(h)s %(l)s %(t)s",
]

SECRET_VALUES = [
    "postgres://user:" + "hunter2" + "@db/app",
    "postgres://user:" + "hun/ter2" + "@db/app",
    "redis://:" + "x" * 8 + "@host",
    "https://" + "x" * 8 + "@git.example/repo",
    "https://x.example/?token=" + "a",
    "https://x.example/?page=1&sig=" + "a",
    "https://x.example/?key=" + "a",
    "Server=db;User Id=sa;Password=" + "a;",
    'a {"api_key": "' + 'x"}',
    "Authorization: Bearer " + "x",
    "-Ddb.password=" + "x",
    "-----BEGIN " + "RSA",
    "eyJ" + "a" * 8 + ".eyJ" + "b" * 8 + ".c",
    "AKIA" + "A" * 16,
    "ASIA" + "7" * 16,
    *(f"gh{kind}_" + "a" * 36 for kind in "pousr"),
    "github_pat_" + "a" * 20,
    *(f"xox{kind}-" + "1" for kind in "abprs"),
    "sk_live_" + "a",
    "sk_test_" + "a",
    "AIza" + "a" * 35,
    "https://hooks.slack.com/services/" + "T/B/x",
    "$2b$" + "12$",
    uuid.UUID(int=0x0123456789ABCDEF0123456789ABCDEF).hex,
    str(uuid.UUID(int=0x6FCF485908F14D8BABFC76E7479D6D95)),
    "/x/" + "aB3dE5gH7" + "jK1mN8pQ4" + "sT6",
]

LARGE = [
    *(
        "a",
        "A",
        "aB",
        "a.",
        "/a1b",
        "://",
        "://a:",
        "://@",
        "://a@",
        "a=b ",
        "password ",
        "eyJ",
        "-",
        "/",
        "@",
    ),
    *("\"' ", " ", "key ", "a:", "?", "0a"),
]


@pytest.mark.parametrize("name", sorted(SECRET_NAMES))
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", sorted(HARMLESS_NAMES))
def test_harmless_names(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize("value", PLAIN_VALUES)
def test_plain_values(value: str) -> None:
    assert not looks_secret("NAME", value)


@pytest.mark.parametrize("value", SECRET_VALUES)
def test_values_of_secrets(value: str) -> None:
    assert looks_secret("NAME", value)
    assert looks_secret("NAME", f"some text, {value}")


@given(st.uuids(version=4))
def test_every_uuid_looks_random(identifier: uuid.UUID) -> None:
    assert value_looks_secret(identifier.hex)
    assert value_looks_secret(str(identifier))


@pytest.mark.parametrize("unit", LARGE)
def test_a_megabyte_takes_linear_time(unit: str) -> None:
    value = unit * (1_000_000 // len(unit))
    begin = time.process_time()
    value_looks_secret(value)
    assert time.process_time() - begin < 5


@given(st.text(), st.text())
def test_every_text_can_be_judged(name: str, value: str) -> None:
    assert looks_secret(name, value) in (True, False)


def test_entropy() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2

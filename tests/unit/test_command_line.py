"""Command lines that may be printed: no secret, and no needless hole."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.command_line import mask_arguments
from envcheck.secrecy import MASK, Policy

POLICY = Policy(b"k" * 32)
KNOWN = "hunter22"

COMPLETE = [
    "gunicorn --workers 3 --bind 127.0.0.1:8000 --worker-class gevent --timeout 30 project.wsgi:application",
    "/usr/bin/unicorn -D -c /var/apps/asset-manager/current/config/unicorn.rb -E production -p 3037",
    "gunicorn --chdir /tmp/pytest-of-root/pytest-3/test_restart_is_sufficient_gunicorn0/app app:create()",
    "gunicorn -c python:project.gunicorn --pid=/run/app.pid --statsd-host=localhost:8125 --keep-alive 5 app",
    "gunicorn --keyfile /etc/ssl/app.key --certfile /etc/ssl/app.pem --ca-certs /etc/ssl/ca.pem app",
    "gunicorn --access-logformat %(h)s app",
    "gunicorn -e RAILS_ENV=production --env PORT=80 --env=LANG=C -eTZ=UTC app",
    "systemctl restart asset-manager.service",
    "puma -b tcp://0.0.0.0:9292 -b unix:///run/puma.sock?umask=0111 --environment=production",
    "uwsgi --ini /etc/uwsgi/app.ini --master --processes 4",
]

MASKED = [
    (["-e", "API=abc"], ["-e", "API=***"]),
    (["-e", "lower=abc"], ["-e", "lower=***"]),
    (["-e", "EMPTY="], ["-e", "EMPTY="]),
    (["--env", "A=b c=d"], ["--env", "A=***"]),
    (["--env=API=abc"], ["--env=API=***"]),
    (["-eAPI=abc"], ["-eAPI=***"]),
    (["API=abc", "gunicorn"], ["API=***", "gunicorn"]),
    (["--raw=API=abc"], ["--raw=API=***"]),
    (["--password=a b"], ["--password=***"]),
    (["--password", "abc", "app"], ["--password", "***", "app"]),
    (["--password", "-abc", "app"], ["--password", "***", "app"]),
    (["--no-auth", "--bind", ":80"], ["--no-auth", "--bind", ":80"]),
    (["--db-passwd", "abc"], ["--db-passwd", "***"]),
    (["--api-key", "/abc"], ["--api-key", "***"]),
    (["--ssl-key-password", "/abc"], ["--ssl-key-password", "***"]),
    (["-p", f"x{KNOWN}y"], ["-p", "x***y"]),
    (["-H", "x" + base64.b64encode(KNOWN.encode()).decode()], ["-H", "x***"]),
    (["postgres://u:" + "p@db/app"], ["postgres://***@db/app"]),
    (["--db=postgres://u:" + "p/q@db/app"], ["--db=postgres://***@db/app"]),
    (["https://x.example/?a=b&token=" + "t&c=d"], ["https://x.example/?a=b&token=***&c=d"]),
    (["AKIA" + "A" * 16], ["***"]),
    (["--id=AKIA" + "A" * 16], ["--id=***"]),
    ([uuid.UUID(int=0x0123456789ABCDEF0123456789ABCDEF).hex], ["***"]),
    (['app:create("s3cret")'], ["app:create(***)"]),
    (['app:create("s3 cret", x)'], ["app:create(***)"]),
    (["app:create(s3cret"], ["app:create(***"]),
    (["app:create()(s3cret)"], ["app:create()(***)"]),
    (["unicorn master -e API=abc -c x.rb"], ["unicorn master -e API=*** -c x.rb"]),
    (["server --password abc  -D"], ["server --password ***  -D"]),
    (["sh", "-c", "API='a b' exec server"], ["sh", "-c", "API=***"]),
    (["sh", "-c", "cd /; API='a b' exec server"], ["sh", "-c", "***"]),
    (["-H", "Authorization: Bearer " + "x"], ["-H", "***"]),
    (["-e", f"{KNOWN}=abc"], ["-e", "***=***"]),
    (["-e", f"HOME=/{KNOWN}"], ["-e", "HOME=/***"]),
    (["a " + KNOWN + " b"], ["a *** b"]),
]


@pytest.mark.parametrize("line", COMPLETE)
def test_ordinary_command_lines_stay_complete(line: str) -> None:
    argv = tuple(line.split())
    assert mask_arguments(argv, [KNOWN], POLICY) == (argv, True)


@pytest.mark.parametrize(("argv", "masked"), MASKED)
def test_mask(argv: list[str], masked: list[str]) -> None:
    assert mask_arguments(argv, [KNOWN], POLICY) == (tuple(masked), argv == masked)


def test_a_known_secret_with_blanks_in_a_title() -> None:
    assert mask_arguments(["server correct horse -D"], ["correct horse"], POLICY) == (
        (f"server {MASK} -D",),
        False,
    )


def test_log_format_with_blanks_and_quotes() -> None:
    argv = ("--access-logformat", '%(h)s %(l)s "%(r)s" %(s)s')
    assert mask_arguments(argv, [], POLICY) == (argv, True)


def test_what_the_user_reveals() -> None:
    revealing = Policy(b"k" * 32, reveal=("API",))
    assert mask_arguments(["-e", "API=abc"], [], revealing) == (("-e", "API=abc"), True)


@given(st.lists(st.text()), st.text(alphabet="abcdefghXYZ0123456789", min_size=6), st.lists(st.text()))
def test_a_known_secret_is_nowhere(before: list[str], secret: str, after: list[str]) -> None:
    masked, complete = mask_arguments([*before, f"x{secret}", *after, secret], [secret], POLICY)
    assert not complete
    assert not any(secret in argument for argument in masked)
    assert len(masked) == len(before) + len(after) + 2

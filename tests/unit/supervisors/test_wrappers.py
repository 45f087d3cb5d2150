"""The chain of programs between a supervisor and its server, from answers that are data."""

from __future__ import annotations

from collections.abc import Mapping

import build
import pytest

from envcheck.model import Answers, Applied, Assignment, FileFacts, Parsed, Source, Stage, Start
from envcheck.sources import chain
from envcheck.supervisors import wrappers
from envcheck.supervisors.ancestry import INHERITED
from envcheck.supervisors.known import Known

SERVER = build.gunicorn(5)
BASE = {"PATH": "/bin", "HOME": "/root", "INHERITED": "yes"}


def base() -> Applied:
    source = Source(INHERITED, "the environment of runsv 4", Stage.EXEC)
    return Applied(source, Parsed(tuple(Assignment(n, v, 0) for n, v in BASE.items())), 1.0)


def follow(
    *command: str,
    files: Mapping[str, str] | None = None,
    folders: Mapping[str, FileFacts] | None = None,
    folder: str | None = "/srv",
) -> Start:
    given = {path: FileFacts("ok", text.encode(), 7.0) for path, text in (files or {}).items()}
    known = Known(Answers(files=given, folders=dict(folders or {})))
    return wrappers.follow(Start((base(),), command, folder=folder), SERVER, known)


def gained(start: Start) -> dict[str, str | None]:
    """Give what differs from the environment of the supervisor."""
    values = chain.values(start.applied)
    changed: dict[str, str | None] = {n: v for n, v in values.items() if BASE.get(n) != v}
    return changed | {n: None for n in BASE if n not in values}


def gaps(start: Start) -> list[str]:
    return [a.why for a in start.applied if a.parsed is None]


ENV_D = {"/srv/none": FileFacts("missing"), "/srv/env.d": build.folder(3.0, COLOUR="red\n", GONE="")}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("gunicorn app:app", {}),
        ("python3 -m gunicorn app:app", {}),
        ("env A=1 B=2 gunicorn app:app", {"A": "1", "B": "2"}),
        (
            "env -u HOME -C / --unset=INHERITED PATH=/x gunicorn",
            {"HOME": None, "INHERITED": None, "PATH": "/x"},
        ),
        ("env -i A=1 gunicorn", {"A": "1", "PATH": None, "HOME": None, "INHERITED": None}),
        ("envdir env.d gunicorn", {"COLOUR": "red"}),
        ("envdir /srv/env.d env COLOUR=blue gunicorn", {"COLOUR": "blue"}),
        ("env COLOUR=blue envdir ./env.d gunicorn", {"COLOUR": "red"}),
        ("chpst -u deploy -e env.d gunicorn", {"COLOUR": "red"}),
        ("chpst -veenv.d -n5 gunicorn", {"COLOUR": "red"}),
        ("chpst -Pe env.d -- gunicorn", {"COLOUR": "red"}),
        ("s6-envdir -f env.d gunicorn", {"COLOUR": "red"}),
        ("s6-envdir -I none s6-envdir -i -n -- env.d gunicorn", {"COLOUR": "red"}),
        ("s6-envdir -f -n env.d gunicorn", {"COLOUR": "red\n"}),
        ("s6-envdir env.d s6-setuidgid deploy gunicorn", {"COLOUR": "red"}),
        (
            "setuidgid deploy softlimit -m 9 nice -n 5 ionice -c2 -n7 timeout -k 5 60 envdir env.d gunicorn",
            {"COLOUR": "red"},
        ),
        ("nice --adjustment=3 setsid -f nohup envdir env.d gunicorn", {"COLOUR": "red"}),
        ("exec bundle exec unicorn -D", {}),
        (
            "start-stop-daemon --start --chuid deploy --exec /usr/bin/envdir -- env.d gunicorn",
            {"COLOUR": "red"},
        ),
        ("runuser -p -u deploy -- envdir env.d gunicorn", {"COLOUR": "red"}),
        ("envdir env.d python3 unicornherder.py -p x", {"COLOUR": "red"}),
    ],
)
def test_programs(command: str, expected: dict[str, str | None]) -> None:
    start = follow(*command.split(), folders=ENV_D)
    assert gaps(start) == []
    assert gained(start) == expected


def test_shell_in_an_argument() -> None:
    start = follow(
        "sh", "-c", 'export A="$0-$1" && exec env B=2 envdir env.d "$@"', "x", "gunicorn", folders=ENV_D
    )
    assert gained(start)["B"] == "2"
    assert start.command == ("gunicorn",)


def test_the_wrapper_of_the_story() -> None:
    """govuk_setenv APP COMMAND: /etc/environment is sourced, not exported; two folders follow."""
    setenv = (
        '#!/bin/bash\nset -e\napp="$1"; shift\n. /etc/environment\n'
        'exec envdir /etc/govuk/env.d envdir "/etc/govuk/${app}/env.d" "$@"\n'
    )
    spinup = (
        '#!/bin/sh\ncd "$GOVUK_APP_ROOT"\nexec unicornherder -u unicorn -p "$GOVUK_APP_RUN/app.pid" -- -c x\n'
    )
    start = follow(
        "govuk_setenv",
        "shop",
        "govuk_spinup",
        files={
            "/bin/govuk_setenv": setenv,
            "/bin/govuk_spinup": spinup,
            "/etc/environment": "PATH=/bin:/opt\nLC_ALL=C\nTZ=Europe/London\n",
            "/opt/none": "",
        },
        folders={
            "/etc/govuk/env.d": build.folder(3.0, RAILS_ENV="production\n", COLOUR="green\n"),
            "/etc/govuk/shop/env.d": build.folder(
                4.0, COLOUR="red\n", GOVUK_APP_ROOT="/var/apps/shop\n", GOVUK_APP_RUN="/run/shop\n"
            ),
        },
    )
    assert gaps(start) == []
    assert start.command == ("unicornherder", "-u", "unicorn", "-p", "/run/shop/app.pid", "--", "-c", "x")
    assert start.folder == "/var/apps/shop"
    assert gained(start) == {
        "PATH": "/bin:/opt",
        "RAILS_ENV": "production",
        "COLOUR": "red",
        "GOVUK_APP_ROOT": "/var/apps/shop",
        "GOVUK_APP_RUN": "/run/shop",
    }
    assert [a.source.path for a in start.applied][1:] == [
        "/etc/environment",
        "/etc/govuk/env.d",
        "/etc/govuk/shop/env.d",
    ]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/opt/spin gunicorn", "dynamic: spin is not understood"),
        ("sudo -u deploy -E gunicorn", "dynamic: sudo drops what its configuration does not keep"),
        ("env -S x gunicorn", "dynamic: this use of env is not understood"),
        ("s6-envdir -c x env.d gunicorn", "dynamic: this use of s6-envdir is not understood"),
        ("chpst -/ /jail gunicorn", "dynamic: this use of chpst is not understood"),
    ],
)
def test_what_is_not_understood_is_named(command: str, why: str) -> None:
    assert gaps(follow(*command.split(), files={"/opt/spin": "\x7fELF"})) == [why]


def test_where_it_stands_is_named() -> None:
    start = follow(
        "./run",
        files={"/srv/run": "#!/bin/sh\n\nexec /opt/spin gunicorn\n", "/opt/spin": "#!/usr/bin/perl\n"},
    )
    [gap] = [a for a in start.applied if a.parsed is None]
    assert (gap.source.path, gap.why) == ("/srv/run", "dynamic: spin is not understood (line 3)")


def test_a_gap_before_a_cleared_environment_does_not_matter() -> None:
    start = follow("sudo", "env", "-i", "A=1", "gunicorn")
    assert (gaps(start), chain.values(start.applied)) == ([], {"A": "1"})


def test_a_script_that_calls_itself_ends() -> None:
    start = follow("./run", files={"/srv/run": "#!/bin/sh\nexec ./run\n"})
    assert gaps(start)[-1].startswith("dynamic: a chain of commands that does not end")


@pytest.mark.parametrize("files", [("./b", "./a"), ("./a", "./b"), ("./a; . ./a", "./b")])
def test_files_that_source_one_another_end_in_a_gap(files: tuple[str, str]) -> None:
    text = "#!/bin/sh\nexport A=1\n. ./a\nexport B=1\nexec gunicorn\n"
    a, b = (f". {name}\n" for name in files)
    start = follow("./run", files={"/srv/run": text, "/srv/a": a, "/srv/b": b})
    assert any("source one another have no end" in why for why in gaps(start))
    assert gained(start) == {"A": "1"}


def test_what_is_missing_would_not_start() -> None:
    start = follow("envdir", "none", "gunicorn", folders={"/srv/none": FileFacts("missing")})
    assert start.unstartable == "there is no folder /srv/none"


def test_questions_come_in_rounds() -> None:
    known = Known(Answers())
    wrappers.follow(Start((base(),), ("./run",), folder="/srv"), SERVER, known)
    assert list(known.wanted) == [("file", "/srv/run")]

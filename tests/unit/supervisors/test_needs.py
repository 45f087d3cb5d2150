"""What a start needs, and what is missed only where it is seen to be missing."""

from __future__ import annotations

import pytest

from envcheck.model import Answers, FileFacts, Need, Output
from envcheck.supervisors import needs
from envcheck.supervisors.known import Known

PASSWD = FileFacts("ok", b"root:x:0:0::/root:/bin/sh\nshop:x:7:7::/:/bin/sh\n")
GETENT = ("getent", "passwd", "other")


def facts(status: str, mode: int = 0o755) -> FileFacts:
    return FileFacts(status, mode=mode)


NEITHER = dict.fromkeys(["/a/x", "/b/x"], facts("missing"))


@pytest.mark.parametrize(
    ("kind", "names", "files", "said"),
    [
        ("folder", ["/srv"], {"/srv": facts("folder")}, ""),
        ("folder", ["/srv"], {"/srv": facts("missing")}, "there is no folder /srv (it)"),
        ("folder", ["/srv"], {"/srv": facts("ok")}, "/srv is no folder (it)"),
        ("folder", ["/srv"], {"/srv": facts("denied")}, ""),
        ("folder", ["/srv"], {}, ""),
        ("program", ["/a"], {"/a": facts("ok")}, ""),
        ("program", ["/a"], {"/a": facts("oversized")}, ""),
        ("program", ["/a"], {"/a": facts("denied", 0)}, ""),
        ("program", ["/a"], {"/a": facts("ok", 0o644)}, "/a is not executable (it)"),
        ("program", ["/a"], {"/a": facts("missing")}, "there is no program /a (it)"),
        ("program", ["/a/x", "/b/x"], {"/a/x": facts("missing"), "/b/x": facts("ok")}, ""),
        (
            "program",
            ["/a/x", "/b/x"],
            dict.fromkeys(["/a/x", "/b/x"], facts("missing")),
            "there is no program x (it)",
        ),
        ("program", ["/a/x", "/b/x"], {"/a/x": facts("missing")}, ""),
        ("user", ["shop"], {"/etc/passwd": PASSWD}, ""),
        ("user", ["4242"], {"/etc/passwd": PASSWD}, ""),
        ("user", ["other"], {"/etc/passwd": PASSWD}, "there is no user other (it)"),
        ("user", ["other"], {"/etc/passwd": facts("denied")}, ""),
    ],
)
def test_unmet(kind: str, names: list[str], files: dict[str, FileFacts], said: str) -> None:
    known = Known(Answers(files=files, outputs={GETENT: Output("ok", 2)}))
    assert needs.unmet([Need(kind, tuple(names), "it", "x")], known) == said


@pytest.mark.parametrize(
    "output", [Output("ok", 0, b"other:x:8:8::/:/bin/sh\n"), Output("missing"), Output("timeout")]
)
def test_a_user_who_is_known_elsewhere(output: Output) -> None:
    known = Known(Answers(files={"/etc/passwd": PASSWD}, outputs={GETENT: output}))
    assert needs.unmet([Need("user", ("other",), "it")], known) == ""

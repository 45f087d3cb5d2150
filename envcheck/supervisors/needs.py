"""What has to be there for a supervisor to start a server at all: a folder, a program, a user.

Each supervisor says what it would need (`Start.needs`); whether that is there is looked up in one place. What
could not be seen is not missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from envcheck.model import FileFacts, Need
from envcheck.supervisors.known import Known

FOLDER, PROGRAM, USER = "folder", "program", "user"
EXECUTABLE = 0o111
NO_SUCH_KEY = 2  # getent(1)


def unmet(needs: Iterable[Need], known: Known) -> str:
    """Say what is missing first; "" where nothing is, as far as it can be told."""
    return next((why for need in needs if (why := CHECKS[need.kind](need, known))), "")


def _folder(need: Need, known: Known) -> str:
    facts = known.file(need.names[0])
    status = facts.status if facts else ""
    if status == "missing":
        return f"there is no folder {need.names[0]} ({need.by})"
    return f"{need.names[0]} is no folder ({need.by})" if status in ("ok", "oversized") else ""


def _program(need: Need, known: Known) -> str:
    """The first that may be executed is taken; one that cannot be seen may be it."""
    found = [known.file(name) for name in need.names]
    if any(facts is None or _may_run(facts) for facts in found):
        return ""
    there = [
        name for name, facts in zip(need.names, found, strict=True) if facts and facts.status != "missing"
    ]
    if there:
        return f"{there[0]} is not executable ({need.by})"
    return f"there is no program {need.names[0] if len(need.names) == 1 else need.whole} ({need.by})"


def _may_run(facts: FileFacts) -> bool:
    if facts.status in ("ok", "oversized"):
        return bool(facts.mode & EXECUTABLE)
    return facts.status not in ("missing", "folder")


def _user(need: Need, known: Known) -> str:
    """Users may come from elsewhere than /etc/passwd: where it has no such line, getent is asked."""
    [name] = need.names
    facts = known.file("/etc/passwd")
    if facts is None or facts.status != "ok" or name.isdigit():
        return ""
    if name.encode() in (line.partition(b":")[0] for line in facts.content.splitlines()):
        return ""
    said = known.run("getent", "passwd", name)
    gone = said is not None and said.status == "ok" and said.code == NO_SUCH_KEY
    return f"there is no user {name} ({need.by})" if gone else ""


CHECKS: Mapping[str, Callable[[Need, Known], str]] = {FOLDER: _folder, PROGRAM: _program, USER: _user}

"""What the manager has loaded: one command for all units of a host, and how its output is read.

`systemctl show` prints its properties in an order of its own; words with special characters stand in double
quotes, with C escapes and backslashes before `$` and the back quote. The probe prints the same where it asks
the manager itself, with ExecStartWords= for the words of the first command. What `restart` alone would give
hangs on these, what a restart after `daemon-reload` would give on the files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from envcheck.model import Output, Owner
from envcheck.opening import DIRECTORIES, OF_SYSTEM, OF_USER
from envcheck.sources import systemd_words as grammar
from envcheck.sources.text import decode
from envcheck.supervisors.known import Known
from envcheck.supervisors.programs import SHELLS
from envcheck.supervisors.systemd.definition import (
    Definition,
    EnvironmentFile,
    Place,
    Variable,
    Word,
)
from envcheck.supervisors.systemd.specifiers import Scope

_MARKED = re.compile(rb"\\(.)", re.DOTALL)
_ARGV = re.compile(r"^\{ path=(.*?) ; argv\[\]=(.*?) ; ignore_errors=", re.DOTALL)
NO_ANSWER = "what systemctl printed is not what it was asked for"
FILE = re.compile(r"(.*) \(ignore_errors=(yes|no)\)", re.DOTALL)

Properties = Mapping[str, tuple[str, ...]]


class Manager(NamedTuple):
    """What the manager says of itself."""

    version: int
    architecture: str
    environment: Mapping[str, str]
    path: tuple[str, ...]
    loaded: float  # when it last read its files


class Loaded(NamedTuple):
    """What was asked for, as far as it is known; `why` there is nothing."""

    manager: Manager | None = None
    unit: Properties | None = None
    why: str = ""
    pending: bool = False

    def one(self, name: str) -> str:
        return next(iter((self.unit or {}).get(name, ())), "")

    @property
    def names(self) -> list[str]:
        return [decode(word) for word in words(self.one("Names"))]


def ask(owner: Owner, known: Known) -> Loaded:
    """Ask about a unit, together with all others of its manager."""
    user = owner.facts.get("user")
    prefix = ("env", f"XDG_RUNTIME_DIR={owner.facts['runtime']}") if user else ()
    output = known.run_for((*prefix, *(OF_USER if user else OF_SYSTEM)), owner.name)
    if output is None:
        return Loaded(pending=True)
    if not output.good:
        return Loaded(why=_why(output))
    blocks = [properties(block) for block in output.stdout.split(b"\n\n")]
    unit = next((b for b in blocks[1:] if owner.name in _names(b)), None)
    # A unit that does not exist has its block too.
    if unit is None or "Version" not in blocks[0]:
        return Loaded(why=NO_ANSWER)
    # One that is running is known, even if its file is gone.
    if unit.get("LoadState") == ("not-found",) and unit.get("MainPID") == ("0",):
        return Loaded(_manager(blocks[0]), None, "systemd does not know the unit")
    return Loaded(_manager(blocks[0]), unit)


def _names(unit: Properties) -> list[str]:
    """Give its name, and its aliases."""
    return [*unit.get("Id", ()), *(decode(word) for text in unit.get("Names", ()) for word in words(text))]


def _why(output: Output) -> str:
    if output.status == "ok":
        return "systemctl cannot reach the manager"
    return {"timeout": "systemctl did not answer in time", "missing": "there is no systemctl"}.get(
        output.status, f"systemctl: {output.status}"
    )


def properties(block: bytes) -> dict[str, tuple[str, ...]]:
    """Read NAME=VALUE lines; a name may come several times."""
    found: dict[str, list[str]] = {}
    for line in block.split(b"\n"):
        name, equals, value = decode(line).partition("=")
        if equals:
            found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def _manager(given: Properties) -> Manager:
    one = {name: values[0] for name, values in given.items()}
    digits = re.match(r"\D*(\d+)", one.get("Version", ""))
    read = one.get("UnitsLoadTimestamp") or one.get("UnitsLoadFinishTimestamp") or ""
    return Manager(
        int(digits[1]) if digits else 0,
        one.get("Architecture", ""),
        variables(one.get("Environment", "")),
        tuple(one.get("UnitPath", "").split()),
        moment(read),
    )


def moment(text: str) -> float:
    """Read a time as systemctl prints it in UTC; 0.0 where it is none."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S %Z").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def words(text: str) -> list[bytes]:
    """Undo how systemctl quotes a list."""
    raw = text.encode("utf-8", "surrogateescape")
    marked = _MARKED.sub(lambda m: b"\\x%02x" % m[1][0] if m[1] in (b"$", b"`", b"!") else m[0], raw)
    return [word.value for word in grammar.split(marked, lenient=True).words]


def variables(text: str) -> dict[str, str]:
    return {decode(name): decode(value) for name, value in grammar.clean(words(text)).items()}


def argv(loaded: Loaded, on_disk: tuple[str, ...]) -> tuple[str, ...]:
    """Give the words of the first command: its path, and its arguments, whatever `@` calls the program.

    Where the manager itself was asked they are known. systemctl joins them by blanks, without quotes: then
    they are those of *on_disk* where these print alike, else what the blanks tell; what follows `-c` of a
    shell is taken for one word.
    """
    if (told := loaded.one("ExecStartWords")) or loaded.unit is None:
        return tuple(decode(word) for word in words(told))
    match = _ARGV.match(loaded.one("ExecStart"))
    path, text = match.groups() if match else ("", "")
    if not f"{text} ".startswith(f"{path} "):
        text = " ".join((path, *text.split(" ")[1:]))
    if text == " ".join(on_disk):
        return on_disk
    found = tuple(text.split(" ")) if text else ()
    shells = (i for i, word in enumerate(found[:-2], 2) if posixpath.basename(word) in SHELLS)
    script = next((i for i in shells if re.fullmatch("-[a-z]*c", found[i - 1])), None)
    return found if script is None else (*found[:script], " ".join(found[script:]))


def definition(loaded: Loaded, scope: Scope) -> Definition:
    """Make a definition of what is loaded: specifiers are expanded already, lines are not known."""
    found = Definition(scope)
    place = Place(f"what systemd has loaded of {scope.name.full}", 0)
    for name, value in variables(loaded.one("Environment")).items():
        found.environment[name] = Variable(name, value, place)
    for line in (loaded.unit or {}).get("EnvironmentFiles", ()):
        if match := FILE.fullmatch(line):
            found.files.append(EnvironmentFile(match[1], match[2] == "yes", place))
    for key in ("PassEnvironment", "UnsetEnvironment", "ExecSearchPath", *DIRECTORIES):
        found.lists[key] = [Word(decode(word), place) for word in words(loaded.one(key))]
    for key in ("User", "PIDFile", "PAMName", "Type", "WorkingDirectory", "DynamicUser"):
        if value := loaded.one(key):
            found.single[key] = Word(value.removeprefix("!"), place)  # `!`: it need not be there
    return found

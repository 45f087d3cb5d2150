"""What Unicorn was told on its command line, or in the first lines of the rackup file (bin/unicorn)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from envcheck.model import BY_DEFAULT, Assignment, FileFacts, Process, Setting, Source, Stage
from envcheck.sources import rackup

LAUNCHER = re.compile(r"unicorn(_rails)?$")
# Those that take a value, by their letters; of the others the letters are enough.
VALUED = {
    "e": "eval",
    "I": "include",
    "r": "require",
    "o": "host",
    "p": "port",
    "E": "env",
    "P": "pid",
    "s": "server",
    "l": "listen",
    "c": "config-file",
}
RACKUP = "config.ru"
DEFAULT = "development"
ENV = "-E"  # stands for what sets a variable


class Given(NamedTuple):
    options: Mapping[str, tuple[str, ...]]
    files: tuple[str, ...]

    def last(self, name: str) -> str:
        return self.options.get(name, ("",))[-1]


def parse(words: Sequence[str]) -> Given:
    """Take a command line apart as Ruby's optparse does: `-c x`, `-cx`, `-Dc x`, `--pid x`, `--pid=x`."""
    options: dict[str, tuple[str, ...]] = {}
    files: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            files += left
            break
        name, value = _option(word)
        if name and value is None and left:
            value = left.pop(0)
        if name and value is not None:
            options[name] = (*options.get(name, ()), value)
        elif not word.startswith("-"):
            files.append(word)
    return Given(options, tuple(files))


def _option(word: str) -> tuple[str, str | None]:
    """Give the name of an option that takes a value, "" for anything else, and the value if it is there."""
    if word.startswith("--"):
        name, given, value = word[2:].partition("=")
        return (name, value if given else None) if name in VALUED.values() else ("", None)
    for at, letter in enumerate(word[1:] if word.startswith("-") else "", 2):
        if letter in VALUED:
            return VALUED[letter], word[at:] or None
    return "", None


def is_command(argv: Sequence[str]) -> bool:
    """Tell whether a command starts unicorn: itself, by Ruby, or by Bundler; not one that merely names it."""
    names = [posixpath.basename(w) for w in argv]
    if names[:1] and names[0].startswith("ruby"):
        names = names[2:] if names[1:2] == ["-S"] else names[1:]
    if names[:2] in (["bundle", "exec"], ["bundler", "exec"]):
        names = names[2:]
    return bool(names) and bool(LAUNCHER.match(names[0]))


def words(argv: Sequence[str]) -> tuple[str, ...]:
    """Give what stands behind the program; *argv* may begin with what runs it."""
    at = next((i for i, w in enumerate(argv[:4]) if LAUNCHER.match(posixpath.basename(w))), 0)
    return tuple(argv[at + 1 :])


def rackup_file(given: Given, process: Process) -> Source | None:
    """Name the file with the application, if it is one that may have options."""
    path = (given.files or (RACKUP,))[0]
    if not path.endswith(".ru") or process.cwd is None:
        return None
    return Source("rackup", posixpath.normpath(posixpath.join(process.cwd, path)), Stage.CODE, optional=True)


def variable(argv: Sequence[str]) -> str:
    """Give the name of what -E sets."""
    rails = any(posixpath.basename(w) == "unicorn_rails" for w in argv[:4])
    return "RAILS_ENV" if rails else "RACK_ENV"


def by_default(argv: Sequence[str], processes: Sequence[Process]) -> tuple[Setting, ...]:
    """Say what its program sets where nothing else does: `ENV["RACK_ENV"] ||= "development"`.

    It explains what they all have and were not given otherwise; by hand, a shell may give something else.
    """
    name = variable(argv)
    had = [p.at_exec.variables.get(name, DEFAULT) for p in processes if p.at_exec.usable]
    has = [p.live.variables.get(name) for p in processes if p.live.usable]
    if {*had, *has} != {DEFAULT}:
        return ()
    source = Source(BY_DEFAULT, "the default of unicorn itself", Stage.EXEC)
    return (Setting(source, Assignment(name, DEFAULT, 0, keeps=True), 0.0),)


def from_command_line(argv: Sequence[str], given: Given) -> tuple[Setting, ...]:
    value = given.last("env")
    source = Source("unicorn-arguments", "command line", Stage.ARGUMENT)
    return (Setting(source, Assignment(variable(argv), value, 0, by=ENV), 0.0),) if value else ()


def from_rackup(argv: Sequence[str], facts: FileFacts) -> tuple[Assignment, ...]:
    line, told = rackup.options(facts.content)
    value = parse(told).last("env")
    return (Assignment(variable(argv), value, line, by=ENV),) if value else ()

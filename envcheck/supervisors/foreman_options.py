"""The command line of foreman, the file `.foreman` with its defaults, and formations (`web=2,all=1`).

Source of the knowledge: foreman 0.87 (cli.rb, engine.rb `parse_formation`), with the Thor in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

VALUED = {
    "-f": "procfile",
    "-d": "root",
    "-e": "env",
    "-m": "formation",
    "-p": "port",
    "-t": "timeout",
}
BARE = ("-c", "--color", "--no-color", "--timestamp", "--no-timestamp")
LONG = {f"--{name}": name for name in VALUED.values()}
TASKS = ("start", "run")


class Call(NamedTuple):
    task: str
    options: Mapping[str, str] = {}
    words: tuple[str, ...] = ()
    fault: str = ""  # why it cannot be told


def call(words: Sequence[str]) -> Call:
    """Read the words after `foreman`: a task, its options, its words; those of `run` end with the command."""
    rest = list(words)
    given = rest.pop(0) if rest else ""
    task = next((t for t in TASKS if given and t.startswith(given)), "")
    if not task:
        return Call("", fault="it is neither `start` nor `run`")
    options: dict[str, str] = {}
    plain: list[str] = []
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        key = LONG.get(name) or VALUED.get(word[:2])
        if task == "run" and not key:
            return Call(task, options, (word, *rest))
        if not word.startswith("-"):
            plain.append(word)
        elif key and equals and name in (*LONG, *VALUED):
            options[key] = value
        elif key and word[2:] and not word.startswith("--"):
            options[key] = word[2:]
        elif key and rest:
            options[key] = rest.pop(0)
        elif word not in BARE:
            return Call(task, fault="an option of its command line is not known here")
    return Call(task, options, tuple(plain))


def defaults(content: bytes) -> dict[str, str] | None:
    """Read `.foreman`; None where it is no mapping, and foreman does not start."""
    import yaml  # noqa: PLC0415 - only where there is one

    try:
        read = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    if read is None or read is False:
        return {}
    if not isinstance(read, dict):
        return None
    given = cast("dict[object, object]", read)
    return {str(key): str(value) for key, value in given.items() if value is not None}


def count(formation: str, name: str) -> int:
    """Say how many of one process a formation asks for."""
    counts: dict[str, int] = {}
    for pair in "".join(formation.split()).split(","):
        kind, _, amount = pair.partition("=")
        counts[kind] = int(amount) if amount.isdigit() else 0
    return counts.get(name, counts.get("all", 0))
